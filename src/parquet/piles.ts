/** The columns of a row group to come, in the kernel's memory: rows are appended by slices, and encoded when there are enough. */
import type { Kernel } from '../kernel/kernel.ts'
import { type Column, ColumnSet, type ColumnType } from './columns.ts'
import { type EncodedColumn, encodeColumn } from './encode.ts'

/** The fields of a pile in the kernel's memory that are read here: see `Pile` in `assembly/pile.ts`. */
const field = { length: 2 } as const
const fields = 9

export class PileSet implements Disposable {
  readonly #kernel: Kernel
  readonly #address: number
  readonly #count: number

  constructor(kernel: Kernel, types: readonly ColumnType[]) {
    this.#kernel = kernel
    this.#count = types.length
    this.#address = kernel.exports.createPiles(types.length) >>> 0
  }

  /** Where each of the piles lies, for {@link PileEncoder}. */
  get addresses(): readonly number[] {
    return Array.from({ length: this.#count }, (_, index) => this.#address + 4 * fields * index)
  }

  /** Bytes of values in all piles. */
  get byteLength(): number {
    let sum = 0
    for (let index = 0; index < this.#count; index++)
      sum += this.#kernel.getInt32(this.#address + 4 * (fields * index + field.length)) >>> 0
    return sum
  }

  /** Appends the rows of columns of the same types that lie one after the other; they stay as they are. */
  append(columns: readonly Column[]): void {
    const [first] = columns
    if (first !== undefined) this.#kernel.exports.appendToPiles(this.#address, first.address, this.#count)
  }

  [Symbol.dispose](): void {
    this.#kernel.exports.freePiles(this.#address, this.#count)
  }
}

/** Encodes piles of its thread's kernel or of another one on the same memory. */
export class PileEncoder {
  readonly #kernel: Kernel
  /** A column of each type, to load a pile into. */
  readonly #columns = new Map<string, Column>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  encode(pile: number, type: ColumnType): EncodedColumn {
    const column = this.#columnOf(type)
    const { exports } = this.#kernel
    exports.loadPile(column.address, pile)
    try {
      return encodeColumn(this.#kernel, column)
    } finally {
      exports.unloadPile(column.address)
    }
  }

  #columnOf(type: ColumnType): Column {
    const key = `${type.type} ${type.nullable}`
    const known = this.#columns.get(key)
    if (known !== undefined) return known
    const [column] = new ColumnSet(this.#kernel, [type]).columns
    if (column === undefined) throw new Error('a set of one column has none')
    this.#columns.set(key, column)
    return column
  }
}
