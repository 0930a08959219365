/**
 * Dictionaries of a column's values, in the order in which they first appear. Hash tables with open addressing over
 * the column's own bytes: no string, no object a value. Hot: one walk over the values.
 *
 * Building ends early, without a dictionary, when it stops paying: when a sample shows few repetitions, when the
 * dictionary grows past its limit, or when values collide so much that somebody chose them to.
 */
import type { IntColumn, LongColumn } from './number-columns.ts'
import type { TextColumn } from './text-column.ts'

export interface Dictionary {
  /** Number of entries. */
  readonly size: number
  /** The index of every value; valid until the next dictionary is built. */
  readonly indices: Int32Array
  /** The entries as PLAIN encoding writes them; their buffer goes on for at least {@link slack} bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Texts are read by four bytes, past the end of the last one. */
const slack = 4

/** Number of the value after which a text dictionary is first looked at; further looks follow whenever the number has doubled. */
const firstCheck = 2048

/** A dictionary page is read at once and whole: no more bytes, no more entries than this. */
const maxBytes = 4 * 1024 * 1024
const maxSize = 1 << 16

/**
 * How much of the values' bytes may be new entries between one look and the next, and in the end of all of them. Measured
 * on texts of dumps: ZSTD makes PLAIN pages smaller from a share of 0.3 on, and sooner; what is new falls as values come.
 */
const newShares = [1, 0.75, 0.6, 0.5, 0.4]
const finalShare = 0.3

/** Numbers get a dictionary only when an index takes one byte: ZSTD shrinks PLAIN ones, which come in runs and in order, further than wider indices. */
const maxNumbers = 256

/** More table slots tried than this for each value on average: stop. */
const maxProbes = 16

/** A table begins with so many slots, whatever the one before had: how much values collide may not depend on it. */
const firstSlots = 1 << 13

// Working memory, kept from one dictionary to the next. Of the table, the first `slots` are in use.
let slots = firstSlots
let table = new Int32Array(firstSlots)
let indices = new Int32Array(1 << 13)
/** Of every entry: its hash, and the position of its first appearance in the column. */
let hashes = new Int32Array(1 << 12)
let positions = new Int32Array(1 << 12)

/** @returns null when PLAIN encoding is the better choice */
export function textDictionary(column: TextColumn): Dictionary | null {
  const { view, values } = column
  start(values)
  let mask = slots - 1
  let size = 0
  let bytes = 0
  let probes = 0
  let at = 0
  let nextCheck = firstCheck
  const share = new NewShare()
  for (let value = 0; value < values; value++) {
    const next = at + 4 + view.getInt32(at, true)
    const hash = hashText(view, at, next)
    let slot = hash & mask
    let entry = (table[slot] ?? 0) - 1
    while (entry >= 0 && !(hashes[entry] === hash && sameText(view, at, positions[entry] ?? 0, next - at))) {
      slot = (slot + 1) & mask
      entry = (table[slot] ?? 0) - 1
      probes++
    }
    if (entry < 0) {
      entry = size++
      bytes += next - at
      if (bytes > maxBytes || size > maxSize) return null
      mask = insert(entry, slot, hash, at)
    }
    indices[value] = entry
    at = next
    if (value === nextCheck) {
      if (!share.pays(bytes, at) || probes > maxProbes * value) return null
      nextCheck *= 2
    }
  }
  return bytes > finalShare * at ? null : { size, indices, bytes: gather(column, size, bytes) }
}

/** Decides whether a dictionary goes on, by what was new since the look before. */
class NewShare {
  #looks = 0
  #bytes = 0
  #total = 0

  /** @param bytes of the entries so far @param total of the values so far */
  pays(bytes: number, total: number): boolean {
    const allowed = newShares[this.#looks++] ?? finalShare
    const pays = bytes - this.#bytes <= allowed * (total - this.#total)
    this.#bytes = bytes
    this.#total = total
    return pays
  }
}

function gather(column: TextColumn, size: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(length + slack), 0, length)
  let to = 0
  for (let entry = 0; entry < size; entry++) {
    const from = positions[entry] ?? 0
    const end = from + 4 + column.view.getInt32(from, true)
    if (end - from < 64) for (let i = from; i < end; i++) bytes[to++] = column.bytes[i] ?? 0
    else {
      bytes.set(column.bytes.subarray(from, end), to)
      to += end - from
    }
  }
  return bytes
}

/**
 * Hashes the value from `start` to before `end`, its length included, by four bytes; column buffers have room for reading
 * past the last value. Exported for tests, which look for collisions.
 */
export function hashText(view: DataView, start: number, end: number): number {
  let hash = Math.imul(end - start, 0x9e3779b1)
  let at = start + 4
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x85ebca6b)
    hash ^= hash >>> 15
  }
  if (at < end) hash = Math.imul(hash ^ (view.getInt32(at, true) << (8 * (4 - (end - at)))), 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Compares two values, their lengths included. */
function sameText(view: DataView, left: number, right: number, size: number): boolean {
  let i = 0
  for (; i + 4 <= size; i += 4) if (view.getInt32(left + i, true) !== view.getInt32(right + i, true)) return false
  return i === size || (view.getInt32(left + i, true) ^ view.getInt32(right + i, true)) << (8 * (4 - (size - i))) === 0
}

/** @returns null when there are too many different numbers for indices of one byte */
export function numberDictionary(column: LongColumn | IntColumn): Dictionary | null {
  const { values } = column
  const lanes = column.kind === 'BIGINT' ? column.lanes : column.data
  const stride = column.kind === 'BIGINT' ? 2 : 1
  start(values)
  const mask = slots - 1
  let size = 0
  let lastLow = 0
  let lastHigh = 0
  let entry = -1
  for (let value = 0; value < values; value++) {
    const at = value * stride
    const low = lanes[at] ?? 0
    const high = stride === 2 ? (lanes[at + 1] ?? 0) : 0
    if (entry < 0 || low !== lastLow || high !== lastHigh) {
      let slot = hashNumber(low, high) & mask
      entry = (table[slot] ?? 0) - 1
      while (entry >= 0) {
        const other = positions[entry] ?? 0
        if (lanes[other] === low && (stride === 1 || lanes[other + 1] === high)) break
        slot = (slot + 1) & mask
        entry = (table[slot] ?? 0) - 1
      }
      if (entry < 0) {
        if (size === maxNumbers) return null
        entry = size++
        positions[entry] = at
        table[slot] = size
      }
      lastLow = low
      lastHigh = high
    }
    indices[value] = entry
  }
  if (2 * size > values) return null
  const entries = new Int32Array(size * stride)
  for (let i = 0; i < entries.length; i++) entries[i] = lanes[(positions[Math.floor(i / stride)] ?? 0) + (i % stride)] ?? 0
  return { size, indices, bytes: new Uint8Array(entries.buffer) }
}

function hashNumber(low: number, high: number): number {
  let hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Makes the working memory ready for so many values. */
function start(values: number): void {
  clearTable(firstSlots)
  if (values > indices.length) indices = new Int32Array(Math.max(values, 2 * indices.length))
}

function clearTable(size: number): void {
  slots = size
  if (table.length < size) table = new Int32Array(size)
  else table.fill(0, 0, size)
}

/** Adds an entry at a free slot. @returns the mask of the table, which may have grown */
function insert(entry: number, slot: number, hash: number, position: number): number {
  if (entry === hashes.length) {
    hashes = doubled(hashes)
    positions = doubled(positions)
  }
  hashes[entry] = hash
  positions[entry] = position
  table[slot] = entry + 1
  if (2 * (entry + 1) > slots) rehash(entry + 1)
  return slots - 1
}

function rehash(size: number): void {
  clearTable(4 * slots)
  const mask = slots - 1
  for (let entry = 0; entry < size; entry++) {
    let slot = (hashes[entry] ?? 0) & mask
    while (table[slot] !== 0) slot = (slot + 1) & mask
    table[slot] = entry + 1
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(2 * array.length)
  wider.set(array)
  return wider
}
