/** The readers of `src/discogs/readers.ts` over decoded bytes. All look from `start` to before `end`. */
import { allocate, copy, free } from './memory'
import { digitOf, escapeFrom } from './scan'

/** Given for numbers in place of NULL. */
export const noNumber: i64 = -1

/** No part of a clock counts more: enough to make any sum too large for 32 bits. */
const hugePart: i64 = 1 << 40

/** Digits as a number, {@link noNumber} when they are none or do not fit 63 bits. */
export function digits(start: usize, end: usize): i64 {
  if (start == end) return noNumber
  let value: u64 = 0
  let at = start
  // So many digits always fit.
  for (const safe = min<usize>(end, start + 18); at < safe; at++) {
    const digit = (load<u8>(at) as u32) - 0x30
    if (digit > 9) return noNumber
    value = 10 * value + (digit as u64)
  }
  for (; at < end; at++) {
    const digit = (load<u8>(at) as u32) - 0x30
    // 2^63 - 1 is 9223372036854775807.
    if (digit > 9 || value > 922337203685477580 || (value == 922337203685477580 && digit > 7)) return noNumber
    value = 10 * value + (digit as u64)
  }
  return value as i64
}

/** Digits that fit 32 bits. */
export function int(start: usize, end: usize): i64 {
  return fitInt32(digits(start, end))
}

function fitInt32(value: i64): i64 {
  return value <= 0x7fffffff ? value : noNumber
}

/** 1 for `true`, 0 for `false`, else {@link noNumber}. */
export function boolean(start: usize, end: usize): i64 {
  const first = load<u32>(start)
  if (end - start == 4) return first == 0x65757274 ? 1 : noNumber // true
  return end - start == 5 && first == 0x736c6166 && load<u8>(start, 4) == 0x65 ? 0 : noNumber // false
}

/** `[H:]M:S` as seconds. */
export function clock(start: usize, end: usize): i64 {
  let seconds: i64 = 0
  let parts = 0
  let from = start
  for (let at = start; at <= end; at++) {
    if (at < end && load<u8>(at) != 0x3a) continue
    const part = clockPart(from, at)
    if (part == noNumber || parts == 3) return noNumber
    seconds = 60 * seconds + part
    parts++
    from = at + 1
  }
  return parts >= 2 ? fitInt32(seconds) : noNumber
}

/** Any number of digits, the large ones as {@link hugePart}. */
function clockPart(start: usize, end: usize): i64 {
  if (start == end) return noNumber
  let value: i64 = 0
  for (let at = start; at < end; at++) {
    const digit = (load<u8>(at) as u32) - 0x30
    if (digit > 9) return noNumber
    value = min<i64>(10 * value + (digit as i64), hugePart)
  }
  return value
}

/** Part 1, 2 or 3 of `YYYY[-MM[-DD]]`; {@link noNumber} when it is missing, 0 or out of range. */
export function datePart(start: usize, end: usize, part: i32): i64 {
  const length = end - start
  if (length != 4 && length != 7 && length != 10) return noNumber
  const year = digits(start, start + 4)
  const month = length == 4 ? 0 : dashed(start + 4)
  const day = length < 10 ? 0 : dashed(start + 7)
  if (year == noNumber || month == noNumber || day == noNumber) return noNumber
  const value = part == 1 ? year : part == 2 ? month : day
  return value == 0 || (part == 2 && value > 12) || (part == 3 && value > 31) ? noNumber : value
}

function dashed(at: usize): i64 {
  return load<u8>(at) == 0x2d ? digits(at + 1, at + 3) : noNumber
}

/** The text decoded last. */
let decoded: usize = 0
let decodedBytes: usize = 0

/**
 * Decodes what the scanner has checked: references become characters, a raw CR LF or CR becomes LF (XML 1.0, §2.11).
 * @returns where the text ends; it starts at {@link decodedText}
 */
export function decode(start: usize, end: usize): usize {
  if (end - start > decodedBytes) {
    if (decoded != 0) free(decoded)
    decodedBytes = 2 * (end - start) + 1024
    decoded = allocate(decodedBytes as u32)
  }
  let to = decoded
  for (let at = start; at < end; ) {
    const plain = min<usize>(escapeFrom(at), end)
    copy(to, at, plain - at)
    to += plain - at
    at = plain
    if (at == end) break
    if (load<u8>(at) == 0x26) {
      const code = referenced(at + 1)
      to = putCharacter(to, code)
      at += 2
      while (load<u8>(at) != 0x3b) at++
      at++
    } else {
      store<u8>(to++, 0x0a)
      at += load<u8>(at + 1) == 0x0a && at + 1 < end ? 2 : 1
    }
  }
  return to
}

export function decodedText(): usize {
  return decoded
}

/** The character of what stands between `&` and `;`. */
function referenced(at: usize): u32 {
  switch (load<u8>(at)) {
    case 0x61: // amp, apos
      return load<u8>(at + 1) == 0x6d ? 0x26 : 0x27
    case 0x6c: // lt
      return 0x3c
    case 0x67: // gt
      return 0x3e
    case 0x71: // quot
      return 0x22
    default:
      return characterCode(at + 1)
  }
}

/** `13;` or `xd;` */
function characterCode(from: usize): u32 {
  const isHex = load<u8>(from) == 0x78
  let code: u32 = 0
  for (let at = isHex ? from + 1 : from; load<u8>(at) != 0x3b; at++)
    code = (isHex ? 16 : 10) * code + (digitOf(load<u8>(at)) as u32)
  return code
}

/** Writes a character as UTF-8. @returns where it ends */
function putCharacter(at: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(at, code as u8)
    return at + 1
  }
  let to = at
  if (code < 0x800) store<u8>(to++, (0xc0 | (code >> 6)) as u8)
  else {
    if (code < 0x10000) store<u8>(to++, (0xe0 | (code >> 12)) as u8)
    else {
      store<u8>(to++, (0xf0 | (code >> 18)) as u8)
      store<u8>(to++, (0x80 | ((code >> 12) & 0x3f)) as u8)
    }
    store<u8>(to++, (0x80 | ((code >> 6) & 0x3f)) as u8)
  }
  store<u8>(to++, (0x80 | (code & 0x3f)) as u8)
  return to
}
