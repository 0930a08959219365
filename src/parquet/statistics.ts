/**
 * Lower and upper bounds of a column's values for readers to prune by (parquet.thrift, `Statistics`): text in the order
 * of its unsigned bytes, numbers signed, bytes as PLAIN encoding writes one value.
 */
import type { AnyColumn } from './columns.ts'
import type { Dictionary } from './dictionary.ts'

export interface Bounds {
  readonly min: Uint8Array<ArrayBuffer>
  /** Null when every text above the values is longer than a bound may be. */
  readonly max: Uint8Array<ArrayBuffer> | null
  readonly minExact: boolean
  readonly maxExact: boolean
}

/** Longer texts are bounded by a prefix. */
export const maxBoundBytes = 64

/** Texts as PLAIN encoding writes them, in a buffer that goes on for at least 4 bytes. */
interface PlainTexts {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly length: number
}

/**
 * @param dictionary the column's, when it has one: fewer values to look at
 * @returns null for a column without values
 */
export function boundsOf(column: AnyColumn, dictionary: Dictionary | null): Bounds | null {
  if (column.values === 0) return null
  const values = dictionary?.size ?? column.values
  switch (column.kind) {
    case 'VARCHAR':
      return textBounds(dictionary === null ? column : plainTexts(dictionary))
    case 'BIGINT':
      return longBounds(dictionary === null ? column.lanes : new Int32Array(dictionary.bytes.buffer), values)
    case 'INT':
      return intBounds(dictionary === null ? column.data : new Int32Array(dictionary.bytes.buffer), values)
    case 'BOOLEAN': {
      const data = column.data.subarray(0, column.values)
      return exact(Buffer.of(data.includes(0) ? 0 : 1), Buffer.of(data.includes(1) ? 1 : 0))
    }
  }
}

function plainTexts({ bytes }: Dictionary): PlainTexts {
  return { bytes, view: new DataView(bytes.buffer), length: bytes.length }
}

function exact(min: Buffer, max: Buffer): Bounds {
  return { min: alone(min), max: alone(max), minExact: true, maxExact: true }
}

function intBounds(data: Int32Array, values: number): Bounds {
  let min = data[0] ?? 0
  let max = min
  for (let i = 1; i < values; i++) {
    const value = data[i] ?? 0
    if (value < min) min = value
    else if (value > max) max = value
  }
  const bytes = Buffer.alloc(8)
  bytes.writeInt32LE(min, 0)
  bytes.writeInt32LE(max, 4)
  return exact(bytes.subarray(0, 4), bytes.subarray(4))
}

/** Compares the high lanes signed, the low ones unsigned. */
function longBounds(lanes: Int32Array, values: number): Bounds {
  let minHigh = lanes[1] ?? 0
  let minLow = (lanes[0] ?? 0) >>> 0
  let maxHigh = minHigh
  let maxLow = minLow
  for (let i = 2; i < 2 * values; i += 2) {
    const low = (lanes[i] ?? 0) >>> 0
    const high = lanes[i + 1] ?? 0
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minHigh = high
      minLow = low
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxHigh = high
      maxLow = low
    }
  }
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(minLow, 0)
  bytes.writeInt32LE(minHigh, 4)
  bytes.writeUInt32LE(maxLow, 8)
  bytes.writeInt32LE(maxHigh, 12)
  return exact(bytes.subarray(0, 8), bytes.subarray(8))
}

/** Hot: the first four bytes of a value, as a number, decide nearly always. */
function textBounds(texts: PlainTexts): Bounds {
  const { view, length } = texts
  let min = 0
  let max = 0
  let minKey = keyOf(view, 0)
  let maxKey = minKey
  for (let at = 0; at < length; at += 4 + view.getInt32(at, true)) {
    const key = keyOf(view, at)
    if (key <= minKey && (key < minKey || compareTexts(texts, at, min) < 0)) {
      minKey = key
      min = at
    } else if (key >= maxKey && (key > maxKey || compareTexts(texts, at, max) > 0)) {
      maxKey = key
      max = at
    }
  }
  return truncatedBounds(textAt(texts, min), textAt(texts, max))
}

/** The first four bytes, zeros where the text is shorter; column buffers have room for reading past the last value. */
function keyOf(view: DataView, at: number): number {
  const size = view.getInt32(at, true)
  const key = view.getUint32(at + 4)
  return size >= 4 ? key : size === 0 ? 0 : (key & (-1 << (8 * (4 - size)))) >>> 0
}

function compareTexts({ view, bytes }: PlainTexts, left: number, right: number): number {
  if (left === right) return 0
  const leftSize = view.getInt32(left, true)
  const rightSize = view.getInt32(right, true)
  const common = Math.min(leftSize, rightSize) + 4
  for (let i = 4; i < common; i++) {
    const difference = (bytes[left + i] ?? 0) - (bytes[right + i] ?? 0)
    if (difference !== 0) return difference
  }
  return leftSize - rightSize
}

function textAt({ view, bytes }: PlainTexts, at: number): Buffer {
  return Buffer.from(bytes.subarray(at + 4, at + 4 + view.getInt32(at, true)))
}

/** Cuts bounds of UTF-8 texts to at most {@link maxBoundBytes}, between characters; the upper one is then moved up. */
export function truncatedBounds(min: Buffer, max: Buffer): Bounds {
  const cutMin = min.subarray(0, characterStart(min, maxBoundBytes))
  const cutMax = max.subarray(0, characterStart(max, maxBoundBytes))
  const maxExact = cutMax.length === max.length
  const upper = maxExact ? max : successor(cutMax)
  return { min: alone(cutMin), max: upper === null ? null : alone(upper), minExact: cutMin.length === min.length, maxExact }
}

/** In memory of its own: a message to another thread would copy all of the buffer around it. */
function alone(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/** Where the character begins that holds the byte at `index`; the length of a shorter text. */
function characterStart(text: Buffer, index: number): number {
  if (index >= text.length) return text.length
  let at = index
  while (at > 0 && ((text[at] ?? 0) & 0xc0) === 0x80) at--
  return at
}

/**
 * The least text of this length or less that is greater than every text with this prefix: its last character that has
 * a successor, replaced by that one (UTF-8 sorts as code points do). Null for nothing but U+10FFFF.
 */
function successor(prefix: Buffer): Buffer | null {
  for (let end = prefix.length; end > 0; ) {
    const start = characterStart(prefix, end - 1)
    const code = prefix.toString('utf8', start, end).codePointAt(0) ?? 0
    if (code < 0x10_ffff) {
      // Surrogates are no characters.
      const next = Buffer.from(String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1))
      if (start + next.length <= maxBoundBytes) return Buffer.concat([prefix.subarray(0, start), next])
    }
    end = start
  }
  return null
}
