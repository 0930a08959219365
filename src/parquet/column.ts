/**
 * What all column buffers share: rows are numbered from 0, values arrive in row order, and rows that get none are
 * NULL. A row number is therefore a complete snapshot of a column: {@link Column.rollback} to a number read from
 * {@link Column.rows} undoes everything put since.
 */

export type ColumnKind = 'BIGINT' | 'INT' | 'BOOLEAN' | 'VARCHAR'

/** Capacity of a new column, in its elements; it doubles when full. */
export const initialCapacity = 256

/** A column emptied by {@link Column.reset} keeps no more than this many bytes it did not need: one giant value must not cost for ever. */
export const spareBytes = 4 * 1024 * 1024

/**
 * Fields are public for the encoder, which reads them directly; everyone else calls the methods.
 * Runs of NULLs are kept as pairs of first row and count, so that a value costs no bookkeeping but the row number.
 */
export abstract class Column {
  abstract readonly kind: ColumnKind
  readonly required: boolean
  /** The next row never put nor padded: a value may be put into this row or a later one. */
  rows = 0
  nulls = 0
  gaps = new Int32Array(16)
  gapsLength = 0

  constructor(required: boolean) {
    this.required = required
  }

  /** Number of rows that are not NULL. */
  get values(): number {
    return this.rows - this.nulls
  }

  /** Bytes of memory that hold values, which PLAIN encoding would write. */
  abstract get byteLength(): number

  /** The memory of the values, with room for so many bytes. */
  protected abstract room(bytes: number): Uint8Array
  /** Told when so many bytes of values have been put there. */
  protected abstract loaded(bytes: number): void
  protected abstract truncate(values: number): void
  protected abstract clear(): void

  /** Makes every row before `rows` that has no value NULL. */
  pad(rows: number): void {
    if (rows > this.rows) this.skipTo(rows)
  }

  /** Forgets the rows from `row` on. */
  rollback(row: number): void {
    if (row >= this.rows) return
    const before = this.values
    while (this.gapsLength > 0 && this.gapAt(this.gapsLength - 2) >= row) {
      this.gapsLength -= 2
      this.nulls -= this.gapAt(this.gapsLength + 1)
    }
    if (this.gapsLength > 0) {
      const surplus = this.gapAt(this.gapsLength - 2) + this.gapAt(this.gapsLength - 1) - row
      if (surplus > 0) {
        this.gaps[this.gapsLength - 1] = this.gapAt(this.gapsLength - 1) - surplus
        this.nulls -= surplus
      }
    }
    this.rows = row
    if (this.values < before) this.truncate(this.values)
  }

  /** Forgets all rows; keeps the memory. */
  reset(): void {
    this.clear()
    this.rows = 0
    this.nulls = 0
    this.gapsLength = 0
  }

  /**
   * Fills an empty column with what another one of its kind held.
   * @param pieces of its values, one after the other; they may be cut anywhere
   */
  load(
    { rows, nulls, gaps }: { readonly rows: number; readonly nulls: number; readonly gaps: Int32Array },
    pieces: readonly Uint8Array[],
  ): void {
    if (this.rows > 0) throw new Error('only an empty column can be loaded')
    for (let i = 0; i < gaps.length; i += 2) this.addGap(gaps[i] ?? 0, gaps[i + 1] ?? 0)
    if (this.nulls !== nulls) throw new Error(`the gaps make ${this.nulls} NULLs, not ${nulls}`)
    this.rows = rows
    let at = 0
    const bytes = this.room(pieces.reduce((sum, { length }) => sum + length, 0))
    for (const piece of pieces) {
      // Not TypedArray.set, which moves shared memory word by word.
      Buffer.from(piece.buffer, piece.byteOffset, piece.length).copy(bytes, at)
      at += piece.length
    }
    this.loaded(at)
  }

  /** Makes the rows before `row` NULL; the slow side of every put. */
  protected skipTo(row: number): void {
    if (row < this.rows) throw new Error(`row ${row} was put already, the next one is ${this.rows}`)
    this.addGap(this.rows, row - this.rows)
    this.rows = row
  }

  protected addGap(row: number, count: number): void {
    if (this.required) throw new Error(`row ${row} has no value, but the column is required`)
    this.nulls += count
    const last = this.gapsLength - 2
    if (last >= 0 && this.gapAt(last) + this.gapAt(last + 1) === row) {
      this.gaps[last + 1] = this.gapAt(last + 1) + count
      return
    }
    if (this.gapsLength + 2 > this.gaps.length) {
      const wider = new Int32Array(2 * this.gaps.length + 2)
      wider.set(this.gaps)
      this.gaps = wider
    }
    this.gaps[this.gapsLength] = row
    this.gaps[this.gapsLength + 1] = count
    this.gapsLength += 2
  }

  protected gapAt(index: number): number {
    return this.gaps[index] ?? 0
  }
}
