/**
 * The RLE / bit-packing hybrid of Parquet (Encodings.md, "RLE/Bit-Packing Hybrid"). Functions write at an address that has room for
 * {@link hybridBound} bytes and return the address behind what they wrote.
 */

/** No hybrid of so many values is longer. */
export function hybridBound(count: u32, bitWidth: u32): u32 {
  return ((count + 7) >> 3) * (bitWidth + 1) + 16
}

/** From this length on a run of equal values is shorter as a run than bit-packed between two bit-packed neighbours; at least 8. */
export function shortestRun(bitWidth: u32): u32 {
  const runBytes = 4 + 2 * ((bitWidth + 7) >> 3)
  const width = max<u32>(bitWidth, 1)
  return max<u32>(8, ((runBytes + width - 1) / width) * 8)
}

/**
 * Bits for every index below `count`: 0, 1, 2, 4 or whole bytes, wider than they must be, since what repeats in
 * indices that lie on byte boundaries is seen by ZSTD (3 % of all bytes of a dump's files).
 */
export function indexBits(count: u32): u32 {
  const bits = count < 2 ? 0 : 32 - clz<u32>(count - 1)
  return bits < 3 ? bits : bits < 5 ? 4 : (bits + 7) & ~7
}

/**
 * Writes the 16-bit numbers from `indices[from]` to before `indices[to]`. Hot: walks in groups of eight, as they are bit-packed.
 * A run worth writing fills a whole group, so one comparison of vectors a group finds all there are.
 * @param bitWidth as {@link indexBits} gives it, up to 16
 */
export function writeHybrid(target: usize, indices: usize, from: u32, to: u32, bitWidth: u32): usize {
  const shortest = shortestRun(bitWidth)
  let at = target
  let packedFrom = from
  let group = from
  while (group + 8 <= to) {
    if (!isUniform(indices + 2 * group, load<u16>(indices + 2 * group))) {
      group += 8
      continue
    }
    const end = runEnd(indices, group, to)
    if (end - group < shortest) {
      group += (end - group) & ~7
      continue
    }
    if (group > packedFrom) at = packGroups(at, indices, packedFrom, group, bitWidth)
    at = writeRun(at, load<u16>(indices + 2 * group), end - group, bitWidth)
    packedFrom = end
    group = end
  }
  return packedFrom < to ? packGroups(at, indices, packedFrom, to, bitWidth) : at
}

/** Whether the eight indices at an address are all the same. */
// @ts-ignore: decorator
@inline
function isUniform(at: usize, index: u16): bool {
  return i16x8.all_true(i16x8.eq(v128.load(at), i16x8.splat(index)))
}

/** Where the run ends that fills the group at `from`. */
function runEnd(indices: usize, from: u32, to: u32): u32 {
  const index = load<u16>(indices + 2 * from)
  let end = from + 8
  while (end + 8 <= to && isUniform(indices + 2 * end, index)) end += 8
  while (end < to && load<u16>(indices + 2 * end) == index) end++
  return end
}

/** One run of `count` times the same value. */
export function writeRun(target: usize, value: u32, count: u32, bitWidth: u32): usize {
  let at = writeVarint(target, count * 2)
  for (let bits: u32 = 0; bits < bitWidth; bits += 8) store<u8>(at++, value >> bits)
  return at
}

/** One bit-packed run; the last group is filled up with zeros. */
function packGroups(target: usize, indices: usize, from: u32, to: u32, bitWidth: u32): usize {
  let at = writeVarint(target, ((to - from + 7) >> 3) * 2 + 1)
  let group = from
  for (; group + 8 <= to; group += 8) {
    storeGroup(at, v128.load(indices + 2 * group), bitWidth)
    at += bitWidth
  }
  if (group == to) return at
  storeGroup(at, firstLanes(v128.load(indices + 2 * group), to - group), bitWidth)
  return at + bitWidth
}

/** Zeros behind the first `count` of eight indices. */
function firstLanes(group: v128, count: u32): v128 {
  return v128.and(group, i16x8.lt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(count as i16)))
}

/** Packs eight indices into `bitWidth` bytes, the first one into the lowest bits. */
// @ts-ignore: decorator
@inline
function storeGroup(at: usize, group: v128, bitWidth: u32): void {
  if (bitWidth == 16) v128.store(at, group)
  else if (bitWidth == 8) store<u64>(at, bytesOf(group))
  else if (bitWidth == 4) store<u32>(at, fours(bytesOf(group)))
  else if (bitWidth == 2) store<u16>(at, twos(bytesOf(group)))
  else if (bitWidth == 1) store<u8>(at, i16x8.bitmask(i16x8.shl(group, 15)))
}

/** The low byte of each of eight lanes. */
// @ts-ignore: decorator
@inline
function bytesOf(group: v128): u64 {
  return i64x2.extract_lane(i8x16.narrow_i16x8_u(group, group), 0)
}

/** Brings together the low four bits of each of eight bytes. */
// @ts-ignore: decorator
@inline
function fours(bytes: u64): u32 {
  const pairs = (bytes | (bytes >> 4)) & 0x00ff_00ff_00ff_00ff
  const quads = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff
  return (quads | (quads >> 16)) as u32
}

/** Brings together the low two bits of each of eight bytes. */
// @ts-ignore: decorator
@inline
function twos(bytes: u64): u16 {
  const pairs = (bytes | (bytes >> 6)) & 0x000f_000f_000f_000f
  const quads = (pairs | (pairs >> 12)) & 0x0000_00ff_0000_00ff
  return (quads | (quads >> 24)) as u16
}

/** A number as ULEB128: seven bits a byte, the low ones first; at most {@link varintBytes}. */
export function writeVarint(target: usize, value: u32): usize {
  let at = target
  let rest = value
  while (rest > 127) {
    store<u8>(at++, (rest & 127) | 128)
    rest >>= 7
  }
  store<u8>(at++, rest)
  return at
}

export const varintBytes: usize = 5
