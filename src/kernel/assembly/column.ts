/**
 * Columns: rows are numbered from 0, values arrive in row order, rows that get none are NULL. A row number and `mark` are
 * a complete snapshot of a column: `rollback` undoes everything put since.
 *
 * Values lie as PLAIN encoding writes them (booleans as one byte each), so that a page is a piece of the column. Runs of NULLs
 * are pairs of first row and count: a value costs no bookkeeping but the row number.
 */
import { allocate, blockBytes, copy, free } from './memory'

/** Column kinds; `src/parquet/columns.ts` names them. */
export const kindText: i32 = 0
export const kindLong: i32 = 1
export const kindInt: i32 = 2
export const kindBoolean: i32 = 3

/** Fields are in the order, and of the sizes, that `src/parquet/columns.ts` reads: 12 numbers of 32 bits. */
@unmanaged
export class Column {
  kind: i32
  /** 1 when a row without a value is an error. */
  required: i32
  /** The next row never put nor padded. */
  rows: i32
  nulls: i32
  /** Address of the values, bytes used, bytes there. */
  data: u32
  length: u32
  capacity: u32
  /** Address of the gaps, numbers used (two a gap), numbers there. */
  gaps: u32
  gapsLength: i32
  gapsCapacity: i32
  /** Where the text put last starts, -1 when there is none to extend. */
  last: i32
  /** `length` when the record at hand began. */
  mark: u32

  /** Number of rows that are not NULL. */
  @inline
  get values(): i32 {
    return this.rows - this.nulls
  }

  /** Makes room for `size` more bytes of values. */
  @inline
  reserve(size: u32): void {
    if (this.length + size > this.capacity) grow(this, size)
  }

  /** Makes `row` the next one: the rows before it become NULL. */
  @inline
  skipTo(row: i32): void {
    if (row != this.rows) addGap(this, row)
  }
}

export const columnBytes: u32 = offsetof<Column>()

/** Makes `count` columns of zeros; their kinds are for the caller to set. */
export function createColumns(count: i32): usize {
  const columns = allocate((count as u32) * columnBytes)
  memory.fill(columns, 0, (count as usize) * (columnBytes as usize))
  return columns
}

/** Gives back the memory of the values of `count` columns, and their own. */
export function freeColumns(columns: usize, count: i32): void {
  for (let i = 0; i < count; i++) releaseColumn(columnAt(columns, i))
  free(columns)
}

// @ts-ignore: decorator
@inline
export function columnAt(columns: usize, index: i32): Column {
  return changetype<Column>(columns + (index as usize) * (columnBytes as usize))
}

/** A text, the bytes from `from` to before `to`. */
// @ts-ignore: decorator
@inline
export function putText(column: Column, row: i32, from: usize, to: usize): void {
  const size = (to - from) as u32
  column.skipTo(row)
  column.reserve(size + 4)
  const at = column.length
  const target = (column.data + at) as usize
  store<u32>(target, size)
  copy(target + 4, from, size as usize)
  column.last = at as i32
  column.length = at + 4 + size
  column.rows = row + 1
}

/** Begins a text of `row`, or, when the row has one, goes on with it behind a separator; {@link appendText} follows. */
export function joinText(column: Column, row: i32, separator: usize, separatorBytes: u32): void {
  if (column.rows <= row) putText(column, row, separator, separator)
  else appendText(column, separator, separator + (separatorBytes as usize))
}

/** Adds to the text put last. */
export function appendText(column: Column, from: usize, to: usize): void {
  const size = (to - from) as u32
  column.reserve(size)
  copy((column.data + column.length) as usize, from, size as usize)
  column.length += size
  const last = (column.data + (column.last as u32)) as usize
  store<u32>(last, load<u32>(last) + size)
}

// @ts-ignore: decorator
@inline
export function putLong(column: Column, row: i32, value: i64): void {
  column.skipTo(row)
  column.reserve(8)
  store<i64>((column.data + column.length) as usize, value)
  column.length += 8
  column.rows = row + 1
}

// @ts-ignore: decorator
@inline
export function putInt(column: Column, row: i32, value: i32): void {
  column.skipTo(row)
  column.reserve(4)
  store<i32>((column.data + column.length) as usize, value)
  column.length += 4
  column.rows = row + 1
}

// @ts-ignore: decorator
@inline
export function putBoolean(column: Column, row: i32, value: i32): void {
  column.skipTo(row)
  column.reserve(1)
  store<u8>((column.data + column.length) as usize, value as u8)
  column.length += 1
  column.rows = row + 1
}

/** The same value in the rows from `from` to before `to`. */
export function putLongRun(column: Column, from: i32, to: i32, value: i64): void {
  if (to <= from) return
  column.skipTo(from)
  const size = ((to - from) as u32) * 8
  column.reserve(size)
  const start = (column.data + column.length) as usize
  for (let at = start; at < start + (size as usize); at += 8) store<i64>(at, value)
  column.length += size
  column.rows = to
}

/** Makes every row before `rows` that has no value NULL. */
// @ts-ignore: decorator
@inline
export function pad(column: Column, rows: i32): void {
  if (rows > column.rows) addGap(column, rows)
}

/** Forgets the rows from `row` on, with `length` bytes of values before them. */
export function rollback(column: Column, row: i32, length: u32): void {
  if (row >= column.rows) return
  const gaps = column.gaps as usize
  let at = column.gapsLength - 2
  while (at >= 0 && load<i32>(gaps + 4 * (at as usize)) >= row) {
    column.nulls -= load<i32>(gaps + 4 * (at as usize), 4)
    at -= 2
  }
  column.gapsLength = at + 2
  if (at >= 0) {
    const gap = gaps + 4 * (at as usize)
    const surplus = load<i32>(gap) + load<i32>(gap, 4) - row
    if (surplus > 0) {
      store<i32>(gap, load<i32>(gap, 4) - surplus, 4)
      column.nulls -= surplus
    }
  }
  column.rows = row
  column.length = length
  column.last = -1
}

/** Forgets all rows; keeps the memory. */
export function resetColumns(columns: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const column = columnAt(columns, i)
    column.rows = 0
    column.nulls = 0
    column.length = 0
    column.gapsLength = 0
    column.last = -1
    column.mark = 0
  }
}

/** Gives back the memory of the values: one giant value must not cost for ever. */
export function releaseColumn(column: Column): void {
  if (column.data != 0) free(column.data as usize)
  if (column.gaps != 0) free(column.gaps as usize)
  column.data = 0
  column.capacity = 0
  column.gaps = 0
  column.gapsCapacity = 0
}

/** Makes the rows up to before `row` NULL. */
function addGap(column: Column, row: i32): void {
  const first = column.rows
  if (row < first) throw new Error('a row was put twice')
  if (column.required != 0) throw new Error('a row has no value, but the column is required')
  column.nulls += row - first
  column.rows = row
  column.last = -1
  const length = column.gapsLength
  const gap = (column.gaps as usize) + 4 * (length as usize)
  if (length > 0 && load<i32>(gap - 8) + load<i32>(gap - 4) == first) {
    store<i32>(gap - 4, load<i32>(gap - 4) + row - first)
    return
  }
  if (length + 2 > column.gapsCapacity) {
    const wider = growGaps(column.gaps as usize, length, 2)
    column.gaps = wider as u32
    column.gapsCapacity = (blockBytes(wider) >> 2) as i32
  }
  const added = (column.gaps as usize) + 4 * (length as usize)
  store<i32>(added, first)
  store<i32>(added, row - first, 4)
  column.gapsLength = length + 2
}

function grow(column: Column, size: u32): void {
  // Not doubled from 1 GiB on: what is asked for must fit.
  const doubled = column.capacity < 0x4000_0000 ? 2 * column.capacity : 0
  if ((column.length as u64) + (size as u64) > 0x7fff_0000) throw new Error('a column of more than 2 GiB')
  const wider = allocate(max<u32>(column.length + size, max<u32>(doubled, 1024)))
  if (column.data != 0) {
    memory.copy(wider, column.data as usize, column.length as usize)
    free(column.data as usize)
  }
  column.data = wider as u32
  column.capacity = blockBytes(wider)
}

/** Moves gaps to where there is room for `count` numbers more. @returns their new address */
export function growGaps(gaps: usize, length: i32, count: i32): usize {
  const wider = allocate(4 * (max<i32>(2 * length, length + count + 64) as u32))
  if (gaps != 0) {
    memory.copy(wider, gaps, 4 * (length as usize))
    free(gaps)
  }
  return wider
}
