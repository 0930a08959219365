/**
 * One step of XML markup over bytes, checked as strictly as XML 1.0 asks. Every function looks at `bytes` from `at`
 * to `end` and returns the offset just past what it read, or {@link incomplete} when more bytes must come first.
 * Malformed markup throws {@link XmlError} with an offset relative to `bytes`.
 */
import { XmlError } from './xml-error.ts'

export const incomplete = -1

const lt = 0x3c
const gt = 0x3e
const slash = 0x2f
const amp = 0x26
const equals = 0x3d
const semicolon = 0x3b

/** The four white-space characters of XML. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

export function skipSpace(bytes: Buffer, at: number, end: number): number {
  let next = at
  while (next < end && isSpace(bytes[next])) next++
  return next
}

function isNameStart(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte === 0x3a || byte >= 0x80
}

function isNameByte(byte: number): boolean {
  return isNameStart(byte) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2e
}

/** Past the name at `at`; throws when none starts there. */
export function readName(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return incomplete
  if (!isNameStart(bytes[at] ?? 0)) throw new XmlError(`a name was expected, found ${show(bytes[at])}`, at)
  let next = at + 1
  while (next < end && isNameByte(bytes[next] ?? 0)) next++
  return next === end ? incomplete : next
}

/** What a start tag at `<` is: where its name ends, where it ends, whether it is empty (`<a/>`). */
export interface StartTag {
  readonly nameEnd: number
  readonly end: number
  readonly empty: boolean
}

/** Reads the start tag at `at` (its `<`): attributes quoted, separated by space, with sound references. */
export function readStartTag(bytes: Buffer, at: number, end: number): StartTag | typeof incomplete {
  const nameEnd = readName(bytes, at + 1, end)
  if (nameEnd === incomplete) return incomplete
  let next = nameEnd
  for (;;) {
    const spaced = skipSpace(bytes, next, end)
    if (spaced >= end) return incomplete
    const byte = bytes[spaced]
    if (byte === gt) return { nameEnd, end: spaced + 1, empty: false }
    if (byte === slash) {
      if (spaced + 1 >= end) return incomplete
      if (bytes[spaced + 1] !== gt) throw new XmlError('"/" inside a tag', spaced)
      return { nameEnd, end: spaced + 2, empty: true }
    }
    if (spaced === next) throw new XmlError(`space was expected inside a tag, found ${show(byte)}`, spaced)
    next = readAttribute(bytes, spaced, end)
    if (next === incomplete) return incomplete
  }
}

function readAttribute(bytes: Buffer, at: number, end: number): number {
  const nameEnd = readName(bytes, at, end)
  if (nameEnd === incomplete) return incomplete
  const sign = skipSpace(bytes, nameEnd, end)
  if (sign >= end) return incomplete
  if (bytes[sign] !== equals) throw new XmlError('an attribute without a value', at)
  const open = skipSpace(bytes, sign + 1, end)
  if (open >= end) return incomplete
  const quote = bytes[open] ?? 0
  if (quote !== 0x22 && quote !== 0x27) throw new XmlError('an attribute value without quotes', open)
  const close = bytes.indexOf(quote, open + 1)
  if (close === -1 || close >= end) return incomplete
  checkReferences(bytes, open + 1, close)
  return close + 1
}

/** Reads the end tag at `at` (its `<`): where its name ends and where it ends. */
export function readEndTag(bytes: Buffer, at: number, end: number): { nameEnd: number; end: number } | typeof incomplete {
  const nameEnd = readName(bytes, at + 2, end)
  if (nameEnd === incomplete) return incomplete
  const close = skipSpace(bytes, nameEnd, end)
  if (close >= end) return incomplete
  if (bytes[close] !== gt) throw new XmlError('an end tag that does not end', at)
  return { nameEnd, end: close + 1 }
}

/** Past the comment at `at` (`<!--`). */
export function readComment(bytes: Buffer, at: number, end: number): number {
  const dashes = bytes.indexOf('--', at + 4)
  if (dashes === -1 || dashes + 2 >= end) return incomplete
  if (bytes[dashes + 2] !== gt) throw new XmlError('"--" inside a comment', dashes)
  return dashes + 3
}

/** Past the CDATA section at `at` (`<![CDATA[`). */
export function readCdata(bytes: Buffer, at: number, end: number): number {
  const close = bytes.indexOf(']]>', at + 9)
  return close === -1 || close + 3 > end ? incomplete : close + 3
}

/** Past the processing instruction at `at` (`<?`). */
export function readInstruction(bytes: Buffer, at: number, end: number): number {
  const nameEnd = readName(bytes, at + 2, end)
  if (nameEnd === incomplete) return incomplete
  const close = bytes.indexOf('?>', nameEnd)
  if (close === -1 || close + 2 > end) return incomplete
  if (close !== nameEnd && !isSpace(bytes[nameEnd])) throw new XmlError('a processing instruction without a name', at)
  return close + 2
}

/** Past the doctype at `at`, its internal subset included; nothing in it is expanded or fetched. */
export function readDoctype(bytes: Buffer, at: number, end: number): number {
  let depth = 0
  for (let next = at + 2; next < end; next++) {
    const byte = bytes[next]
    if (byte === 0x22 || byte === 0x27) {
      next = bytes.indexOf(byte, next + 1)
      if (next === -1) return incomplete
    } else if (byte === lt && bytes.toString('latin1', next, next + 4) === '<!--') {
      next = readComment(bytes, next, end) - 1
      if (next < 0) return incomplete
    } else if (byte === 0x5b) depth++
    else if (byte === 0x5d) depth--
    else if (byte === gt && depth === 0) return next + 1
  }
  return incomplete
}

/** Checks every `&` between `from` and `to`: one of the five entities or a reference to a character. */
export function checkReferences(bytes: Buffer, from: number, to: number): void {
  for (let at = bytes.indexOf(amp, from); at !== -1 && at < to; at = bytes.indexOf(amp, at + 1)) {
    const close = bytes.indexOf(semicolon, at)
    const name = close === -1 || close >= to || close - at > 64 ? '' : bytes.toString('latin1', at + 1, close)
    if (!isReference(name)) throw new XmlError(name === '' ? 'a bare "&"' : `an unknown entity &${name};`, at)
  }
}

function isReference(name: string): boolean {
  if (name === 'amp' || name === 'lt' || name === 'gt' || name === 'quot' || name === 'apos') return true
  if (/^#[0-9]+$/.test(name)) return isCharacter(Number(name.slice(1)))
  if (/^#x[0-9a-fA-F]+$/.test(name)) return isCharacter(Number.parseInt(name.slice(2), 16))
  return false
}

/** The Char production of XML 1.0, §2.2. */
function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

function show(byte: number | undefined): string {
  if (byte === undefined) return 'nothing'
  return byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte 0x${byte.toString(16).padStart(2, '0')}`
}
