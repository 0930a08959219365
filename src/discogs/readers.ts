/** Text to value, one function a {@link Reader}. Whatever does not fit is null. */
import type { Reader } from './dataset.ts'

export type Value = string | bigint | number | boolean

const maxInt32 = 2 ** 31 - 1
const maxInt64 = 2n ** 63n - 1n
const onlySpace = /^[ \t\r\n]*$/
const onlyDigits = /^[0-9]+$/
const clock = /^(?:([0-9]+):)?([0-9]+):([0-9]+)$/
const date = /^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?$/

function readText(text: string): string | null {
  return onlySpace.test(text) ? null : text
}

function readDigits(text: string): bigint | null {
  if (!onlyDigits.test(text)) return null
  const number = BigInt(text)
  return number <= maxInt64 ? number : null
}

function readPositive(text: string): bigint | null {
  const number = readDigits(text)
  return number === 0n ? null : number
}

function readInt(text: string): number | null {
  return onlyDigits.test(text) ? fitInt32(Number(text)) : null
}

function fitInt32(number: number): number | null {
  return number <= maxInt32 ? number : null
}

function readBoolean(text: string): boolean | null {
  if (text === 'true') return true
  return text === 'false' ? false : null
}

function readClock(text: string): number | null {
  const match = clock.exec(text)
  if (match === null) return null
  const [, hours = '0', minutes, seconds] = match
  return fitInt32(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
}

/** Part 1, 2 or 3 of a date: null when it is missing, 0 or above `max`. */
function readDatePart(text: string, part: 1 | 2 | 3, max: number): number | null {
  const number = Number(date.exec(text)?.[part] ?? 0)
  return number === 0 || number > max ? null : number
}

export const readers: Readonly<Record<Reader, (text: string) => Value | null>> = {
  text: readText,
  id: readPositive,
  digits: readDigits,
  year: readPositive,
  int: readInt,
  boolean: readBoolean,
  clock: readClock,
  'date-year': (text) => readDatePart(text, 1, 9999),
  'date-month': (text) => readDatePart(text, 2, 12),
  'date-day': (text) => readDatePart(text, 3, 31),
}
