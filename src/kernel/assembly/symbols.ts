/**
 * Numbers for element and attribute paths, and what their names look like. The tables are filled by `src/xml/symbols.ts`, which
 * also learns names that come later; here names are only compared.
 */

import { allocate } from './memory'

export const maxSymbols: usize = 4096

/** So many bytes of a name are compared at once. */
const patternBytes: i32 = 16

let lengths: usize = 0
/** Of the whole name. */
let names: usize = 0
/** The first 16 bytes of the name, and which of them count. */
let patterns: usize = 0
let masks: usize = 0

/** The symbols found last, by {@link placeOf} of what they were found as. A wrong one is noticed: all of its name and its owner are compared. */
let found: usize = 0
const foundSlots: u32 = 1024

/** JavaScript's side: the symbol of the name from `start` to before `end`, learnt if it must be; -1 when it is no plain name. */
// @ts-ignore: decorator
@external('env', 'lookUp')
declare function lookUp(owner: i32, isAttribute: i32, start: usize, end: usize): i32

/** Bytes of the tables that {@link useSymbols} is given. */
export function symbolTableBytes(): u32 {
  return 40 * (maxSymbols as u32)
}

export function useSymbols(tables: usize): void {
  patterns = tables
  masks = tables + 16 * maxSymbols
  lengths = tables + 32 * maxSymbols
  names = tables + 36 * maxSymbols
  found = allocate(8 * foundSlots)
  memory.fill(found, 0, (8 * foundSlots) as usize)
}

// @ts-ignore: decorator
@inline
export function lengthOf(symbol: i32): usize {
  return load<u32>(lengths + 4 * (symbol as usize)) as usize
}

/** Whether the name at `at` begins with this one; `length` is the symbol's. */
// @ts-ignore: decorator
@inline
export function isName(symbol: i32, length: usize, at: usize): bool {
  const entry = (symbol as usize) << 4
  const different = v128.xor(v128.and(v128.load(at), v128.load(masks + entry)), v128.load(patterns + entry))
  return !v128.any_true(different) && ((length as i32) <= patternBytes || isRestOfName(symbol, length, at))
}

function isRestOfName(symbol: i32, length: usize, at: usize): bool {
  const name = load<u32>(names + 4 * (symbol as usize)) as usize
  return memory.compare(name, at, length) == 0
}

/** The symbol of the name at `start`, however it is delimited; -1 when it is no plain one. */
export function findName(owner: i32, isAttribute: i32, start: usize): i32 {
  let end = start
  while (isNameByte(load<u8>(end))) end++
  const place = placeOf(owner, isAttribute, load<u32>(start), (end - start) as u32)
  const key = (owner << 1) | isAttribute
  const known = load<i32>(place)
  const length = lengthOf(known)
  if (known != 0 && load<i32>(place, 4) == key && length == end - start && isName(known, length, start)) return known
  const symbol = lookUp(owner, isAttribute, start, end)
  if (symbol > 0) {
    store<i32>(place, symbol)
    store<i32>(place, key, 4)
  }
  return symbol
}

/** Names that follow the same element differ in their first bytes or their lengths, nearly always. */
function placeOf(owner: i32, isAttribute: i32, first: u32, length: u32): usize {
  const hash = (((owner << 1) | isAttribute) as u32) * 0x9e3779b1 + (first + length) * 0x85ebca6b
  return found + (((hash >>> 22) << 3) as usize)
}

function isNameByte(byte: u32): bool {
  const letter = byte | 0x20
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte == 0x5f || byte == 0x2e || byte == 0x2d
}
