/** Compiles the kernel: `npm run kernel`. The same sources give the same bytes on every machine. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileKernel } from './kernel/compile.ts'

const target = join(import.meta.dirname, '../src/kernel/kernel.wasm')
const bytes = compileKernel()
writeFileSync(target, bytes)
console.log(`${target}: ${bytes.length} bytes`)
