/** File systems that no test can mount: the system calls that they refuse answer as they do there. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

/** Until the end of the test. `exfat` has no links and no permissions, `cifs` ignores chmod and syncs no directory. */
export function withFileSystem(t: TestContext, name: 'exfat' | 'cifs'): void {
  if (name === 'exfat') {
    t.mock.method(fs, 'symlinkSync', refused('EPERM: operation not permitted, symlink'))
    t.mock.method(fs, 'chmodSync', refused('EPERM: operation not permitted, chmod'))
  } else {
    t.mock.method(fs, 'chmodSync', () => {})
    const { fsyncSync, fstatSync } = fs
    t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
      if (fstatSync(descriptor).isDirectory()) refused('EINVAL: invalid argument, fsync')()
      fsyncSync(descriptor)
    })
  }
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
}

function refused(message: string): () => never {
  return () => {
    throw new Error(message)
  }
}
