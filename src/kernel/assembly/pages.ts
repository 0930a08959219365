/**
 * Cuts a column into pages, one at a time. A page's body is the definition levels, if the column is nullable, with their length in
 * front, then the values or their indices: what is compressed as one.
 */
import { Column, kindBoolean, kindInt, kindText } from './column'
import { indices, size as dictionarySize } from './dictionary'
import { hybridBound, indexBits, writeHybrid } from './hybrid'
import { writeLevels } from './levels'
import { spared, withRoom } from './scratch'

/** The page made last: its body, its number of rows. */
export let body: usize = 0
export let bodyLength: u32 = 0
export let rows: i32 = 0

// What `beginPages` got.
let column: Column = changetype<Column>(0)
let pageBytes: u32 = 0
let indexed: bool = false

// Where the page begins and ends: its rows, its values, their bytes in the column, its gaps.
let row: i32 = 0
let rowEnd: i32 = 0
let value: i32 = 0
let valueEnd: i32 = 0
let bytes: usize = 0
let bytesEnd: usize = 0
let gap: usize = 0
let gapEnd: usize = 0

/** Working memory for a body that does not lie in the column as it is. */
let buffer: usize = 0

/**
 * @param bytesOfValues in a page, more only when one value is longer
 * @param byIndices pages hold indices of the dictionary built last
 */
export function beginPages(from: Column, bytesOfValues: u32, byIndices: bool): void {
  column = from
  pageBytes = bytesOfValues
  indexed = byIndices
  rowEnd = 0
  valueEnd = 0
  bytesEnd = from.data as usize
  gapEnd = from.gaps as usize
}

/** Makes the next page; it is valid until the one after it. @returns whether there is one */
export function nextPage(): bool {
  if (rowEnd >= column.rows) return false
  row = rowEnd
  value = valueEnd
  bytes = bytesEnd
  gap = gapEnd
  cutValues()
  cutRows()
  rows = rowEnd - row
  if (indexed || column.required == 0 || column.kind == kindBoolean) {
    writeBody()
  } else {
    body = bytes
    bodyLength = (bytesEnd - bytes) as u32
  }
  return true
}

/** Gives back the memory that a giant value took. */
export function endPages(): void {
  buffer = spared(buffer)
}

function cutValues(): void {
  const left = column.values - value
  if (column.kind == kindText && !indexed) {
    cutTexts(left)
    return
  }
  const bits = indexed ? max<u32>(indexBits(dictionarySize), 8) : plainBits()
  const count = min<u64>(left as u64, max<u64>((8 * (pageBytes as u64)) / (bits as u64), 1)) as i32
  valueEnd = value + count
  bytesEnd = bytes + (count as usize) * ((max<u32>(bits, 8) >> 3) as usize)
}

/** Bits of a value that is not a text. */
function plainBits(): u32 {
  return column.kind == kindBoolean ? 1 : column.kind == kindInt ? 32 : 64
}

/** As many of the `left` texts as end within the page's bytes, at least one. */
function cutTexts(left: i32): void {
  const end = (column.data + column.length) as usize
  valueEnd = value + left
  bytesEnd = end
  if (end - bytes <= (pageBytes as usize)) return
  const limit = bytes + (pageBytes as usize)
  let at = bytes + 4 + (load<u32>(bytes) as usize)
  valueEnd = value + 1
  // The limit lies before the end: what begins before it is a text, and no length is read behind the last one.
  while (at < limit) {
    const next = at + 4 + (load<u32>(at) as usize)
    if (next > limit) break
    at = next
    valueEnd++
  }
  bytesEnd = at
}

/** NULLs behind the page's last value belong to it. */
function cutRows(): void {
  const gapsEnd = (column.gaps as usize) + 4 * (column.gapsLength as usize)
  rowEnd = row + (valueEnd - value)
  while (gapEnd < gapsEnd && load<i32>(gapEnd) <= rowEnd) {
    rowEnd += load<i32>(gapEnd, 4)
    gapEnd += 8
  }
}

function writeBody(): void {
  const count = (valueEnd - value) as u32
  const levelsBound = column.required != 0 ? 0 : 4 + hybridBound(rows as u32, 1)
  const valuesBound = indexed ? 1 + hybridBound(count, indexBits(dictionarySize)) : ((bytesEnd - bytes) as u32)
  buffer = withRoom(buffer, levelsBound + valuesBound)
  let at = buffer
  if (column.required == 0) {
    at = writeLevels(buffer + 4, row, rowEnd, gap, gapEnd)
    store<u32>(buffer, (at - buffer - 4) as u32)
  }
  body = buffer
  bodyLength = (writeValues(at) - buffer) as u32
}

/** @returns the address behind them */
function writeValues(target: usize): usize {
  if (indexed) return writeIndices(target)
  if (column.kind == kindBoolean) return packBooleans(target)
  memory.copy(target, bytes, bytesEnd - bytes)
  return target + (bytesEnd - bytes)
}

function writeIndices(target: usize): usize {
  const bitWidth = indexBits(dictionarySize)
  store<u8>(target, bitWidth)
  return writeHybrid(target + 1, indices, value as u32, valueEnd as u32, bitWidth)
}

/** PLAIN booleans: a bit each, the lowest first. */
function packBooleans(target: usize): usize {
  const count = bytesEnd - bytes
  for (let i: usize = 0; i < count; i += 16) {
    const bits = i8x16.bitmask(i8x16.ne(v128.load(bytes + i), i8x16.splat(0))) as u32
    const used = min<usize>(count - i, 16) as u32
    store<u16>(target + (i >> 3), bits & ((1 << used) - 1))
  }
  return target + ((count + 7) >> 3)
}
