import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { probeFileSystem } from '../../src/lake/probe.ts'
import { withFileSystem } from '../support/file-system.ts'

const directory = mkdtempSync(join(tmpdir(), 'probe-'))
after(() => rmSync(directory, { recursive: true }))

test('a local file system can do everything, and nothing stays in it, nor what a killed probe left an hour ago', () => {
  const [old, young] = ['.probe-old', '.probe-young'].map((name) => join(directory, name))
  for (const left of [old, young]) mkdirSync(left ?? '')
  utimesSync(old ?? '', 0, 0)
  assert.deepEqual(probeFileSystem(directory), [])
  assert.deepEqual(readdirSync(directory), ['.probe-young'])
  rmSync(young ?? '', { recursive: true })
})

test('a file system without links and permissions is told by what it refuses', (t) => {
  withFileSystem(t, 'exfat')
  assert.deepEqual(probeFileSystem(directory), [
    'cannot make a symbolic link: EPERM: operation not permitted, symlink',
    'cannot rename a link over a link: EPERM: operation not permitted, symlink',
    'cannot take write permission from a file (chmod): EPERM: operation not permitted, chmod',
  ])
  assert.deepEqual(readdirSync(directory), [])
})

test('a file system that ignores chmod and syncs no directory is told', (t) => {
  withFileSystem(t, 'cifs')
  const problems = probeFileSystem(directory)
  assert.equal(problems[0], 'cannot write a directory to the disk (fsync): EINVAL: invalid argument, fsync')
  assert.match(problems[1] ?? '', /^cannot take write permission from a file \(chmod\): it reads as 6\d\d afterwards, not 444$/)
  assert.equal(problems.length, 2)
})

test('a directory in which nothing can be made is named', () => {
  assert.throws(() => probeFileSystem('/proc'), { message: /^nothing can be made in \/proc: / })
})
