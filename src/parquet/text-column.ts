/**
 * A column of UTF-8 texts, kept as PLAIN encoding writes them (4 bytes of length, then the bytes), so that encoding
 * a page is compressing a slice. Hot: `put` runs once a value, and copies by 8 bytes through DataViews, which takes
 * Node 24 a quarter of a byte loop's time for 32 bytes and a third of Buffer.copy's for 64.
 */
import { Column, initialCapacity, spareBytes } from './column.ts'

/** Positions are kept of every 256th value: any value is found by a short walk from there. */
const checkpointBits = 8
const checkpointMask = (1 << checkpointBits) - 1

/** From this size on, one call of TypedArray.set beats the loop. */
const longBytes = 256

/** What a value takes beside its bytes: its length, and what the copy by eights writes past its end. */
const overhead = 4 + 8

// Views of the two sources used last: usually a slice of the input and a buffer of decoded text, in turn.
let source0: Uint8Array = new Uint8Array(0)
let source1 = source0
let view0 = new DataView(source0.buffer)
let view1 = view0

function viewOf(source: Uint8Array): DataView {
  if (source === source0) return view0
  if (source === source1) return view1
  source1 = source0
  view1 = view0
  source0 = source
  view0 = new DataView(source.buffer, source.byteOffset, source.byteLength)
  return view0
}

export class TextColumn extends Column {
  readonly kind = 'VARCHAR'
  bytes = new Uint8Array(new ArrayBuffer(initialCapacity))
  view = new DataView(this.bytes.buffer)
  /** Bytes used. */
  length = 0
  /** Where the value put last starts, -1 when there is none to extend. */
  #last = -1
  #checkpoints = new Int32Array(16)

  get byteLength(): number {
    return this.length
  }

  /** Puts the bytes of `source` from `start` to before `end` as the value of `row`. */
  put(row: number, source: Uint8Array, start: number, end: number): void {
    const size = end - start
    this.#open(row, size)
    const at = this.length
    this.view.setInt32(at, size, true)
    this.length = at + 4 + size
    this.#copy(source, start, end, at + 4)
  }

  /** Starts the value of `row`, to be made of parts and finished by {@link end}. */
  begin(row: number): void {
    this.#open(row, 0)
    this.length += 4
  }

  /** As {@link begin}; when `row` has a value already, goes on with that one after a separator: `a`, then `a, b`. */
  join(row: number, separator: Uint8Array): void {
    if (this.rows <= row) {
      this.begin(row)
      return
    }
    if (this.rows !== row + 1 || this.#last < 0)
      throw new Error(`row ${row} cannot be extended, the last one is ${this.rows - 1}`)
    this.append(separator, 0, separator.length)
  }

  /** Puts a value, or adds it to the one that `row` has, after a separator. */
  putJoined(row: number, separator: Uint8Array, source: Uint8Array, start: number, end: number): void {
    if (this.rows <= row) {
      this.put(row, source, start, end)
      return
    }
    this.join(row, separator)
    this.append(source, start, end)
    this.end()
  }

  append(source: Uint8Array, start: number, end: number): void {
    const at = this.length
    this.#room(end - start)
    this.length = at + end - start
    this.#copy(source, start, end, at)
  }

  appendByte(byte: number): void {
    this.#room(1)
    this.bytes[this.length++] = byte
  }

  /** Finishes the value that {@link begin} or {@link join} opened. */
  end(): void {
    this.view.setInt32(this.#last, this.length - this.#last - 4, true)
  }

  /** Position in `bytes` of the value with this number, counted from 0 over the values that are not NULL. */
  positionOf(value: number): number {
    if (value === this.values) return this.length
    let at = this.#checkpoints[value >>> checkpointBits] ?? 0
    for (let left = value & checkpointMask; left > 0; left--) at += 4 + this.view.getInt32(at, true)
    return at
  }

  /** The number of the last value that begins at or before this position; of `length` or more, the number of values. */
  valueBefore(position: number): number {
    if (position >= this.length) return this.values
    let low = 0
    for (let high = (this.values - 1) >>> checkpointBits; low < high; ) {
      const middle = (low + high + 1) >>> 1
      if ((this.#checkpoints[middle] ?? 0) <= position) low = middle
      else high = middle - 1
    }
    let value = low << checkpointBits
    for (let at = this.#checkpoints[low] ?? 0; ; value++) {
      at += 4 + this.view.getInt32(at, true)
      if (at > position) return value
    }
  }

  protected override room(bytes: number): Uint8Array {
    if (bytes + overhead > this.bytes.length) this.#adopt(new ArrayBuffer(bytes + overhead))
    return this.bytes
  }

  protected override loaded(bytes: number): void {
    this.length = bytes
    this.#last = -1
    let at = 0
    for (let value = 0; at < bytes; value++) {
      if ((value & checkpointMask) === 0) this.#checkpoint(value, at)
      at += 4 + this.view.getInt32(at, true)
    }
  }

  protected override truncate(values: number): void {
    // Not positionOf: an open value has no length yet, and `values` counts it out already.
    let at = this.#checkpoints[values >>> checkpointBits] ?? 0
    for (let left = values & checkpointMask; left > 0; left--) at += 4 + this.view.getInt32(at, true)
    this.length = at
    this.#last = -1
  }

  protected override clear(): void {
    if (this.bytes.length > spareBytes && this.length < this.bytes.length / 4) this.#adopt(new ArrayBuffer(spareBytes))
    this.length = 0
    this.#last = -1
  }

  /** Everything that starting a value needs; leaves its length to be written at `this.length`. */
  #open(row: number, size: number): void {
    if (row !== this.rows) this.#skip(row)
    const at = this.length
    const value = row - this.nulls
    if ((value & checkpointMask) === 0) this.#checkpoint(value, at)
    if (at + size + overhead > this.bytes.length) this.#grow(size)
    this.#last = at
    this.rows = row + 1
  }

  #skip(row: number): void {
    this.skipTo(row)
    this.#last = -1
  }

  /** Copies by eights; the last eight may go past the value, which the next one overwrites. */
  #copy(source: Uint8Array, start: number, end: number, target: number): void {
    if (end - start < longBytes && end + 8 <= source.length) {
      const from = viewOf(source)
      const to = this.view
      let at = target
      for (let i = start; i < end; i += 8) {
        to.setBigInt64(at, from.getBigInt64(i))
        at += 8
      }
      return
    }
    if (end - start < 32) {
      const to = this.bytes
      let at = target
      for (let i = start; i < end; i++) to[at++] = source[i] ?? 0
      return
    }
    this.bytes.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), target)
  }

  #room(size: number): void {
    if (this.length + size + overhead > this.bytes.length) this.#grow(size)
  }

  #grow(size: number): void {
    const wider = new Uint8Array(new ArrayBuffer(Math.max(2 * this.bytes.length, this.length + size + overhead)))
    wider.set(this.bytes)
    this.#adopt(wider.buffer)
  }

  #adopt(buffer: ArrayBuffer): void {
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
  }

  #checkpoint(value: number, at: number): void {
    const index = value >>> checkpointBits
    if (index === this.#checkpoints.length) {
      const wider = new Int32Array(2 * index)
      wider.set(this.#checkpoints)
      this.#checkpoints = wider
    }
    this.#checkpoints[index] = at
  }
}
