import { setFlagsFromString } from 'node:v8'

/**
 * Node strips types with WebAssembly. Optimizing that code would save no time that can be measured, and takes 10 MB, without a compile cache
 * 20. Applies to what this process compiles from now on.
 */
export function keepWasmSmall(): void {
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)
}
