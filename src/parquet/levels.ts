/**
 * The RLE / bit-packing hybrid of Parquet (Encodings.md, "RLE/Bit-Packing Hybrid"), for definition levels and
 * dictionary indices. Functions write at a position of a buffer that has room for {@link hybridBound} more bytes and
 * return the position behind what they wrote. Hot: one pass over the values, no allocation.
 */
import type { Column } from './column.ts'

/** No hybrid of so many values is longer. */
export function hybridBound(count: number, bitWidth: number): number {
  const groups = Math.ceil(count / 8)
  return groups * (bitWidth + 1) + 16
}

/** From this length on a run of equal values is shorter as a run than bit-packed between two bit-packed neighbours. */
function shortestRun(bitWidth: number): number {
  const runBytes = 4 + 2 * Math.ceil(bitWidth / 8)
  return Math.max(8, Math.ceil(runBytes / Math.max(bitWidth, 1)) * 8)
}

/**
 * Bits for every index below `count`: 0, 1, 2, 4 or whole bytes, wider than they must be, since what repeats in
 * indices that lie on byte boundaries is seen by ZSTD (3 % of all bytes of a dump's files).
 */
export function indexBits(count: number): number {
  const bits = count < 2 ? 0 : 32 - Math.clz32(count - 1)
  return bits < 3 ? bits : bits < 5 ? 4 : (bits + 7) & ~7
}

/** Writes `values[from]` to before `values[to]`. */
export function writeHybrid(
  out: Uint8Array,
  position: number,
  values: Int32Array,
  from: number,
  to: number,
  bitWidth: number,
): number {
  const shortest = shortestRun(bitWidth)
  let at = position
  let packedFrom = from
  let i = from
  while (i < to) {
    const value = values[i] ?? 0
    let end = i + 1
    while (end < to && values[end] === value) end++
    // Bit-packed values come in eights: the first ones of a run may have to fill up the group before it.
    const start = packedFrom + ((i - packedFrom + 7) & ~7)
    if (end - start >= shortest) {
      if (start > packedFrom) at = packBits(out, at, values, packedFrom, start, bitWidth)
      at = writeRun(out, at, value, end - start, bitWidth)
      packedFrom = end
    }
    i = end
  }
  return packedFrom < to ? packBits(out, at, values, packedFrom, to, bitWidth) : at
}

function writeRun(out: Uint8Array, position: number, value: number, count: number, bitWidth: number): number {
  let at = writeVarint(out, position, count * 2)
  for (let bits = 0; bits < bitWidth; bits += 8) out[at++] = value >>> bits
  return at
}

/** One bit-packed run; the last group is filled up with zeros. `bitWidth` up to 24. */
function packBits(out: Uint8Array, position: number, values: Int32Array, from: number, to: number, bitWidth: number): number {
  const groups = (to - from + 7) >>> 3
  let at = writeVarint(out, position, groups * 2 + 1)
  const end = at + groups * bitWidth
  let bits = 0
  let held = 0
  for (let i = from; i < to; i++) {
    bits |= (values[i] ?? 0) << held
    held += bitWidth
    while (held >= 8) {
      out[at++] = bits
      bits >>>= 8
      held -= 8
    }
  }
  while (at < end) {
    out[at++] = bits
    bits = 0
  }
  return at
}

function writeVarint(out: Uint8Array, position: number, value: number): number {
  let at = position
  let rest = value
  while (rest > 127) {
    out[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  out[at++] = rest
  return at
}

/** Where the reading of a column's levels stands: the gaps before `gap` end at or before the row. */
export interface GapCursor {
  gap: number
}

/** Writes the definition levels (0 for NULL, 1 for a value) of the rows from `from` to before `to`. */
export function writeLevels(
  out: Uint8Array,
  position: number,
  column: Column,
  from: number,
  to: number,
  cursor: GapCursor,
): number {
  const { gaps, gapsLength } = column
  levels.start(out, position)
  let row = from
  while (row < to) {
    const start = cursor.gap < gapsLength ? (gaps[cursor.gap] ?? 0) : to
    if (row < start) {
      const end = Math.min(start, to)
      levels.add(1, end - row)
      row = end
      continue
    }
    const gapEnd = start + (gaps[cursor.gap + 1] ?? 0)
    const end = Math.min(gapEnd, to)
    levels.add(0, end - row)
    row = end
    if (gapEnd <= to) cursor.gap += 2
  }
  return levels.finish()
}

const shortestLevelRun = shortestRun(1)

/** Collects runs of levels: long ones are written as runs, what is between them bit-packed. */
class LevelRuns {
  #out: Uint8Array = new Uint8Array(0)
  #at = 0
  #bits = new Uint8Array(1024)
  #count = 0

  start(out: Uint8Array, position: number): void {
    this.#out = out
    this.#at = position
    this.#count = 0
  }

  add(level: number, count: number): void {
    const fill = Math.min(count, -this.#count & 7)
    if (count - fill < shortestLevelRun) {
      this.#pack(level, count)
      return
    }
    this.#pack(level, fill)
    this.#flush()
    this.#at = writeRun(this.#out, this.#at, level, count - fill, 1)
  }

  finish(): number {
    this.#flush()
    return this.#at
  }

  #pack(level: number, count: number): void {
    if (this.#count + count > 8 * this.#bits.length) this.#widen()
    const bits = this.#bits
    for (let i = this.#count, end = this.#count + count; i < end; i++) {
      const byte = i >>> 3
      bits[byte] = (i & 7) === 0 ? level : (bits[byte] ?? 0) | (level << (i & 7))
    }
    this.#count += count
  }

  #flush(): void {
    if (this.#count === 0) return
    const groups = (this.#count + 7) >>> 3
    this.#at = writeVarint(this.#out, this.#at, groups * 2 + 1)
    for (let i = 0; i < groups; i++) this.#out[this.#at++] = this.#bits[i] ?? 0
    this.#count = 0
  }

  #widen(): void {
    const wider = new Uint8Array(2 * this.#bits.length)
    wider.set(this.#bits)
    this.#bits = wider
  }
}

const levels = new LevelRuns()
