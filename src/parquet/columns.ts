/**
 * Column buffers in the kernel's memory. A {@link Column} is a handle: rows are numbered from 0, values arrive in row order, and rows
 * that get none are NULL. The scanner's rows are put by the kernel itself; `put` is for what JavaScript has to add.
 */
import type { Kernel } from '../kernel/kernel.ts'

export type ColumnKind = 'VARCHAR' | 'BIGINT' | 'INT' | 'BOOLEAN'

export interface ColumnType {
  readonly type: ColumnKind
  readonly nullable: boolean
}

export type ColumnValue = string | bigint | number | boolean

/** As the kernel numbers them. */
const kinds: readonly ColumnKind[] = ['VARCHAR', 'BIGINT', 'INT', 'BOOLEAN']

/** The fields of a column in the kernel's memory, in their order: see `Column` in `assembly/column.ts`. */
const field = { kind: 0, required: 1, rows: 2, nulls: 3, data: 4, length: 5, gaps: 7, gapsLength: 8 } as const
const fields = 12

export class Column {
  readonly kind: ColumnKind
  readonly required: boolean
  /** In the kernel's memory. */
  readonly address: number
  readonly #kernel: Kernel

  /** @param address of a column that {@link ColumnSet} has made */
  constructor(kernel: Kernel, address: number, { type, nullable }: ColumnType) {
    this.#kernel = kernel
    this.address = address
    this.kind = type
    this.required = !nullable
  }

  /** The next row never put nor padded: a value may be put into this row or a later one. */
  get rows(): number {
    return this.#field(field.rows)
  }

  get nulls(): number {
    return this.#field(field.nulls)
  }

  /** Number of rows that are not NULL. */
  get values(): number {
    return this.rows - this.nulls
  }

  /** Bytes of values, one for a boolean. */
  get byteLength(): number {
    return this.#field(field.length)
  }

  /** The values as PLAIN encoding writes them, booleans as one byte each. Valid until the next change. */
  get data(): Buffer {
    return this.#kernel.bytes(this.#field(field.data), this.byteLength)
  }

  /** Runs of NULLs, as pairs of first row and count. Valid until the next change. */
  get gaps(): Int32Array {
    return this.#kernel.int32(this.#field(field.gaps), this.#field(field.gapsLength))
  }

  /**
   * Puts the value of a row; those between the last one and this become NULL.
   * @param value of the type that the kind asks for: text, bigint or safe integer, 32-bit number, boolean
   * @throws Error when the row was put already, or a row without a value is left in a required column
   */
  put(row: number, value: ColumnValue): void {
    const { exports } = this.#kernel
    if (this.kind === 'VARCHAR') this.#putText(row, Buffer.from(String(value)))
    else if (this.kind === 'BIGINT') exports.putLong(this.address, row, BigInt(value))
    else if (this.kind === 'INT') exports.putInt(this.address, row, Number(value))
    else exports.putBoolean(this.address, row, value === true ? 1 : 0)
  }

  /** Makes every row before `rows` that has no value NULL. */
  pad(rows: number): void {
    this.#kernel.exports.pad(this.address, rows)
  }

  #putText(row: number, bytes: Buffer): void {
    const source = this.#kernel.store(bytes)
    this.#kernel.exports.putText(this.address, row, source, source + bytes.length)
    this.#kernel.exports.free(source)
  }

  #field(index: number): number {
    return this.#kernel.getInt32(this.address + 4 * index) >>> 0
  }
}

/** Columns one after the other in the kernel's memory. */
export class ColumnSet implements Disposable {
  readonly columns: readonly Column[]
  /** Of the first one. */
  readonly address: number
  readonly #kernel: Kernel

  /** @param address of a set of the same types that another thread has made; null makes a new one */
  constructor(kernel: Kernel, types: readonly ColumnType[], address: number | null = null) {
    this.#kernel = kernel
    this.address = address ?? create(kernel, types)
    this.columns = types.map((type, index) => new Column(kernel, this.address + 4 * fields * index, type))
  }

  /** Bytes of values in all columns. */
  get byteLength(): number {
    return this.columns.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** Forgets all rows; keeps the memory. */
  reset(): void {
    this.#kernel.exports.resetColumns(this.address, this.columns.length)
  }

  /** Gives the memory of the values back; the columns can be filled again after a {@link reset}. */
  release(): void {
    for (const { address } of this.columns) this.#kernel.exports.releaseColumn(address)
  }

  /** Gives all memory back. */
  [Symbol.dispose](): void {
    this.#kernel.exports.freeColumns(this.address, this.columns.length)
  }
}

function create(kernel: Kernel, types: readonly ColumnType[]): number {
  const address = kernel.exports.createColumns(types.length) >>> 0
  for (const [index, { type, nullable }] of types.entries()) {
    const column = address + 4 * fields * index
    kernel.setInt32(column + 4 * field.kind, kinds.indexOf(type))
    kernel.setInt32(column + 4 * field.required, nullable ? 0 : 1)
  }
  return address
}
