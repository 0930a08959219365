/**
 * Columns of numbers and booleans, kept as PLAIN encoding writes them on a little-endian machine (booleans as one
 * byte each). Hot: one `put` a value.
 */
import { Column, initialCapacity, spareBytes } from './column.ts'

const twoTo32 = 4_294_967_296

/** INT64: two 32-bit lanes a value, the low one first. */
export class LongColumn extends Column {
  readonly kind = 'BIGINT'
  lanes = new Int32Array(2 * initialCapacity)

  get byteLength(): number {
    return 8 * this.values
  }

  /** @param value a safe integer */
  put(row: number, value: number): void {
    if (row !== this.rows) this.skipTo(row)
    const at = 2 * (row - this.nulls)
    if (at + 2 > this.lanes.length) this.lanes = widened(this.lanes, at + 2)
    const lanes = this.lanes
    lanes[at] = value | 0
    lanes[at + 1] = value >= 0 && value < twoTo32 ? 0 : Math.floor(value / twoTo32)
    this.rows = row + 1
  }

  /** @param value any that 64 bits hold */
  putBig(row: number, value: bigint): void {
    if (row !== this.rows) this.skipTo(row)
    const at = 2 * (row - this.nulls)
    if (at + 2 > this.lanes.length) this.lanes = widened(this.lanes, at + 2)
    this.lanes[at] = Number(BigInt.asIntN(32, value))
    this.lanes[at + 1] = Number(BigInt.asIntN(32, value >> 32n))
    this.rows = row + 1
  }

  /** Puts the same value, a safe integer, into the rows from `from` to before `to`. */
  putRun(from: number, to: number, value: number): void {
    if (to <= from) return
    this.put(from, value)
    this.#repeat(to)
  }

  putBigRun(from: number, to: number, value: bigint): void {
    if (to <= from) return
    this.putBig(from, value)
    this.#repeat(to)
  }

  #repeat(to: number): void {
    const start = 2 * this.values
    const end = start + 2 * (to - this.rows)
    if (end > this.lanes.length) this.lanes = widened(this.lanes, end)
    const lanes = this.lanes
    const low = lanes[start - 2] ?? 0
    const high = lanes[start - 1] ?? 0
    for (let at = start; at < end; at += 2) {
      lanes[at] = low
      lanes[at + 1] = high
    }
    this.rows = to
  }

  protected override room(bytes: number): Uint8Array {
    if (bytes > 4 * this.lanes.length) this.lanes = new Int32Array(bytes / 4)
    return new Uint8Array(this.lanes.buffer)
  }

  protected override loaded(): void {}

  /** Where values end follows from the rows: there is nothing to cut. */
  protected override truncate(): void {}

  protected override clear(): void {
    if (4 * this.lanes.length > spareBytes && this.values < this.lanes.length / 8) this.lanes = new Int32Array(spareBytes / 4)
  }
}

/** INT32. */
export class IntColumn extends Column {
  readonly kind = 'INT'
  data = new Int32Array(initialCapacity)

  get byteLength(): number {
    return 4 * this.values
  }

  put(row: number, value: number): void {
    if (row !== this.rows) this.skipTo(row)
    const at = row - this.nulls
    if (at === this.data.length) this.data = widened(this.data, at + 1)
    this.data[at] = value
    this.rows = row + 1
  }

  /** Puts the same value into the rows from `from` to before `to`. */
  putRun(from: number, to: number, value: number): void {
    for (let row = from; row < to; row++) this.put(row, value)
  }

  protected override room(bytes: number): Uint8Array {
    if (bytes > 4 * this.data.length) this.data = new Int32Array(bytes / 4)
    return new Uint8Array(this.data.buffer)
  }

  protected override loaded(): void {}

  protected override truncate(): void {}

  protected override clear(): void {
    if (4 * this.data.length > spareBytes && this.values < this.data.length / 4) this.data = new Int32Array(spareBytes / 4)
  }
}

/** BOOLEAN: one byte a value, 0 or 1. */
export class BooleanColumn extends Column {
  readonly kind = 'BOOLEAN'
  data = new Uint8Array(new ArrayBuffer(initialCapacity))

  get byteLength(): number {
    return (this.values + 7) >>> 3
  }

  put(row: number, value: boolean): void {
    if (row !== this.rows) this.skipTo(row)
    const at = row - this.nulls
    if (at === this.data.length) this.#widen(at + 1)
    this.data[at] = value ? 1 : 0
    this.rows = row + 1
  }

  putRun(from: number, to: number, value: boolean): void {
    for (let row = from; row < to; row++) this.put(row, value)
  }

  protected override room(bytes: number): Uint8Array {
    if (bytes > this.data.length) this.#widen(bytes)
    return this.data
  }

  protected override loaded(): void {}

  protected override truncate(): void {}

  protected override clear(): void {
    if (this.data.length > spareBytes && this.values < this.data.length / 4)
      this.data = new Uint8Array(new ArrayBuffer(spareBytes))
  }

  #widen(atLeast: number): void {
    const wider = new Uint8Array(new ArrayBuffer(Math.max(2 * this.data.length, atLeast)))
    wider.set(this.data)
    this.data = wider
  }
}

function widened(array: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(Math.max(2 * array.length, atLeast))
  wider.set(array)
  return wider
}
