/**
 * The hot loops of an ingest as WebAssembly: scanning, mapping, column buffers, encoding. They are written in `assembly/`, in
 * AssemblyScript, and compiled by `npm run kernel` to `kernel.wasm`; a test compiles them again and compares.
 *
 * Every thread has an instance of its own; all instances work on one memory, where columns and slices go from thread to thread by
 * their address. An address belongs to one thread at a time: who got it in a message has it.
 */
import { readFileSync } from 'node:fs'

/** What the compiled module exports; `assembly/` says more. Addresses and sizes are in bytes. */
export interface KernelExports {
  readonly allocate: (size: number) => number
  readonly free: (address: number) => void
  readonly blockBytes: (address: number) => number
  readonly createColumns: (count: number) => number
  readonly freeColumns: (columns: number, count: number) => void
  readonly resetColumns: (columns: number, count: number) => void
  readonly createPiles: (count: number) => number
  readonly freePiles: (piles: number, count: number) => void
  readonly appendToPiles: (piles: number, columns: number, count: number) => void
  readonly loadPile: (column: number, pile: number) => void
  readonly unloadPile: (column: number) => void
  readonly releaseColumn: (column: number) => void
  readonly putText: (column: number, row: number, from: number, to: number) => void
  readonly joinText: (column: number, row: number, separator: number, separatorBytes: number) => void
  readonly appendText: (column: number, from: number, to: number) => void
  readonly putLong: (column: number, row: number, value: bigint) => void
  readonly putLongRun: (column: number, from: number, to: number, value: bigint) => void
  readonly putInt: (column: number, row: number, value: number) => void
  readonly putBoolean: (column: number, row: number, value: number) => void
  readonly pad: (column: number, rows: number) => void
  readonly rollback: (column: number, row: number, length: number) => void
  readonly symbolTableBytes: () => number
  readonly useSymbols: (tables: number) => void
  readonly prepareScan: () => void
  readonly scan: (from: number) => number
  readonly prepareMap: (program: number) => void
  readonly useColumns: (rowCounts: number, columns: number) => void
  readonly mapRecord: () => number
  readonly beginRecord: () => void
  readonly endRecord: (id: bigint) => void
  readonly readRecords: (start: number, end: number) => number
  readonly recordCount: () => number
  readonly countsAddress: () => number
  readonly strayTextsAddress: () => number
  readonly beginEncoding: (column: number, pageBytes: number) => number
  /** 1 when there is one, 0 when there is none. */
  readonly nextPage: () => number
  readonly endEncoding: () => void
  readonly hashText: (text: number, bytes: number) => number
}

/** What another thread needs to have an instance on the same memory; may be sent in a message. */
export interface KernelShare {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
}

const pageBytes = 65_536
/** Address space, not memory: pages are taken when they are touched. Instances see one another's growth late, so it should be rare. */
const initialPages = (512 * 1024 * 1024) / pageBytes
/** 4 GiB, all that an address of 32 bits reaches. */
const maximumPages = 65_536

export class Kernel {
  readonly share: KernelShare
  readonly exports: KernelExports
  /** Gives the symbol of a name that the scanner has not met where it meets it now, -1 for none. Addresses are absolute. */
  lookUp: (owner: number, isAttribute: boolean, start: number, end: number) => number = () => -1
  #buffer: Buffer
  #numbers: Int32Array

  /** @param share of the kernel whose memory this one works on; null for memory of its own */
  constructor(share: KernelShare | null = null) {
    this.share = share ?? {
      module: new WebAssembly.Module(readFileSync(new URL('./kernel.wasm', import.meta.url))),
      memory: new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages, shared: true }),
    }
    const { module, memory } = this.share
    const abort = (message: number): never => {
      throw new Error(`kernel: ${this.#sourceText(message)}`)
    }
    const lookUp = (owner: number, isAttribute: number, start: number, end: number): number =>
      this.lookUp(owner, isAttribute === 1, start >>> 0, end >>> 0)
    const instance = new WebAssembly.Instance(module, { env: { memory, abort, lookUp } })
    this.exports = instance.exports as unknown as KernelExports
    this.#buffer = Buffer.from(memory.buffer)
    this.#numbers = new Int32Array(memory.buffer)
  }

  /** The bytes from `address` on. Valid as long as they are allocated. */
  bytes(address: number, length: number): Buffer {
    const start = address >>> 0
    if (start + length > this.#buffer.length) this.#widen()
    return this.#buffer.subarray(start, start + length)
  }

  /** The 32-bit numbers from `address` on. */
  int32(address: number, length: number): Int32Array {
    const { buffer, byteOffset } = this.bytes(address, 4 * length)
    return new Int32Array(buffer, byteOffset, length)
  }

  /** The 32-bit number at `address`. */
  getInt32(address: number): number {
    const index = address >>> 2
    if (index >= this.#numbers.length) this.#widen()
    return this.#numbers[index] ?? 0
  }

  setInt32(address: number, value: number): void {
    const index = address >>> 2
    if (index >= this.#numbers.length) this.#widen()
    this.#numbers[index] = value
  }

  /** Copies bytes into memory that {@link KernelExports.free} gives back. */
  store(bytes: Uint8Array): number {
    const address = this.exports.allocate(bytes.length) >>> 0
    this.bytes(address, bytes.length).set(bytes)
    return address
  }

  /** Another thread may have made the memory larger. */
  #widen(): void {
    this.share.memory.grow(0)
    this.#buffer = Buffer.from(this.share.memory.buffer)
    this.#numbers = new Int32Array(this.share.memory.buffer)
  }

  /** A string constant of AssemblyScript: UTF-16, its length in bytes in front of it. */
  #sourceText(address: number): string {
    return this.bytes(address, this.getInt32(address - 4)).toString('utf16le')
  }
}
