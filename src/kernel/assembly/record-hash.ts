/**
 * A 64-bit hash of the rows of one record: of every value in every dataset, in document order. It is a function of the values alone,
 * whoever has put them: NULL, an empty text, and the boundaries of datasets, rows, columns and texts all count. The record's own id
 * counts once; the columns that repeat it in every row are left out.
 *
 * The words of a record form a prefix code: for each dataset its number of rows, then for each column either {@link allNull} or the
 * bytes of its values and the NULLs after the last one, the other runs of NULLs, and the values as they lie in the column. Structure
 * goes to the first of two lanes, values go to both in turn; a word enters a lane as in XXH64 (xxhash_spec.md, "XXH64 Algorithm").
 *
 * Hot: per value, and some 65 columns for a release. Changes of the result must change the version in `src/discogs/record-hash-version.ts`.
 */
import { Column, columnAt } from './column'
import { number, Program } from './program'

const prime1: u64 = 0x9e3779b185ebca87
const prime2: u64 = 0xc2b2ae3d27d4eb4f
const prime3: u64 = 0x165667b19e3779f9
const prime4: u64 = 0x85ebca77c2b2ae63
const prime5: u64 = 0x27d4eb2f165667c5

/** In place of a column's sizes: it has no value. */
const allNull: u64 = 0xffff_ffff_ffff_ffff
/** In a column's sizes: runs of NULLs before the last value follow. */
const hasGaps: u64 = 0x8000_0000_0000_0000

/**
 * @param isIdColumn by column: a byte, 1 for those that repeat the record's id
 * @param firstRows by dataset: where the record's rows begin; `mark` says the same of the values in a column
 */
export function hashRecord(
  program: Program,
  isIdColumn: usize,
  columns: usize,
  firstRows: usize,
  rowCounts: usize,
  id: i64,
): i64 {
  let left = mix(prime5, id as u64)
  let right = prime3
  let index = 0
  for (let dataset = 0; dataset < program.datasetCount; dataset++) {
    const first = load<i32>(firstRows + 4 * (dataset as usize))
    const end = load<i32>(rowCounts + 4 * (dataset as usize))
    const last = number(program.firstColumns, dataset + 1)
    left = mix(left, (end - first) as u64)
    if (first == end) {
      index = last
      continue
    }
    for (; index < last; index++) {
      if (load<u8>(isIdColumn + (index as usize)) != 0) continue
      const column = columnAt(columns, index)
      if (column.rows <= first) {
        left = mix(left, allNull)
        continue
      }
      const sizes = ((column.length - column.mark) as u64) | (((end - column.rows) as u64) << 32)
      left = endsInside(column, first) ? mixGaps(mix(left, sizes | hasGaps), column, first) : mix(left, sizes)
      let at = (column.data + column.mark) as usize
      const dataEnd = (column.data + column.length) as usize
      for (; at + 16 <= dataEnd; at += 16) {
        left = mix(left, load<u64>(at))
        right = mix(right, load<u64>(at, 8))
      }
      if (at + 8 <= dataEnd) {
        left = mix(left, load<u64>(at))
        at += 8
      }
      // Memory behind a block may be read, but what lies there does not count.
      if (at < dataEnd) right = mix(right, load<u64>(at) & (((1 as u64) << (((dataEnd - at) << 3) as u64)) - 1))
    }
  }
  return finish(left, right)
}

// @ts-ignore: decorator
@inline
function mix(lane: u64, word: u64): u64 {
  return rotl<u64>(lane ^ (rotl<u64>(word * prime2, 31) * prime1), 27) * prime1 + prime4
}

/** Whether the last run of NULLs reaches into the rows from `first` on. */
// @ts-ignore: decorator
@inline
function endsInside(column: Column, first: i32): bool {
  const length = column.gapsLength
  if (length == 0) return false
  const gap = (column.gaps as usize) + 4 * ((length - 2) as usize)
  return load<i32>(gap) + load<i32>(gap, 4) > first
}

/** Mixes in the runs of NULLs from `first` on, last one first, then how many they are. */
function mixGaps(lane: u64, column: Column, first: i32): u64 {
  let mixed = lane
  let count: u64 = 0
  for (let at = column.gapsLength - 2; at >= 0; at -= 2) {
    const gap = (column.gaps as usize) + 4 * (at as usize)
    const start = load<i32>(gap)
    const end = start + load<i32>(gap, 4)
    if (end <= first) break
    const from = max<i32>(start, first) - first
    mixed = mix(mixed, ((from as u64) << 32) | ((end - first) as u64))
    count++
  }
  return mix(mixed, count | hasGaps)
}

/** Both lanes in one, every bit of them in every bit of the result. */
function finish(left: u64, right: u64): i64 {
  let hash = mix(left, right)
  hash = (hash ^ (hash >> 33)) * prime2
  hash = (hash ^ (hash >> 29)) * prime3
  return (hash ^ (hash >> 32)) as i64
}
