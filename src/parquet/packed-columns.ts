/**
 * The content of columns in shared memory, to hand from thread to thread without a transfer: whoever writes it gives it to one
 * reader at a time, and gets it back when that one has read it.
 */
import { type AnyColumn, IntColumn, LongColumn, TextColumn } from './columns.ts'

/** One column: its values as the column keeps them, in pieces, and its runs of NULLs as pairs of first row and count. */
export interface ColumnImage {
  readonly rows: number
  readonly nulls: number
  readonly pieces: readonly Uint8Array[]
  readonly gaps: Int32Array
}

/** Many columns, one after the other. */
export interface PackedColumns {
  readonly memory: SharedArrayBuffer
  /** Of every column {@link headerSize} numbers: rows, nulls, bytes of values, numbers of gaps. */
  readonly header: Int32Array
}

const headerSize = 4

const blockBytes = 128 * 1024

/**
 * Copies the columns' content; they stay as they are.
 * @param spare memory to use if it is large enough
 */
export function packColumns(columns: readonly AnyColumn[], spare: SharedArrayBuffer | null = null): PackedColumns {
  const header = new Int32Array(headerSize * columns.length)
  let size = 0
  for (const [index, column] of columns.entries()) {
    const { length } = valueBytes(column)
    header.set([column.rows, column.nulls, length, column.gapsLength], headerSize * index)
    size += aligned(length) + aligned(4 * column.gapsLength)
  }
  const memory = spare !== null && spare.byteLength >= size ? spare : new SharedArrayBuffer(Math.ceil(1.25 * size))
  // Buffer.copy, here and below: TypedArray.set moves shared memory word by word.
  const bytes = Buffer.from(memory)
  let at = 0
  for (const column of columns) {
    const values = valueBytes(column)
    values.copy(bytes, at)
    at += aligned(values.length)
    Buffer.from(column.gaps.buffer, 0, 4 * column.gapsLength).copy(bytes, at)
    at += aligned(4 * column.gapsLength)
  }
  return { memory, header }
}

/** Blocks of shared memory that piles take and give back: what one dataset does not need now, another does. */
export class BlockPool {
  readonly #spare: SharedArrayBuffer[] = []

  take(): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#spare.pop() ?? new SharedArrayBuffer(blockBytes))
  }

  give(blocks: readonly Uint8Array<SharedArrayBuffer>[]): void {
    for (const { buffer } of blocks) this.#spare.push(buffer)
  }
}

/** Where the packed content of a column gathers until it makes a row group. */
export class ColumnPile {
  readonly #pool: BlockPool
  readonly #blocks: Uint8Array<SharedArrayBuffer>[] = []
  #rows = 0
  #nulls = 0
  #bytes = 0
  #gaps = new Int32Array(64)
  #gapsLength = 0

  constructor(pool: BlockPool) {
    this.#pool = pool
  }

  /** Bytes of values. */
  get byteLength(): number {
    return this.#bytes
  }

  /** What it holds, valid until {@link release}. */
  image(): ColumnImage {
    const pieces = this.#blocks.map((block, index) => block.subarray(0, this.#bytes - index * blockBytes))
    return { rows: this.#rows, nulls: this.#nulls, pieces, gaps: this.#gaps.subarray(0, this.#gapsLength) }
  }

  /** @param gaps counted from the first of the rows appended */
  append(rows: number, nulls: number, values: Buffer, gaps: Int32Array): void {
    for (let from = 0; from < values.length; ) {
      const used = this.#bytes % blockBytes
      if (used === 0) this.#blocks.push(this.#pool.take())
      const size = Math.min(blockBytes - used, values.length - from)
      values.copy(this.#blocks.at(-1) as Uint8Array, used, from, from + size)
      this.#bytes += size
      from += size
    }
    this.#appendGaps(gaps)
    this.#rows += rows
    this.#nulls += nulls
  }

  /** Gives the memory back. */
  release(): void {
    this.#pool.give(this.#blocks.splice(0))
  }

  #appendGaps(gaps: Int32Array): void {
    const length = this.#gapsLength + gaps.length
    if (length > this.#gaps.length) {
      const wider = new Int32Array(2 * length)
      wider.set(this.#gaps)
      this.#gaps = wider
    }
    for (let i = 0; i < gaps.length; i += 2) {
      this.#gaps[this.#gapsLength + i] = (gaps[i] ?? 0) + this.#rows
      this.#gaps[this.#gapsLength + i + 1] = gaps[i + 1] ?? 0
    }
    this.#gapsLength = length
  }
}

/** Appends packed content to the piles of the same columns, in the same order. */
export function appendPacked(piles: readonly ColumnPile[], { memory, header }: PackedColumns): void {
  if (header.length !== headerSize * piles.length)
    throw new Error(`${header.length / headerSize} packed columns for ${piles.length}`)
  let at = 0
  for (const [index, pile] of piles.entries()) {
    const [rows = 0, nulls = 0, length = 0, gapsLength = 0] = header.subarray(headerSize * index, headerSize * (index + 1))
    const values = Buffer.from(memory, at, length)
    at += aligned(length)
    pile.append(rows, nulls, values, new Int32Array(memory, at, gapsLength))
    at += aligned(4 * gapsLength)
  }
}

/** Makes a column hold what an image shows, and nothing else. */
export function loadImage(column: AnyColumn, { rows, nulls, pieces, gaps }: ColumnImage): void {
  column.reset()
  column.load({ rows, nulls, gaps }, pieces)
}

function valueBytes(column: AnyColumn): Buffer {
  if (column instanceof TextColumn) return Buffer.from(column.bytes.buffer, 0, column.length)
  if (column instanceof LongColumn) return Buffer.from(column.lanes.buffer, 0, 8 * column.values)
  if (column instanceof IntColumn) return Buffer.from(column.data.buffer, 0, 4 * column.values)
  return Buffer.from(column.data.buffer, 0, column.values)
}

function aligned(size: number): number {
  return Math.ceil(size / 8) * 8
}
