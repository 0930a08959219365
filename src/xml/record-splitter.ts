/**
 * Cuts an XML document into its records: the element children of the root. Markup is checked on the way as strictly
 * as XML 1.0 asks, so what leaves here as a record is well-formed but for its UTF-8, which the reader of it checks.
 * A document may also be rootless: it begins with its first record and ends with its last one.
 *
 * The splitter walks token by token. While a record is open, `#names` holds where the names of its open elements
 * stand in the buffer; the record ends when that stack is empty: depth, not tag name, ends a record.
 */
import { isUtf8 } from 'node:buffer'
import {
  checkReferences,
  incomplete,
  isSpace,
  readCdata,
  readComment,
  readDoctype,
  readEndTag,
  readInstruction,
  readName,
  readStartTag,
  skipSpace,
} from './markup.ts'
import { RecordBuffer } from './record-buffer.ts'
import { XmlError } from './xml-error.ts'

/** An element child of the root. `bytes` are valid until the splitter is asked for the next piece. */
export interface RecordPiece {
  readonly kind: 'record'
  /** Name of the element; anything but the record's name is an element nobody expects here. */
  readonly name: string
  /** Byte offset in the inflated XML. */
  readonly offset: number
  readonly bytes: Buffer
}

/** Malformed markup inside the root, up to the place where records go on. */
export interface RejectedPiece {
  readonly kind: 'rejected'
  readonly offset: number
  readonly bytes: Buffer
  readonly reason: string
  /** Byte offset in the XML of what is wrong. */
  readonly errorOffset: number
}

/** Text directly inside the root, between records: legal, but nobody takes it. */
export interface StrayTextPiece {
  readonly kind: 'stray-text'
  readonly offset: number
}

export type Piece = RecordPiece | RejectedPiece | StrayTextPiece

export interface SplitterOptions {
  readonly root: string
  readonly record: string
  /** Bytes one record may have before it is taken for an unclosed one. Default 512 MiB. */
  readonly maxRecordBytes?: number
  /** Where in the XML to start, between two records; without it, at the beginning of the document. */
  readonly from?: number
  /** With `from`: whether the document has no root element. */
  readonly isRootless?: boolean
}

type Phase = 'prolog' | 'content' | 'record' | 'resync' | 'epilog'

/** A record that began and has not ended yet. */
interface OpenRecord {
  start: number
  name: string
  /** Index and end of the names of open elements, flat: start, end, start, end … */
  readonly names: number[]
}

const lt = 0x3c

export class RecordSplitter {
  readonly #buffer: RecordBuffer
  readonly #root: Buffer
  readonly #recordEnd: Buffer
  readonly #record: string
  readonly #rootName: string
  readonly #maxRecordBytes: number
  #phase: Phase = 'prolog'
  #at = 0
  #open: OpenRecord = { start: 0, name: '', names: [] }
  #rejection: { reason: string; offset: number } | null = null
  #resyncFrom = 0
  #sawDoctype = false
  #sawByteOrderMark = false
  #elements = 0
  #isRootless: boolean

  constructor(options: SplitterOptions) {
    this.#rootName = options.root
    this.#record = options.record
    this.#root = Buffer.from(options.root)
    this.#recordEnd = Buffer.from(`</${options.record}`)
    this.#maxRecordBytes = options.maxRecordBytes ?? 512 * 1024 * 1024
    this.#isRootless = options.isRootless ?? false
    if (options.from !== undefined) {
      this.#phase = 'content'
      this.#elements = 1 // Those before.
    }
    this.#buffer = new RecordBuffer(options.from)
  }

  /** Reads what comes before the first record. @returns whether all of it has come */
  readProlog(chunk: Buffer): boolean {
    this.#shift(this.#buffer.append(chunk))
    while (this.#phase === 'prolog') {
      const before = this.#at
      this.#step(false)
      if (this.#at === before && this.#phase === 'prolog') return false
    }
    return true
  }

  /**
   * The pieces that are complete once `chunk` has come.
   * @throws XmlError when the document, not just a record, is malformed
   */
  *push(chunk: Buffer): Generator<Piece> {
    if (this.#buffer.length > this.#maxRecordBytes) {
      throw new XmlError(
        `a record, or markup between records, longer than ${this.#maxRecordBytes} bytes`,
        this.#buffer.offsetOf(this.#buffer.start),
      )
    }
    this.#shift(this.#buffer.append(chunk))
    yield* this.#pieces(false)
  }

  /** The last pieces; throws when the document is not complete. */
  *end(): Generator<Piece> {
    yield* this.#pieces(true)
    const { offset } = this
    if (this.#phase === 'prolog') {
      throw new XmlError(
        offset === 0 && this.#buffer.length === 0 ? 'the XML is empty' : `there is no root element <${this.#rootName}>`,
        offset,
      )
    }
    if (this.#phase === 'record') {
      throw new XmlError('the XML ends inside a record', this.#buffer.offsetOf(this.#open.start))
    }
    if (this.#isRootless) {
      if (this.#at < this.#buffer.end) throw new XmlError('text or unfinished markup after the last record', offset)
      return
    }
    if (this.#phase !== 'epilog') throw new XmlError(`the XML ends without </${this.#rootName}>`, offset)
    if (this.#at < this.#buffer.end) throw new XmlError('the XML ends inside a comment or processing instruction', offset)
    if (this.#elements === 0) throw new XmlError('the XML holds no record', offset)
  }

  /** Whether the document begins with a record instead of a root element. Known once the prolog has been read. */
  get isRootless(): boolean {
    return this.#isRootless
  }

  /** Byte offset in the XML of the next token. */
  get offset(): number {
    return this.#buffer.offsetOf(this.#at)
  }

  #shift(moved: number): void {
    this.#at -= moved
    this.#resyncFrom -= moved
    this.#open.start -= moved
    for (let i = 0; i < this.#open.names.length; i++) this.#open.names[i] = (this.#open.names[i] ?? 0) - moved
  }

  *#pieces(final: boolean): Generator<Piece> {
    for (;;) {
      const before = this.#at
      const phase = this.#phase
      const piece = this.#step(final)
      if (piece !== null) yield piece
      else if (this.#at === before && this.#phase === phase) return
      if (this.#phase !== 'record' && this.#phase !== 'resync') this.#buffer.consume(this.#at)
    }
  }

  /** One token. Nothing moves when more bytes must come first. */
  #step(final: boolean): Piece | null {
    try {
      if (this.#phase === 'prolog') return this.#prolog()
      if (this.#phase === 'content') return this.#content()
      if (this.#phase === 'record') return this.#inRecord()
      if (this.#phase === 'resync') return this.#resync(final)
      return this.#epilog()
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      const located = new XmlError(error.message, this.#buffer.offsetOf(error.offset))
      if (error.fatal || (this.#phase !== 'content' && this.#phase !== 'record')) throw located
      this.#reject(located)
      return null
    }
  }

  #reject(error: XmlError): void {
    if (this.#phase === 'content') this.#open = { start: this.#at, name: '', names: [] }
    this.#rejection = { reason: error.message, offset: error.offset }
    this.#resyncFrom = this.#open.start
    this.#phase = 'resync'
  }

  #move(next: number): null {
    if (next !== incomplete) this.#at = next
    return null
  }

  /** Comments and processing instructions, which may stand between anything; null when `at` is neither. */
  #misc(): number | null {
    const { bytes, end } = this.#buffer
    const at = this.#at
    if (bytes[at + 1] === 0x3f) {
      const next = readInstruction(bytes, at, end)
      if (next !== incomplete) this.#checkInstruction(at, next)
      return next
    }
    if (bytes[at + 1] !== 0x21) return null
    if (end - at < 4) return incomplete
    return bytes[at + 2] === 0x2d && bytes[at + 3] === 0x2d ? readComment(bytes, at, end) : null
  }

  #checkInstruction(at: number, next: number): void {
    const text = this.#buffer.bytes.toString('latin1', at, next)
    if (!/^<\?xml[\s?]/i.test(text)) return
    if (this.#phase !== 'prolog') throw new XmlError('an XML declaration after the start of the document', at)
    const encoding = /\sencoding\s*=\s*["']([^"']*)["']/.exec(text)?.[1]
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) throw new XmlError(`the encoding is ${encoding}, not UTF-8`, at)
  }

  /** Moves over markup outside records; it must be UTF-8 like everything else. */
  #moveOutside(next: number): null {
    if (next === incomplete) return null
    if (!isUtf8(this.#buffer.bytes.subarray(this.#at, next))) throw new XmlError('not UTF-8', this.#at, true)
    return this.#move(next)
  }

  #prolog(): null {
    const { bytes, end } = this.#buffer
    if (!this.#sawByteOrderMark) {
      if (end - this.#at < 3) return null
      this.#sawByteOrderMark = true
      if (bytes[this.#at] === 0xef && bytes[this.#at + 1] === 0xbb && bytes[this.#at + 2] === 0xbf)
        return this.#move(this.#at + 3)
      if (bytes[this.#at] === 0xfe || bytes[this.#at] === 0xff) throw new XmlError('the encoding is UTF-16, not UTF-8', this.#at)
    }
    const at = this.#skipSpace()
    if (at + 1 >= end) return null
    if (bytes[at] !== lt) throw new XmlError(`text before the root element <${this.#rootName}>`, at)
    const misc = this.#misc()
    if (misc !== null) return this.#moveOutside(misc)
    if (bytes[at + 1] === 0x21) return this.#doctype()
    return this.#rootStart()
  }

  #skipSpace(): number {
    this.#at = skipSpace(this.#buffer.bytes, this.#at, this.#buffer.end)
    return this.#at
  }

  #doctype(): null {
    const { bytes, end } = this.#buffer
    if (end - this.#at < 9) return null
    if (bytes.toString('latin1', this.#at, this.#at + 9) !== '<!DOCTYPE')
      throw new XmlError('unknown markup before the root element', this.#at)
    if (this.#sawDoctype) throw new XmlError('a second doctype', this.#at)
    const next = readDoctype(bytes, this.#at, end)
    if (next !== incomplete) this.#sawDoctype = true
    return this.#moveOutside(next)
  }

  #rootStart(): null {
    const { bytes, end } = this.#buffer
    const nameEnd = readName(bytes, this.#at + 1, end)
    if (nameEnd === incomplete) return null
    const name = bytes.toString('utf8', this.#at + 1, nameEnd)
    if (name === this.#record) {
      this.#isRootless = true
      this.#phase = 'content'
      return null
    }
    const tag = readStartTag(bytes, this.#at, end)
    if (tag === incomplete) return null
    if (name !== this.#rootName) throw new XmlError(`the root element is <${name}>, not <${this.#rootName}>`, this.#at)
    if (tag.empty) throw new XmlError(`the root element <${name}/> is empty: the XML holds no record`, this.#at)
    this.#moveOutside(tag.end)
    this.#phase = 'content'
    return null
  }

  /** Between records. */
  #content(): Piece | null {
    const { bytes, end } = this.#buffer
    const at = this.#skipSpace()
    if (at + 1 >= end && bytes[at] === lt) return null
    if (at >= end) return null
    if (bytes[at] !== lt) return this.#strayText()
    const second = bytes[at + 1]
    if (second === 0x2f) return this.#rootEnd()
    const misc = this.#misc()
    if (misc !== null) return this.#moveOutside(misc)
    if (second === 0x21) return this.#strayCdata()
    this.#open = { start: at, name: '', names: [] }
    this.#phase = 'record'
    return null
  }

  #strayText(): Piece | null {
    const { bytes, end } = this.#buffer
    const at = this.#at
    const next = bytes.indexOf(lt, at)
    if (next === -1 || next >= end) return null
    checkReferences(bytes, at, next)
    this.#moveOutside(next)
    return { kind: 'stray-text', offset: this.#buffer.offsetOf(at) }
  }

  #strayCdata(): Piece | null {
    const at = this.#at
    const next = this.#cdata()
    if (next === incomplete) return null
    this.#moveOutside(next)
    return { kind: 'stray-text', offset: this.#buffer.offsetOf(at) }
  }

  #cdata(): number {
    const { bytes, end } = this.#buffer
    if (end - this.#at < 9) return incomplete
    if (bytes.toString('latin1', this.#at, this.#at + 9) !== '<![CDATA[')
      throw new XmlError('unknown markup, or a doctype after the root began', this.#at)
    return readCdata(bytes, this.#at, end)
  }

  #rootEnd(): null {
    const { bytes } = this.#buffer
    const tag = readEndTag(bytes, this.#at, this.#buffer.end)
    if (tag === incomplete) return null
    const name = bytes.subarray(this.#at + 2, tag.nameEnd)
    if (this.#isRootless || !name.equals(this.#root))
      throw new XmlError(`an end tag </${name.toString()}> that nothing opened`, this.#at)
    this.#at = tag.end
    this.#phase = 'epilog'
    return null
  }

  /** Inside a record: tokens until its last element is closed. */
  #inRecord(): Piece | null {
    const { bytes, end } = this.#buffer
    const { names } = this.#open
    for (;;) {
      const at = this.#at
      const next = names.length === 0 || bytes[at] === lt ? this.#tag(at) : textEnd(bytes, at, end)
      if (next === incomplete) return null
      this.#at = next
      if (names.length === 0) return this.#closeRecord()
    }
  }

  /** Past the tag, comment, CDATA section or instruction at `at`; keeps the stack of open names. */
  #tag(at: number): number {
    const { bytes, end } = this.#buffer
    if (at + 1 >= end) return incomplete
    const second = bytes[at + 1]
    if (second === 0x2f) return this.#endTag(at)
    if (second === 0x21 || second === 0x3f) return this.#misc() ?? this.#cdata()
    const tag = readStartTag(bytes, at, end)
    if (tag === incomplete) return incomplete
    if (at === this.#open.start) this.#open.name = bytes.toString('utf8', at + 1, tag.nameEnd)
    if (!tag.empty) this.#open.names.push(at + 1, tag.nameEnd)
    return tag.end
  }

  #endTag(at: number): number {
    const { bytes, end } = this.#buffer
    const tag = readEndTag(bytes, at, end)
    if (tag === incomplete) return incomplete
    const { names } = this.#open
    const nameEnd = names.at(-1) ?? 0
    const nameStart = names.at(-2) ?? 0
    if (bytes.compare(bytes, nameStart, nameEnd, at + 2, tag.nameEnd) !== 0) {
      const found = bytes.toString('utf8', at + 2, tag.nameEnd)
      throw new XmlError(`</${found}> where </${bytes.toString('utf8', nameStart, nameEnd)}> was expected`, at)
    }
    names.length -= 2
    return tag.end
  }

  #closeRecord(): RecordPiece {
    const { bytes } = this.#buffer
    const { start, name } = this.#open
    this.#phase = 'content'
    if (name === this.#record) this.#elements++
    return { kind: 'record', name, offset: this.#buffer.offsetOf(start), bytes: bytes.subarray(start, this.#at) }
  }

  /** Looks for a record's end tag, white space and a record's start tag (or the root's end) after a malformed record. */
  #resync(final: boolean): Piece | null {
    const { bytes, end } = this.#buffer
    for (;;) {
      const close = bytes.indexOf(this.#recordEnd, this.#resyncFrom)
      if (close === -1 || close >= end) {
        this.#resyncFrom = Math.max(this.#resyncFrom, end - this.#recordEnd.length)
        return final ? this.#rejected(end) : null
      }
      const next = this.#resumesAt(close, final)
      if (next === incomplete) {
        this.#resyncFrom = close
        return final ? this.#rejected(end) : null
      }
      if (next !== null) return this.#rejected(next)
      this.#resyncFrom = close + this.#recordEnd.length
    }
  }

  /** Past the end tag at `close` if white space and a record's start tag or the root's end tag follow it. */
  #resumesAt(close: number, final: boolean): number | null {
    const { bytes, end } = this.#buffer
    const tagEnd = skipSpace(bytes, close + this.#recordEnd.length, end)
    if (tagEnd >= end) return incomplete
    if (bytes[tagEnd] !== 0x3e) return null
    const next = skipSpace(bytes, tagEnd + 1, end)
    const isLast = final && this.#isRootless
    if (isLast && next === end) return tagEnd + 1
    if (!isLast && end - next < this.#rootName.length + 3) return incomplete
    if (this.#startsWith(next, `</${this.#rootName}`)) return tagEnd + 1
    return next > tagEnd + 1 && this.#startsWith(next, `<${this.#record}`) ? tagEnd + 1 : null
  }

  /** Whether the tag `open` stands at `at`, not merely one whose name begins the same. */
  #startsWith(at: number, open: string): boolean {
    const { bytes, end } = this.#buffer
    if (at + open.length >= end) return false
    const after = bytes[at + open.length]
    return bytes.toString('latin1', at, at + open.length) === open && (isSpace(after) || after === 0x3e || after === 0x2f)
  }

  #rejected(next: number): RejectedPiece {
    const { start } = this.#open
    const rejection = this.#rejection ?? { reason: 'malformed', offset: this.#buffer.offsetOf(start) }
    this.#at = next
    this.#phase = 'content'
    this.#elements++
    return {
      kind: 'rejected',
      offset: this.#buffer.offsetOf(start),
      bytes: this.#buffer.bytes.subarray(start, next),
      reason: rejection.reason,
      errorOffset: rejection.offset,
    }
  }

  /** After the root. */
  #epilog(): null {
    const { bytes, end } = this.#buffer
    const at = this.#skipSpace()
    if (at >= end) return null
    if (bytes[at] !== lt) throw new XmlError(`text after </${this.#rootName}>`, at)
    if (at + 1 >= end) return null
    const misc = this.#misc()
    if (misc === null) throw new XmlError(`markup or a second root after </${this.#rootName}>`, at)
    return this.#moveOutside(misc)
  }
}

/** Past the text at `at`, as far as its references can be told. */
function textEnd(bytes: Buffer, at: number, end: number): number {
  let next = bytes.indexOf(lt, at)
  if (next === -1 || next >= end) next = end
  if (next === end) {
    // A reference may be cut by the end of the chunk: leave it for the next one.
    const cut = bytes.lastIndexOf(0x26, end - 1)
    const close = cut >= at && end - cut <= 64 ? bytes.indexOf(0x3b, cut) : 0
    if (close === -1 || close >= end) next = cut
    if (next === at) return incomplete
  }
  checkReferences(bytes, at, next)
  return next
}
