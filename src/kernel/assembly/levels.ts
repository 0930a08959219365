/**
 * Definition levels as a hybrid of one bit: 0 for NULL, 1 for a value. Long runs are written as runs, what is between them bit-packed.
 * Hot: a few steps for each run of NULLs, none for a single value.
 */
import { shortestRun, varintBytes, writeRun, writeVarint } from './hybrid'

/** Where the next run begins. Levels wait there, bit-packed, behind the room for the header that says how many they are. */
let out: usize = 0
let waiting: u32 = 0

/**
 * Writes the levels of the rows from `from` to before `to`.
 * @param gaps to `gapsEnd`: the pairs of first row and count that lie in these rows
 * @returns the address behind them
 */
export function writeLevels(target: usize, from: i32, to: i32, gaps: usize, gapsEnd: usize): usize {
  out = target
  waiting = 0
  let row = from
  for (let gap = gaps; gap < gapsEnd; gap += 8) {
    const start = load<i32>(gap)
    const count = load<i32>(gap, 4)
    add(1, start - row)
    add(0, count)
    row = start + count
  }
  add(1, to - row)
  flush()
  return out
}

/** The first levels of a run may have to fill up the group of eight before it. */
function add(level: u32, count: u32): void {
  const fill = min<u32>(count, (0 - waiting) & 7)
  if (count - fill < shortestRun(1)) {
    pack(level, count)
    return
  }
  pack(level, fill)
  flush()
  out = writeRun(out, level, count - fill, 1)
}

/** @param count less than 57: with the bits before them in their first byte they fit into 64 */
function pack(level: u32, count: u32): void {
  const at = out + varintBytes + ((waiting >> 3) as usize)
  const shift = (waiting & 7) as u64
  const before = load<u8>(at) & (((1 as u64) << shift) - 1)
  const bits = level == 0 ? 0 : ((1 as u64) << (count as u64)) - 1
  store<u64>(at, before | (bits << shift))
  waiting += count
}

function flush(): void {
  if (waiting == 0) return
  const groups = (waiting + 7) >> 3
  const target = writeVarint(out, groups * 2 + 1)
  memory.copy(target, out + varintBytes, groups as usize)
  out = target + (groups as usize)
  waiting = 0
}
