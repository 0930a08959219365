/** Runs the AssemblyScript compiler on the kernel's sources. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const project = join(import.meta.dirname, '../..')

/** The first 4 KiB of the memory belong to its allocator, which must survive that further threads start. */
const layout = ['--memoryBase', '4096', '--importMemory', '--sharedMemory', '--initialMemory', '8192', '--maximumMemory', '65536']

/** No collector: what lives in the kernel's memory is allocated and freed by hand. No assertions: they cost in every loop. */
const optimization = ['-O3', '--converge', '--runtime', 'stub', '--noAssert', '--enable', 'simd,threads,bulk-memory']

/** @throws Error with the compiler's messages */
export function compileKernel(): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'kernel-'))
  try {
    const target = join(directory, 'kernel.wasm')
    const compiler = join(project, 'node_modules/assemblyscript/bin/asc.js')
    const source = 'src/kernel/assembly/index.ts'
    // A process of its own: the types of the compiler's module would replace those of JavaScript's own objects.
    execFileSync(process.execPath, [compiler, source, '--outFile', target, ...layout, ...optimization], {
      cwd: project,
      stdio: 'pipe',
    })
    return readFileSync(target)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
