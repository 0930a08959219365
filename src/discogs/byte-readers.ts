/** The readers of `readers.ts` over decoded UTF-8 bytes: datasets.md, rules 2, 3, 5 and 7. All look at `bytes` from `start` to before `end`. */
import { readers } from './readers.ts'

const zero = 0x30
/** So many digits always make a safe integer. */
const safeDigits = 15
/** So many always fit 32 bits. */
const intDigits = 9
const powersOfTen = Array.from({ length: intDigits + 1 }, (_, power) => 10 ** power)

/** Given for numbers in place of NULL. */
export const noNumber = -1

/** Whether nothing but white space stands there: NULL as text. */
export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return false
  }
  return true
}

/** Digits as a number; `noNumber` when they are none, NaN when they are too many for one: see {@link longDigits}. */
export function digits(bytes: Uint8Array, start: number, end: number): number {
  const split = end - start > intDigits ? start + intDigits : end
  const high = shortDigits(bytes, start, split)
  if (split === end || high === noNumber) return high
  const low = end - split > intDigits ? noNumber : shortDigits(bytes, split, end)
  if (low === noNumber) return manyDigits(bytes, start, end)
  return end - start > safeDigits ? Number.NaN : high * (powersOfTen[end - split] ?? 0) + low
}

/** At most {@link intDigits} of them, as a 32-bit number: half the time of a large one. */
function shortDigits(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return noNumber
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - zero
    if (digit < 0 || digit > 9) return noNumber
    value = (Math.imul(value, 10) + digit) | 0
  }
  return value
}

function manyDigits(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte < zero || byte > zero + 9) return noNumber
  }
  return Number.NaN
}

/** As {@link digits}, for any number of them; null when they do not fit 64 bits. */
export function longDigits(bytes: Uint8Array, start: number, end: number): bigint | null {
  const value = readers.digits(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'))
  return typeof value === 'bigint' ? value : null
}

/** Digits that fit 32 bits. */
export function int(bytes: Uint8Array, start: number, end: number): number {
  return fitInt32(wholeNumber(bytes, start, end))
}

/** As {@link digits}, but a large number is a large number. */
function wholeNumber(bytes: Uint8Array, start: number, end: number): number {
  const value = digits(bytes, start, end)
  if (!Number.isNaN(value)) return value
  let at = start
  while (at < end && bytes[at] === zero) at++
  return end - at > safeDigits ? Number.MAX_SAFE_INTEGER : at === end ? 0 : digits(bytes, at, end)
}

function fitInt32(value: number): number {
  return value <= 0x7fffffff ? value : noNumber
}

/** 1 for `true`, 0 for `false`, else noNumber. */
export function boolean(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 4) return isText(bytes, start, 'true') ? 1 : noNumber
  return end - start === 5 && isText(bytes, start, 'false') ? 0 : noNumber
}

function isText(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}

/** `[H:]M:S` as seconds. */
export function clock(bytes: Uint8Array, start: number, end: number): number {
  let seconds = 0
  let parts = 0
  let from = start
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== 0x3a) continue
    const part = wholeNumber(bytes, from, at)
    if (part === noNumber) return noNumber
    seconds = 60 * seconds + part
    parts++
    from = at + 1
  }
  return parts === 2 || parts === 3 ? fitInt32(seconds) : noNumber
}

/** Part 1, 2 or 3 of `YYYY[-MM[-DD]]`; `noNumber` when it is missing, 0 or out of range. */
export function datePart(bytes: Uint8Array, start: number, end: number, part: 1 | 2 | 3): number {
  const length = end - start
  if (length !== 4 && length !== 7 && length !== 10) return noNumber
  const year = digits(bytes, start, start + 4)
  const month = length === 4 ? 0 : dashed(bytes, start + 4)
  const day = length < 10 ? 0 : dashed(bytes, start + 7)
  if (year === noNumber || month === noNumber || day === noNumber) return noNumber
  const value = part === 1 ? year : part === 2 ? month : day
  return value === 0 || (part === 2 && value > 12) || (part === 3 && value > 31) ? noNumber : value
}

function dashed(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0x2d ? digits(bytes, at + 1, at + 3) : noNumber
}
