import { setFlagsFromString } from 'node:v8'

/**
 * Node strips types with WebAssembly, and undici reads HTTP with it. Code that is optimized would save neither any time that can be
 * measured, and takes 10 MB, without a compile cache 20. Holds for what is compiled from now on, in this process.
 */
export function keepWasmSmall(): void {
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)
}
