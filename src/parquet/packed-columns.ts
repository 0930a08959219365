/**
 * The content of columns in shared memory, to hand from thread to thread without a transfer: whoever writes it gives it to one
 * reader at a time, and gets it back when that one has read it.
 */
import type { Column } from './column.ts'
import { type AnyColumn, BooleanColumn, createColumn, IntColumn, LongColumn, TextColumn } from './columns.ts'

/** One column: values as the column keeps them, runs of NULLs as pairs of first row and count. */
export interface ColumnImage {
  readonly rows: number
  readonly nulls: number
  readonly values: Uint8Array
  readonly gaps: Int32Array
}

/** Many columns, one after the other. */
export interface PackedColumns {
  readonly memory: SharedArrayBuffer
  /** Of every column {@link headerSize} numbers: rows, nulls, bytes of values, numbers of gaps. */
  readonly header: Int32Array
}

const headerSize = 4

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
  const memory = spare !== null && spare.byteLength >= size ? spare : new SharedArrayBuffer(2 * size)
  const bytes = new Uint8Array(memory)
  let at = 0
  for (const column of columns) {
    const values = valueBytes(column)
    bytes.set(values, at)
    at += aligned(values.length)
    bytes.set(new Uint8Array(column.gaps.buffer, 0, 4 * column.gapsLength), at)
    at += aligned(4 * column.gapsLength)
  }
  return { memory, header }
}

/** Where the packed content of columns gathers until it makes a row group. */
export class ColumnPile {
  readonly kind: Column['kind']
  rows = 0
  #nulls = 0
  #valueBytes = 0
  #gapsLength = 0
  #values: Uint8Array<SharedArrayBuffer>
  #gaps: Int32Array<SharedArrayBuffer>

  constructor(kind: Column['kind']) {
    this.kind = kind
    this.#values = new Uint8Array(new SharedArrayBuffer(1024))
    this.#gaps = new Int32Array(new SharedArrayBuffer(256))
  }

  /** Bytes of values. */
  get byteLength(): number {
    return this.#valueBytes
  }

  /** What it holds, valid until {@link reset}. */
  image(): ColumnImage {
    return {
      rows: this.rows,
      nulls: this.#nulls,
      values: this.#values.subarray(0, this.#valueBytes),
      gaps: this.#gaps.subarray(0, this.#gapsLength),
    }
  }

  append({ rows, nulls, values, gaps }: ColumnImage): void {
    this.#reserve(values.length, gaps.length)
    this.#values.set(values, this.#valueBytes)
    for (let i = 0; i < gaps.length; i += 2) {
      this.#gaps[this.#gapsLength + i] = (gaps[i] ?? 0) + this.rows
      this.#gaps[this.#gapsLength + i + 1] = gaps[i + 1] ?? 0
    }
    this.rows += rows
    this.#nulls += nulls
    this.#valueBytes += values.length
    this.#gapsLength += gaps.length
  }

  /** Forgets all rows; keeps the memory. */
  reset(): void {
    this.rows = 0
    this.#nulls = 0
    this.#valueBytes = 0
    this.#gapsLength = 0
  }

  #reserve(valueBytes: number, gaps: number): void {
    if (this.#valueBytes + valueBytes > this.#values.length) {
      const wider = new Uint8Array(new SharedArrayBuffer(aligned(1.5 * (this.#valueBytes + valueBytes))))
      wider.set(this.#values)
      this.#values = wider
    }
    if (this.#gapsLength + gaps > this.#gaps.length) {
      const wider = new Int32Array(new SharedArrayBuffer(8 * (this.#gapsLength + gaps)))
      wider.set(this.#gaps)
      this.#gaps = wider
    }
  }
}

/** Appends packed content to the piles of the same columns, in the same order. */
export function appendPacked(piles: readonly ColumnPile[], { memory, header }: PackedColumns): void {
  if (header.length !== headerSize * piles.length)
    throw new Error(`${header.length / headerSize} packed columns for ${piles.length}`)
  let at = 0
  for (const [index, pile] of piles.entries()) {
    const [rows = 0, nulls = 0, length = 0, gapsLength = 0] = header.subarray(headerSize * index, headerSize * (index + 1))
    const values = new Uint8Array(memory, at, length)
    at += aligned(length)
    pile.append({ rows, nulls, values, gaps: new Int32Array(memory, at, gapsLength) })
    at += aligned(4 * gapsLength)
  }
}

/** Makes a column hold what an image shows, and nothing else. */
export function loadImage(column: AnyColumn, { rows, nulls, values, gaps }: ColumnImage): void {
  const view = views[column.kind]
  view.rows = rows
  view.nulls = nulls
  view.gaps = gaps as Int32Array<ArrayBuffer>
  view.gapsLength = gaps.length
  setValues(view, values)
  column.reset()
  column.appendColumn(view)
}

/** A column of each kind that is nobody's: an image is looked at through it. */
const views = {
  VARCHAR: createColumn({ type: 'VARCHAR', nullable: true }),
  BIGINT: createColumn({ type: 'BIGINT', nullable: true }),
  INT: createColumn({ type: 'INT', nullable: true }),
  BOOLEAN: createColumn({ type: 'BOOLEAN', nullable: true }),
} as const satisfies Record<Column['kind'], AnyColumn>

function valueBytes(column: AnyColumn): Uint8Array {
  if (column instanceof TextColumn) return column.bytes.subarray(0, column.length)
  if (column instanceof LongColumn) return new Uint8Array(column.lanes.buffer, 0, 8 * column.values)
  if (column instanceof IntColumn) return new Uint8Array(column.data.buffer, 0, 4 * column.values)
  return column.data.subarray(0, column.values)
}

function setValues(view: AnyColumn, values: Uint8Array): void {
  const { byteOffset, length } = values
  const buffer = values.buffer as ArrayBuffer
  if (view instanceof TextColumn) {
    view.bytes = values as Uint8Array<ArrayBuffer>
    view.length = length
  } else if (view instanceof BooleanColumn) view.data = values as Uint8Array<ArrayBuffer>
  else if (view instanceof LongColumn) view.lanes = new Int32Array(buffer, byteOffset, length / 4)
  else view.data = new Int32Array(buffer, byteOffset, length / 4)
}

function aligned(size: number): number {
  return Math.ceil(size / 8) * 8
}
