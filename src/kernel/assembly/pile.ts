/**
 * Where the rows of many slices gather until they make a row group: values in blocks of one size, so that a pile takes no more memory
 * than it needs, and what one dataset gives back another can take. An encoder wants them in one piece: see {@link loadPile}.
 */
import { Column, growGaps } from './column'
import { allocate, blockBytes, free } from './memory'

/** With what the allocator adds, 64 KiB. */
const pieceBytes: u32 = 65536 - 48

/** Fields are in the order, and of the sizes, that `src/parquet/piles.ts` reads: 9 numbers of 32 bits. */
@unmanaged
export class Pile {
  rows: i32
  nulls: i32
  /** Bytes of values. */
  length: u32
  /** Address of the addresses of the blocks, how many there are, numbers there. */
  pieces: u32
  pieceCount: i32
  pieceCapacity: i32
  /** As those of a column. */
  gaps: u32
  gapsLength: i32
  gapsCapacity: i32
}

/** Makes `count` empty piles, one after the other. */
export function createPiles(count: i32): usize {
  const size = (count as u32) * offsetof<Pile>()
  const piles = allocate(size)
  memory.fill(piles, 0, size as usize)
  return piles
}

/** Gives back all memory of `count` piles. */
export function freePiles(piles: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const pile = pileAt(piles, i)
    for (let piece = 0; piece < pile.pieceCount; piece++) free(pieceAt(pile, piece))
    if (pile.pieces != 0) free(pile.pieces as usize)
    if (pile.gaps != 0) free(pile.gaps as usize)
  }
  free(piles)
}

/** Appends the rows of each of `count` columns, which lie one after the other, to the pile in the same place. */
export function appendToPiles(piles: usize, columns: usize, count: i32): void {
  for (let i = 0; i < count; i++) append(pileAt(piles, i), changetype<Column>(columns + (i as usize) * offsetof<Column>()))
}

function append(pile: Pile, column: Column): void {
  appendValues(pile, column.data as usize, column.length)
  appendGaps(pile, column)
  pile.rows += column.rows
  pile.nulls += column.nulls
}

function appendValues(pile: Pile, start: usize, size: u32): void {
  let from = start
  let left = size
  while (left > 0) {
    const used = pile.length % pieceBytes
    if (used == 0) addPiece(pile)
    const part = min(left, pieceBytes - used)
    memory.copy(pieceAt(pile, pile.pieceCount - 1) + (used as usize), from, part as usize)
    pile.length += part
    from += part as usize
    left -= part
  }
}

function addPiece(pile: Pile): void {
  if (pile.pieceCount == pile.pieceCapacity) {
    const wider = allocate(4 * (max<i32>(2 * pile.pieceCapacity, 16) as u32))
    if (pile.pieces != 0) {
      memory.copy(wider, pile.pieces as usize, 4 * (pile.pieceCount as usize))
      free(pile.pieces as usize)
    }
    pile.pieces = wider as u32
    pile.pieceCapacity = (blockBytes(wider) >> 2) as i32
  }
  store<u32>((pile.pieces as usize) + 4 * (pile.pieceCount as usize), allocate(pieceBytes) as u32)
  pile.pieceCount++
}

function appendGaps(pile: Pile, column: Column): void {
  const count = column.gapsLength
  if (pile.gapsLength + count > pile.gapsCapacity) {
    const wider = growGaps(pile.gaps as usize, pile.gapsLength, count)
    pile.gaps = wider as u32
    pile.gapsCapacity = (blockBytes(wider) >> 2) as i32
  }
  let target = (pile.gaps as usize) + 4 * (pile.gapsLength as usize)
  const end = (column.gaps as usize) + 4 * (count as usize)
  for (let gap = column.gaps as usize; gap < end; gap += 8) {
    store<i32>(target, load<i32>(gap) + pile.rows)
    store<i32>(target, load<i32>(gap, 4), 4)
    target += 8
  }
  pile.gapsLength += count
}

/**
 * Makes an empty column hold the rows of a pile. The gaps are the pile's own: {@link unloadPile} must follow.
 * @param column of the kind of those that were piled up
 */
export function loadPile(column: Column, pile: Pile): void {
  column.reserve(pile.length)
  let to = column.data as usize
  let left = pile.length
  for (let piece = 0; piece < pile.pieceCount; piece++) {
    const part = min(left, pieceBytes)
    memory.copy(to, pieceAt(pile, piece), part as usize)
    to += part as usize
    left -= part
  }
  column.length = pile.length
  column.rows = pile.rows
  column.nulls = pile.nulls
  column.gaps = pile.gaps
  column.gapsLength = pile.gapsLength
}

/** Empties a column; its memory is kept if it is not much. */
export function unloadPile(column: Column): void {
  column.gaps = 0
  column.gapsLength = 0
  column.rows = 0
  column.nulls = 0
  column.length = 0
  if (column.capacity <= spareBytes) return
  free(column.data as usize)
  column.data = 0
  column.capacity = 0
}

/** A row group's largest column, seldom more. */
const spareBytes: u32 = 8 * 1024 * 1024

// @ts-ignore: decorator
@inline
function pileAt(piles: usize, index: i32): Pile {
  return changetype<Pile>(piles + (index as usize) * (offsetof<Pile>() as usize))
}

// @ts-ignore: decorator
@inline
function pieceAt(pile: Pile, index: i32): usize {
  return load<u32>((pile.pieces as usize) + 4 * (index as usize)) as usize
}
