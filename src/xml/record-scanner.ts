/**
 * Reads records straight from bytes onto a tape of tokens: no string per tag, attribute or value. It takes the markup
 * that dumps are made of and checks it as strictly as the splitter does; at anything else (CDATA, comments, processing
 * instructions, other white space in tags, single quotes, doubled attributes, text beside elements) and at anything
 * malformed it gives the record up, for sax to read.
 *
 * How it walks: from start tag to start tag. An element without attributes and children is one token, made when its end
 * tag is reached. Names are first compared with what followed the last time, which is right nine times in ten.
 */
import { maxSymbols, noSymbol, recordSymbol, SymbolTable, type ElementTree } from './symbols.ts'

/**
 * A token is three numbers: `symbol << 3 | kind`, and where its text or value starts and ends. The kind's bit
 * {@link TokenKinds.escaped} says that references or carriage returns in there wait for decoding.
 */
export interface TokenKinds {
  /** An element without attributes and children, and its text. */
  readonly leaf: 0
  /** The start of any other element. */
  readonly open: 1
  /** An attribute of the element that is open, and its value. */
  readonly attribute: 2
  /** The end of an element, and its text, which is empty if it has children. */
  readonly close: 3
  readonly escaped: 4
}

const leaf: TokenKinds['leaf'] = 0
const open: TokenKinds['open'] = 1
const attribute: TokenKinds['attribute'] = 2
const close: TokenKinds['close'] = 3
const escapedBit: TokenKinds['escaped'] = 4

/** Returned in place of an offset: the record is for sax, or not complete. */
export const unusual = -1

/** Bytes that must follow those to scan: one of each that ends a loop, then zeros; comparisons read past the end. */
export const paddingBytes = 32

const maxDepth = 200
const lt = 0x3c
const gt = 0x3e
const slash = 0x2f
const space = 0x20
const equals = 0x3d
const quote = 0x22
const amp = 0x26

const cr = 0x0d
const everyLt = 0x3c3c3c3c
const everyQuote = 0x22222222
const everyAmp = 0x26262626
const isName = members('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-')

function members(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from(characters)) table[byte] = 1
  return table
}

export class RecordScanner {
  readonly symbols: SymbolTable
  /** The tokens of the record scanned last, {@link tapeLength} numbers. */
  tape = new Int32Array(3 * 1024)
  tapeLength = 0
  /** What followed the last time, by `2 * symbol` for the next sibling, one more for the first child: owner << 16 | symbol. */
  readonly #guesses = new Int32Array(2 * maxSymbols)
  /** The attribute that followed this element or attribute the last time. */
  readonly #attributeGuesses = new Int32Array(maxSymbols)
  readonly #owners = new Int32Array(maxDepth)
  #bytes: Buffer = Buffer.alloc(0)
  #view = new DataView(this.#bytes.buffer)
  /** No `&` and no CR lies between what was scanned and the first of these offsets; -1 before the first search. */
  #nextEscape = -1
  #nextAmp = -1
  #nextCr = -1
  #gaveUp = false

  constructor(record: ElementTree) {
    this.symbols = new SymbolTable(record)
  }

  /**
   * Makes the first `length` of these bytes the ones to scan.
   * @param bytes with room for {@link paddingBytes} more, which are overwritten
   */
  start(bytes: Buffer, length: number): void {
    this.#bytes = bytes.subarray(0, length + paddingBytes)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    bytes.fill(0, length, length + paddingBytes)
    bytes[length] = lt
    bytes[length + 1] = quote
    bytes[length + 2] = amp
    bytes[length + 3] = cr
    this.#forgetEscapes()
  }

  /**
   * Reads the record at `from`.
   * @returns the offset behind it, or {@link unusual}
   */
  scan(from: number): number {
    const { lengths } = this.symbols
    const bytes = this.#bytes
    const view = this.#view
    const guesses = this.#guesses
    const owners = this.#owners
    let tape = this.tape
    let length = 0
    let depth = 0
    let owner = 0
    let guessAt = 1
    let at = from
    this.tapeLength = 0
    if (bytes[from] !== lt) return unusual
    // A scan that was given up may have gone past where the next one begins.
    if (this.#gaveUp) this.#forgetEscapes()
    this.#gaveUp = true
    for (;;) {
      const nameStart = at + 1
      const guess = guesses[guessAt] ?? 0
      let symbol = guess & 0xffff
      if (guess >>> 16 !== owner || !this.#isTag(symbol, bytes, view, nameStart)) {
        symbol = this.#find(owner, false, bytes, nameStart)
        if (symbol === noSymbol) return unusual
        guesses[guessAt] = (owner << 16) | symbol
      }
      if (length + 6 > tape.length) tape = this.#widen()
      at = nameStart + (lengths[symbol] ?? 0)
      let byte = bytes[at] ?? 0
      let end: number = leaf
      if (byte === space) {
        tape[length] = (symbol << 3) | open
        tape[length + 1] = 0
        tape[length + 2] = 0
        this.tapeLength = length + 3
        at = this.#attributes(symbol, bytes, view, at)
        if (at === unusual) return unusual
        tape = this.tape
        length = this.tapeLength
        if (length + 6 > tape.length) tape = this.#widen()
        byte = bytes[at] ?? 0
        end = close
      }
      if (byte === gt) {
        const textStart = ++at
        at = indexOf(view, at, everyLt)
        if (at > this.#nextEscape) {
          const escapes = this.#escapes(textStart, at)
          if (escapes === unusual) return unusual
          end |= escapes
        }
        if (bytes[at + 1] !== slash) {
          if (at !== textStart && !isSpace(bytes, textStart, at)) return unusual
          if ((end & 3) === leaf) {
            tape[length] = (symbol << 3) | open
            tape[length + 1] = 0
            tape[length + 2] = 0
            length += 3
          }
          if (depth === maxDepth) return unusual
          owners[depth++] = owner
          owner = symbol
          guessAt = 2 * symbol + 1
          continue
        }
        const isEnd =
          (end & 3) === leaf ? isSame(view, nameStart, at + 2, textStart - nameStart) : this.#isEndTag(symbol, bytes, view, at)
        if (!isEnd) return unusual
        tape[length] = (symbol << 3) | end
        tape[length + 1] = textStart
        tape[length + 2] = at
        length += 3
        at += 3 + (lengths[symbol] ?? 0)
      } else {
        if (byte !== slash || bytes[at + 1] !== gt) return unusual
        tape[length] = (symbol << 3) | end
        tape[length + 1] = at
        tape[length + 2] = at
        length += 3
        at += 2
      }
      // Behind an end tag: more of them, up to the next start tag.
      for (;;) {
        if (owner === 0) {
          this.tapeLength = length
          if (symbol !== recordSymbol) return unusual
          this.#gaveUp = false
          return at
        }
        while ((byte = bytes[at] ?? 0) === space || byte === 0x0a || byte === 0x0d || byte === 0x09) at++
        if (byte !== lt) return unusual
        if (bytes[at + 1] !== slash) break
        if (!this.#isEndTag(owner, bytes, view, at)) return unusual
        symbol = owner
        owner = owners[--depth] ?? 0
        if (length + 3 > tape.length) tape = this.#widen()
        tape[length] = (symbol << 3) | close
        tape[length + 1] = at
        tape[length + 2] = at
        length += 3
        at += 3 + (lengths[symbol] ?? 0)
      }
      guessAt = 2 * symbol
    }
  }

  /** The attributes from the space at `from` on. @returns the offset of the `>` or `/` behind them */
  #attributes(element: number, bytes: Uint8Array, view: DataView, from: number): number {
    const { lengths } = this.symbols
    let before = element
    let at = from
    let tape = this.tape
    for (;;) {
      at++
      let byte = bytes[at] ?? 0
      if (byte === gt || byte === slash) return at
      let symbol = this.#attributeGuesses[before] ?? 0
      if (symbol === 0 || !this.#isName(symbol, bytes, view, at) || bytes[at + (lengths[symbol] ?? 0)] !== equals) {
        symbol = this.#find(element, true, bytes, at)
        if (symbol === noSymbol) return unusual
        this.#attributeGuesses[before] = symbol
      }
      if (this.#isDoubled(symbol)) return unusual
      at += lengths[symbol] ?? 0
      if (bytes[at] !== equals || bytes[at + 1] !== quote) return unusual
      at += 2
      const start = at
      let kind: number = attribute
      at = indexOf(view, at, everyQuote)
      if (at > this.#nextEscape) {
        const escapes = this.#escapes(start, at)
        if (escapes === unusual) return unusual
        kind |= escapes
      }
      if (this.tapeLength + 3 > tape.length) tape = this.#widen()
      tape[this.tapeLength] = (symbol << 3) | kind
      tape[this.tapeLength + 1] = start
      tape[this.tapeLength + 2] = at
      this.tapeLength += 3
      at++
      byte = bytes[at] ?? 0
      if (byte === gt || byte === slash) return at
      if (byte !== space) return unusual
      before = symbol
    }
  }

  /**
   * Checks the references of a value.
   * @returns the bit for values with something to decode, 0, or unusual
   */
  #escapes(start: number, end: number): number {
    const bytes = this.#bytes
    if (this.#nextEscape < start) this.#seekEscape(start)
    if (this.#nextEscape >= end) return 0
    while (this.#nextAmp < end) {
      const behind = referenceEnd(bytes, this.#nextAmp)
      if (behind === unusual) return unusual
      this.#nextAmp = indexOf(this.#view, behind, everyAmp)
    }
    this.#seekEscape(end)
    return escapedBit
  }

  #forgetEscapes(): void {
    this.#nextAmp = -1
    this.#nextCr = -1
    this.#nextEscape = -1
  }

  #seekEscape(from: number): void {
    if (this.#nextAmp < from) this.#nextAmp = indexOf(this.#view, from, everyAmp)
    // Most dumps have none: the platform's own search is the faster one.
    if (this.#nextCr < from) this.#nextCr = this.#bytes.indexOf(cr, from)
    this.#nextEscape = Math.min(this.#nextAmp, this.#nextCr)
  }

  /** Whether the element that is open has the attribute already. */
  #isDoubled(symbol: number): boolean {
    for (let i = this.tapeLength - 3; i >= 0; i -= 3) {
      const token = this.tape[i] ?? 0
      if ((token & 3) !== attribute) return false
      if (token >>> 3 === symbol) return true
    }
    return false
  }

  /** The symbol of the name at `start`, however it is delimited. */
  #find(owner: number, isAttribute: boolean, bytes: Uint8Array, start: number): number {
    let end = start
    while (isName[bytes[end] ?? 0] === 1) end++
    return this.symbols.lookUp(owner, isAttribute, bytes, start, end)
  }

  /** Whether the name at `at` is this one, as far as it goes. */
  #isName(symbol: number, bytes: Uint8Array, view: DataView, at: number): boolean {
    const { words, masks, lengths } = this.symbols
    const word = 4 * symbol
    if ((view.getInt32(at, true) & (masks[word] ?? 0)) !== words[word]) return false
    const length = lengths[symbol] ?? 0
    if (length <= 4) return true
    if ((view.getInt32(at + 4, true) & (masks[word + 1] ?? 0)) !== words[word + 1]) return false
    if (length <= 8) return true
    if ((view.getInt32(at + 8, true) & (masks[word + 2] ?? 0)) !== words[word + 2]) return false
    if ((view.getInt32(at + 12, true) & (masks[word + 3] ?? 0)) !== words[word + 3]) return false
    return length <= 16 || this.#isRestOfName(symbol, bytes, at)
  }

  #isRestOfName(symbol: number, bytes: Uint8Array, at: number): boolean {
    const name = this.symbols.nameOf(symbol)
    for (let i = 16; i < name.length; i++) if (bytes[at + i] !== name.charCodeAt(i)) return false
    return true
  }

  #isTag(symbol: number, bytes: Uint8Array, view: DataView, nameStart: number): boolean {
    if (!this.#isName(symbol, bytes, view, nameStart)) return false
    const byte = bytes[nameStart + (this.symbols.lengths[symbol] ?? 0)]
    return byte === gt || byte === space || byte === slash
  }

  #isEndTag(symbol: number, bytes: Uint8Array, view: DataView, at: number): boolean {
    return this.#isName(symbol, bytes, view, at + 2) && bytes[at + 2 + (this.symbols.lengths[symbol] ?? 0)] === gt
  }

  #widen(): Int32Array<ArrayBuffer> {
    const wider = new Int32Array(2 * this.tape.length)
    wider.set(this.tape)
    this.tape = wider
    return wider
  }
}

/** The first of four bytes, of all of them at once; see the bytes that end what is to be scanned. */
function indexOf(view: DataView, from: number, everyByte: number): number {
  for (let at = from; ; at += 4) {
    // A byte of `zeros` has its highest bit set where that of `word` is 0, and none does below the first such.
    const word = view.getInt32(at, true) ^ everyByte
    const zeros = (word - 0x01010101) & ~word & 0x80808080
    if (zeros !== 0) return at + ((31 - Math.clz32(zeros & -zeros)) >>> 3)
  }
}

/** Compares `length` bytes, by fours; what overlaps is compared twice. */
function isSame(view: DataView, left: number, right: number, length: number): boolean {
  const first = view.getInt32(left, true) ^ view.getInt32(right, true)
  if (length <= 4) return first << (8 * (4 - length)) === 0
  if (first !== 0) return false
  for (let at = 4; at + 4 < length; at += 4) if (view.getInt32(left + at, true) !== view.getInt32(right + at, true)) return false
  return view.getInt32(left + length - 4, true) === view.getInt32(right + length - 4, true)
}

function isSpace(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false
  }
  return true
}

/** Past the reference at `at` (its `&`) if it is one of the five or of a character, else unusual. */
function referenceEnd(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case 0x23: // #
      return characterReferenceEnd(bytes, at + 2)
    case 0x61: // a
      if (bytes[at + 2] === 0x6d) return bytes[at + 3] === 0x70 && bytes[at + 4] === 0x3b ? at + 5 : unusual // amp
      return bytes[at + 2] === 0x70 && bytes[at + 3] === 0x6f && bytes[at + 4] === 0x73 && bytes[at + 5] === 0x3b
        ? at + 6 // apos
        : unusual
    case 0x6c: // lt
    case 0x67: // gt
      return bytes[at + 2] === 0x74 && bytes[at + 3] === 0x3b ? at + 4 : unusual
    case 0x71: // quot
      return bytes[at + 2] === 0x75 && bytes[at + 3] === 0x6f && bytes[at + 4] === 0x74 && bytes[at + 5] === 0x3b
        ? at + 6
        : unusual
    default:
      return unusual
  }
}

/** Past the `;` of `13;` or `xd;`; numbers of more than 7 digits are left to sax. */
function characterReferenceEnd(bytes: Uint8Array, from: number): number {
  const isHex = bytes[from] === 0x78
  const start = isHex ? from + 1 : from
  let code = 0
  let at = start
  for (; at < start + 8; at++) {
    const digit = digitOf(bytes[at] ?? 0)
    if (digit < 0 || (!isHex && digit > 9)) break
    code = isHex ? 16 * code + digit : 10 * code + digit
  }
  return at > start && bytes[at] === 0x3b && isCharacter(code) ? at + 1 : unusual
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** The Char production of XML 1.0, §2.2. */
function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}
