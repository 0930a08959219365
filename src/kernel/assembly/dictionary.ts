/**
 * Dictionaries of a column's values, in the order in which they first appear. Hash tables with open addressing; entries are
 * compared where they lie, in the dictionary itself. Hot: one walk over the values.
 *
 * Building ends early, without a dictionary, when it stops paying: when a sample shows few repetitions, when the
 * dictionary grows past its limit, or when values collide so much that somebody chose them to.
 */
import { Column } from './column'
import { allocate, copy } from './memory'
import { spared, withRoom } from './scratch'

/** Number of the value after which a text dictionary is first looked at; further looks follow whenever the number has doubled. */
const firstCheck: i32 = 2048

/** A dictionary page is read at once and whole: no more bytes, no more entries than this. An index fits into 16 bits. */
const maxBytes: u32 = 4 * 1024 * 1024
const maxSize: u32 = 1 << 16

/**
 * Numbers get a dictionary only when an index takes one byte: ZSTD shrinks PLAIN ones, which come in runs and in order, further than
 * wider indices.
 */
const maxNumbers: u32 = 256

/** More table slots tried than this for each value on average: stop. */
const maxProbes: u64 = 16

/** A table begins with so many slots, whatever the one before had: how much values collide may not depend on it. */
const firstSlots: u32 = 1 << 13

/** It grows fourfold when half full: see {@link rehash}. */
const maxSlots: u32 = 1 << 17

/** How much of all values' bytes may be entries in the end; before, see {@link newShare}. */
const finalShare: f64 = 0.3

/** Few numbers need no table that grows. */
const numberSlotBits: u64 = 10
const numberSlots: usize = 1 << 10

/** The dictionary built last. Number of entries; the index of every value, 16 bits each; the entries as PLAIN encoding writes them. */
export let size: u32 = 0
export let indices: usize = 0
export let entries: usize = 0
export let length: u32 = 0

// Working memory. Of a text table, every slot in use has the hash (high half) and the number, from 1, of an entry (low half).
let table: usize = 0
let slots: u32 = 0
/** Of every entry of a text dictionary, by its number from 1: its place in `entries`, its hash. */
let records: usize = 0

// The looks at a text dictionary: how many there were, bytes of the entries and of the values at the last one.
let looks: i32 = 0
let lookedLength: u32 = 0
let lookedTotal: u32 = 0

/** @returns whether there is a dictionary: if not, PLAIN encoding is the better choice */
export function buildTextDictionary(column: Column): bool {
  const values = column.values
  begin(values)
  clearTable(firstSlots)
  const data = column.data as usize
  let at = data
  let nextCheck = firstCheck
  let probes: u64 = 0
  for (let value = 0; value < values; value++) {
    const bytes = load<u32>(at) + 4
    const hash = hashText(at, bytes)
    const mask = slots - 1
    let slot = hash & mask
    let taken = load<u64>(slotAt(slot))
    while (taken != 0 && !(((taken >> 32) as u32) == hash && sameText(at, textOf(taken as u32), bytes))) {
      slot = (slot + 1) & mask
      taken = load<u64>(slotAt(slot))
      probes++
    }
    if (taken == 0) {
      if (bytes > maxBytes || length + bytes > maxBytes || size == maxSize) return false
      addText(slot, hash, at, bytes)
      taken = size as u64
    }
    store<u16>(indices + 2 * (value as usize), (taken as u32) - 1)
    at += bytes as usize
    if (value == nextCheck) {
      if (!pays((at - data) as u32) || probes > maxProbes * (value as u64)) return false
      nextCheck *= 2
    }
  }
  return (length as f64) <= finalShare * ((at - data) as f64)
}

/** Decides whether a dictionary goes on, by what was new since the look before. @param total bytes of the values so far */
function pays(total: u32): bool {
  const allowed = newShare(looks++)
  const pays = ((length - lookedLength) as f64) <= allowed * ((total - lookedTotal) as f64)
  lookedLength = length
  lookedTotal = total
  return pays
}

/**
 * How much of the values' bytes may be new entries between one look and the next, and in the end of all of them. Measured
 * on texts of dumps: ZSTD makes PLAIN pages smaller from a share of 0.3 on, and sooner; what is new falls as values come.
 */
function newShare(look: i32): f64 {
  if (look == 0) return 1
  if (look == 1) return 0.75
  if (look == 2) return 0.6
  if (look == 3) return 0.5
  return look == 4 ? 0.4 : finalShare
}

/** Adds an entry, a text of `bytes` bytes with its length, at a free slot. */
function addText(slot: u32, hash: u32, text: usize, bytes: u32): void {
  copy(entries + (length as usize), text, bytes as usize)
  size++
  const record = records + 8 * (size as usize)
  store<u32>(record, length)
  store<u32>(record, hash, 4)
  length += bytes
  store<u64>(slotAt(slot), ((hash as u64) << 32) | (size as u64))
  if (size > slots / 2) rehash()
}

function rehash(): void {
  clearTable(4 * slots)
  const mask = slots - 1
  for (let entry: u32 = 1; entry <= size; entry++) {
    const hash = load<u32>(records + 8 * (entry as usize), 4)
    let slot = hash & mask
    while (load<u64>(slotAt(slot)) != 0) slot = (slot + 1) & mask
    store<u64>(slotAt(slot), ((hash as u64) << 32) | (entry as u64))
  }
}

// @ts-ignore: decorator
@inline
function slotAt(slot: u32): usize {
  return table + 8 * (slot as usize)
}

/** The text of an entry, by its number from 1. */
// @ts-ignore: decorator
@inline
function textOf(entry: u32): usize {
  return entries + (load<u32>(records + 8 * (entry as usize)) as usize)
}

/**
 * Hashes a text of `bytes` bytes, its length included, by sixteen; the last sixteen may overlap those before, so that short texts
 * of different lengths take the same branches. Exported to JavaScript for tests, which look for collisions.
 */
export function hashText(text: usize, bytes: u32): u32 {
  const end = text + (bytes as usize)
  let hash = (bytes as u64) * 0x9e37_79b9_7f4a_7c15
  if (bytes <= 16) {
    const surplus = (bytes < 8 ? 64 - 8 * bytes : 0) as u64
    hash = mixed(hash, load<u64>(text) << surplus, load<u64>(max<usize>(end, text + 8) - 8) << surplus)
  } else {
    for (let at = text; at + 16 < end; at += 16) hash = mixed(hash, load<u64>(at), load<u64>(at, 8))
    hash = mixed(hash, load<u64>(end - 16), load<u64>(end - 8))
  }
  hash *= 0xe703_7ed1_a0b4_28db
  return ((hash >> 32) ^ hash) as u32
}

// @ts-ignore: decorator
@inline
function mixed(hash: u64, low: u64, high: u64): u64 {
  const product = (hash ^ low) * 0xa076_1d64_78bd_642f + high * 0x8ebc_6af0_9c88_c6e3
  return product ^ (product >> 32)
}

/** Compares two texts of `bytes` bytes, their lengths included. */
// @ts-ignore: decorator
@inline
function sameText(left: usize, right: usize, bytes: u32): bool {
  const different = i8x16.bitmask(i8x16.ne(v128.load(left), v128.load(right))) as u32
  if (bytes <= 16) return different << (32 - bytes) == 0
  return different == 0 && sameRest(left, right, bytes as usize)
}

/** As {@link sameText}, of texts whose first 16 bytes are the same. */
// @ts-ignore: decorator
@inline
function sameRest(left: usize, right: usize, bytes: usize): bool {
  for (let i: usize = 16; i + 16 < bytes; i += 16) if (differ(left + i, right + i)) return false
  return !differ(left + bytes - 16, right + bytes - 16)
}

// @ts-ignore: decorator
@inline
function differ(left: usize, right: usize): bool {
  return v128.any_true(v128.xor(v128.load(left), v128.load(right)))
}

/** @returns whether there is a dictionary: if not, there are too many different numbers for indices of one byte */
export function buildNumberDictionary<T extends number>(column: Column): bool {
  const values = column.values
  begin(values)
  memory.fill(table, 0, numberSlots * 2)
  const data = column.data as usize
  let last = load<T>(data)
  let entry = entryOf<T>(last)
  for (let value = 0; value < values; value++) {
    const number = load<T>(data + (value as usize) * sizeof<T>())
    if (number != last) {
      entry = entryOf<T>(number)
      if (entry == maxNumbers) return false
      last = number
    }
    store<u16>(indices + 2 * (value as usize), entry)
  }
  return size <= (values as u32) / 2
}

/** The entry of a number, which is added if it is new; {@link maxNumbers} when there is no room for it. */
function entryOf<T extends number>(number: T): u32 {
  let slot = (((number as u64) * 0x9e37_79b9_7f4a_7c15) >> (64 - numberSlotBits)) as usize
  while (true) {
    const entry = load<u16>(table + 2 * slot) as u32
    if (entry == 0) break
    if (load<T>(entries + ((entry - 1) as usize) * sizeof<T>()) == number) return entry - 1
    slot = (slot + 1) & (numberSlots - 1)
  }
  if (size == maxNumbers) return maxNumbers
  store<T>(entries + (length as usize), number)
  length += sizeof<T>() as u32
  size++
  store<u16>(table + 2 * slot, size)
  return size - 1
}

/** Gives back the memory that a very long column took. */
export function endDictionary(): void {
  indices = spared(indices)
}

/** Makes the working memory ready for so many values. Only what is touched of it takes memory. */
function begin(values: i32): void {
  if (table == 0) {
    table = allocate(8 * maxSlots)
    records = allocate(8 * (maxSize + 1))
    entries = allocate(maxBytes)
  }
  indices = withRoom(indices, 2 * (values as u32))
  size = 0
  length = 0
  looks = 0
  lookedLength = 0
  lookedTotal = 0
}

function clearTable(size: u32): void {
  slots = size
  memory.fill(table, 0, 8 * (size as usize))
}
