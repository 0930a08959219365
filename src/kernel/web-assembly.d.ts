/** What the kernel uses of WebAssembly's JavaScript interface: TypeScript has it only among the types of browsers. */
declare namespace WebAssembly {
  class Module {
    private readonly compiled: true
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>)
    readonly exports: Readonly<Record<string, unknown>>
  }
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum: number; readonly shared: true })
    readonly buffer: SharedArrayBuffer
    /** @returns the size before, in pages of 64 KiB */
    grow(pages: number): number
  }
}
