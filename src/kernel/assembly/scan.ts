/**
 * Reads a record straight from bytes onto a tape of tokens. It takes the markup that dumps are made of and checks it as strictly as
 * the splitter does (`src/xml/record-splitter.ts`); at anything else (CDATA, comments, processing instructions, other white space in
 * tags, single quotes, doubled attributes, text beside elements) and at anything malformed it gives the record up, for sax to read.
 *
 * How it walks: from start tag to start tag. An element without attributes and children is one token, made when its end tag is
 * reached. Names are first compared with what followed the last time, which is right nine times in ten. Texts are searched
 * by 16 bytes; behind the last byte stand one of each that ends a search, then zeros (`paddingBytes` in `src/xml/slices.ts`).
 */
import { allocate, free } from './memory'
import { findName, isName, lengthOf, maxSymbols } from './symbols'

/**
 * A token is three numbers: `symbol << 3 | kind`, and the addresses where its text or value starts and ends. The kind's bit
 * {@link escapedBit} says that references or carriage returns in there wait for decoding.
 */
export const tokenBytes: usize = 12
/** An element without attributes and children, and its text. */
export const leafKind: i32 = 0
/** The start of any other element. */
export const openKind: i32 = 1
/** An attribute of the element that is open, and its value. */
export const attributeKind: i32 = 2
/** The end of an element, and its text, which is empty if it has children. */
export const closeKind: i32 = 3
export const escapedBit: i32 = 4

const recordSymbol: i32 = 1
const maxDepth: usize = 200

const lt: u32 = 0x3c
const gt: u32 = 0x3e
const slash: u32 = 0x2f
const space: u32 = 0x20
const equals: u32 = 0x3d
const quote: u32 = 0x22
const amp: u32 = 0x26
const cr: u32 = 0x0d

/** The tokens of the record scanned last. */
export let tapeStart: usize = 0
export let tapeEnd: usize = 0
let tapeLimit: usize = 0
/** What followed the last time, by `2 * symbol` for the next sibling, one more for the first child: owner << 16 | symbol. */
let guesses: usize = 0
/** The attribute that followed this element or attribute the last time. */
let attributeGuesses: usize = 0
/** Elements around the one at hand. */
let owners: usize = 0

/** Takes the memory that scanning needs. */
export function prepareScan(): void {
  guesses = zeros(8 * maxSymbols)
  attributeGuesses = zeros(4 * maxSymbols)
  owners = zeros(4 * maxDepth)
  tapeStart = allocate(48 * 1024)
  tapeLimit = tapeStart + 48 * 1024
}

function zeros(size: usize): usize {
  const address = allocate(size as u32)
  memory.fill(address, 0, size)
  return address
}

/**
 * Reads the record at `from`.
 * @returns the address behind it, or 0: the record is for sax, or not complete
 */
export function scan(from: usize): usize {
  let tape = tapeStart
  let depth: usize = 0
  let owner = 0
  let guessAt = guesses + 4
  let at = from
  if (load<u8>(from) != lt) return 0
  while (true) {
    const nameStart = at + 1
    const guess = load<u32>(guessAt)
    let symbol = (guess & 0xffff) as i32
    let length = lengthOf(symbol)
    let byte: u32 = load<u8>(nameStart + length)
    if (guess >>> 16 != (owner as u32) || !isName(symbol, length, nameStart) || !endsName(byte)) {
      symbol = findName(owner, 0, nameStart)
      if (symbol < 0) return 0
      store<u32>(guessAt, ((owner as u32) << 16) | (symbol as u32))
      length = lengthOf(symbol)
      byte = load<u8>(nameStart + length)
    }
    if (tape + 2 * tokenBytes > tapeLimit) tape = widen(tape)
    at = nameStart + length
    let kind = leafKind
    if (byte == space) {
      put(tape, (symbol << 3) | openKind, 0, 0)
      tapeEnd = tape + tokenBytes
      at = attributes(symbol, at)
      if (at == 0) return 0
      tape = tapeEnd
      if (tape + 2 * tokenBytes > tapeLimit) tape = widen(tape)
      byte = load<u8>(at)
      kind = closeKind
    }
    if (byte == gt) {
      const textStart = ++at
      at = textEnd(at)
      if (load<u8>(at) != lt) {
        at = escapedEnd(at, lt)
        if (at == 0) return 0
        kind |= escapedBit
      }
      if (load<u8>(at + 1) != slash) {
        if (at != textStart && !isSpace(textStart, at)) return 0
        if ((kind & 3) == leafKind) {
          put(tape, (symbol << 3) | openKind, 0, 0)
          tape += tokenBytes
        }
        if (depth == maxDepth) return 0
        store<i32>(owners + 4 * depth++, owner)
        owner = symbol
        guessAt = guesses + 8 * (symbol as usize) + 4
        continue
      }
      if (!isName(symbol, length, at + 2) || load<u8>(at + 2 + length) != gt) return 0
      put(tape, (symbol << 3) | kind, textStart, at)
      at += 3 + length
    } else {
      if (byte != slash || load<u8>(at + 1) != gt) return 0
      put(tape, (symbol << 3) | kind, at, at)
      at += 2
    }
    tape += tokenBytes
    // Behind an end tag: more of them, up to the next start tag.
    while (true) {
      if (owner == 0) {
        tapeEnd = tape
        return symbol == recordSymbol ? at : 0
      }
      byte = load<u8>(at)
      while (isSpaceByte(byte)) byte = load<u8>(++at)
      if (byte != lt) return 0
      if (load<u8>(at + 1) != slash) break
      length = lengthOf(owner)
      if (!isName(owner, length, at + 2) || load<u8>(at + 2 + length) != gt) return 0
      symbol = owner
      owner = load<i32>(owners + 4 * --depth)
      if (tape + tokenBytes > tapeLimit) tape = widen(tape)
      put(tape, (symbol << 3) | closeKind, at, at)
      tape += tokenBytes
      at += 3 + length
    }
    guessAt = guesses + 8 * (symbol as usize)
  }
}

/** The attributes from the space at `from` on. @returns the address of the `>` or `/` behind them, 0 to give up */
function attributes(element: i32, from: usize): usize {
  let before = element
  let at = from
  const first = tapeEnd
  let tape = first
  while (true) {
    at++
    let byte: u32 = load<u8>(at)
    if (byte == gt || byte == slash) break
    const guessAt = attributeGuesses + 4 * (before as usize)
    let symbol = load<i32>(guessAt)
    let length = lengthOf(symbol)
    if (symbol == 0 || !isName(symbol, length, at) || load<u8>(at + length) != equals) {
      symbol = findName(element, 1, at)
      if (symbol < 0) return 0
      store<i32>(guessAt, symbol)
      length = lengthOf(symbol)
    }
    at += length
    if (load<u8>(at) != equals || load<u8>(at + 1) != quote) return 0
    at += 2
    const start = at
    let kind = attributeKind
    at = valueEnd(at)
    if (load<u8>(at) != quote) {
      at = escapedEnd(at, quote)
      if (at == 0) return 0
      kind |= escapedBit
    }
    if (tape + tokenBytes > tapeLimit) {
      const offset = first - tapeStart
      tape = widen(tape)
      if (isDoubled(symbol, tapeStart + offset, tape)) return 0
    } else if (isDoubled(symbol, first, tape)) return 0
    put(tape, (symbol << 3) | kind, start, at)
    tape += tokenBytes
    at++
    byte = load<u8>(at)
    if (byte == gt || byte == slash) break
    if (byte != space) return 0
    before = symbol
  }
  tapeEnd = tape
  return at
}

/** Whether one of the attributes from `first` to before `end` is this one. */
// @ts-ignore: decorator
@inline
function isDoubled(symbol: i32, first: usize, end: usize): bool {
  for (let token = first; token < end; token += tokenBytes) if (load<i32>(token) >>> 3 == symbol) return true
  return false
}

// @ts-ignore: decorator
@inline
function put(token: usize, what: i32, start: usize, end: usize): void {
  store<i32>(token, what)
  store<u32>(token, start as u32, 4)
  store<u32>(token, end as u32, 8)
}

// @ts-ignore: decorator
@inline
function endsName(byte: u32): bool {
  return byte == gt || byte == space || byte == slash
}

/** The first `<`, `&` or CR. */
// @ts-ignore: decorator
@inline
function textEnd(from: usize): usize {
  return endOf(from, i8x16.splat(lt as i8))
}

/** The first `"`, `&` or CR. */
// @ts-ignore: decorator
@inline
function valueEnd(from: usize): usize {
  return endOf(from, i8x16.splat(quote as i8))
}

/** The first `&` or CR. */
export function escapeFrom(from: usize): usize {
  return endOf(from, i8x16.splat(amp as i8))
}

// @ts-ignore: decorator
@inline
function endOf(from: usize, end: v128): usize {
  let at = from
  while (true) {
    const bytes = v128.load(at)
    const found = v128.or(
      i8x16.eq(bytes, end),
      v128.or(i8x16.eq(bytes, i8x16.splat(amp as i8)), i8x16.eq(bytes, i8x16.splat(cr as i8))),
    )
    const bits = i8x16.bitmask(found)
    if (bits != 0) return at + (ctz<i32>(bits) as usize)
    at += 16
  }
}

/** Goes on behind the `&` or CR at `from`. @returns the address of the end, 0 for a reference that is not one of those allowed */
function escapedEnd(from: usize, end: u32): usize {
  let at = from
  while (true) {
    const byte: u32 = load<u8>(at)
    if (byte == end) return at
    if (byte == amp) {
      at = referenceEnd(at)
      if (at == 0) return 0
    } else at++
    at = end == lt ? textEnd(at) : valueEnd(at)
  }
}

/** Behind the reference at `at` (its `&`) if it is one of the five or of a character, else 0. */
function referenceEnd(at: usize): usize {
  switch (load<u8>(at + 1)) {
    case 0x23: // #
      return characterReferenceEnd(at + 2)
    case 0x61: // a
      if (load<u8>(at + 2) == 0x6d) return load<u8>(at + 3) == 0x70 && load<u8>(at + 4) == 0x3b ? at + 5 : 0 // amp
      return load<u8>(at + 2) == 0x70 && load<u8>(at + 3) == 0x6f && load<u8>(at + 4) == 0x73 && load<u8>(at + 5) == 0x3b
        ? at + 6 // apos
        : 0
    case 0x6c: // lt
    case 0x67: // gt
      return load<u8>(at + 2) == 0x74 && load<u8>(at + 3) == 0x3b ? at + 4 : 0
    case 0x71: // quot
      return load<u8>(at + 2) == 0x75 && load<u8>(at + 3) == 0x6f && load<u8>(at + 4) == 0x74 && load<u8>(at + 5) == 0x3b
        ? at + 6
        : 0
    default:
      return 0
  }
}

/** Behind the `;` of `13;` or `xd;`; numbers of more than 7 digits are left to sax. */
function characterReferenceEnd(from: usize): usize {
  const isHex = load<u8>(from) == 0x78
  const start = isHex ? from + 1 : from
  let code: u32 = 0
  let at = start
  for (; at < start + 8; at++) {
    const digit = digitOf(load<u8>(at))
    if (digit < 0 || (!isHex && digit > 9)) break
    code = (isHex ? 16 : 10) * code + (digit as u32)
  }
  return at > start && load<u8>(at) == 0x3b && isCharacter(code) ? at + 1 : 0
}

/** The value of a hexadecimal digit, -1 for other bytes. */
export function digitOf(byte: u32): i32 {
  if (byte >= 0x30 && byte <= 0x39) return (byte - 0x30) as i32
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? ((letter - 0x57) as i32) : -1
}

/** The Char production of XML 1.0, §2.2. */
function isCharacter(code: u32): bool {
  if (code < 0x20) return code == 0x9 || code == 0xa || code == 0xd
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

// @ts-ignore: decorator
@inline
export function isSpaceByte(byte: u32): bool {
  return byte <= space && (byte == space || byte == 0x0a || byte == 0x0d || byte == 0x09)
}

/** Whether nothing but white space stands there: NULL as text. */
export function isSpace(start: usize, end: usize): bool {
  for (let at = start; at < end; at++) if (!isSpaceByte(load<u8>(at))) return false
  return true
}

/** Doubles the tape. @returns where the next token goes now */
function widen(tape: usize): usize {
  const used = tape - tapeStart
  const size: usize = (tapeLimit - tapeStart) << 1
  const wider = allocate(size as u32)
  memory.copy(wider, tapeStart, used)
  free(tapeStart)
  tapeStart = wider
  tapeLimit = wider + size
  return wider + used
}
