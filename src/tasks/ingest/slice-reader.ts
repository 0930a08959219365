/**
 * Reads a slice of a dump into column buffers. Every record goes to the scanner first; what it does not take goes to the
 * splitter and sax, which also decide what is malformed.
 */
import { isUtf8 } from 'node:buffer'
import { createRequire } from 'node:module'
import { Census, type CensusLine } from '../../discogs/census.ts'
import type { Dump } from '../../discogs/dataset.ts'
import { recordIdOf } from '../../discogs/extract.ts'
import { referenceRows } from '../../discogs/reference-rows.ts'
import { rowPlan, symbolTree } from '../../discogs/row-plan.ts'
import { writeProgram } from '../../discogs/row-program.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Element } from '../../xml/element.ts'
import { skipSpace } from '../../xml/markup.ts'
import type * as ParseElement from '../../xml/parse-element.ts'
import { type Piece, RecordSplitter } from '../../xml/record-splitter.ts'
import { paddingBytes, type Slice } from '../../xml/slices.ts'
import { SymbolTable } from '../../xml/symbols.ts'
import { XmlError } from '../../xml/xml-error.ts'
import type { RejectedRecord } from './quarantine.ts'
import type { RowBatch } from './row-batch.ts'

/** What was found in a slice, besides the rows. */
export interface SliceFindings {
  /** Records met, the rejected ones included. */
  readonly records: number
  /** Records that sax read. */
  readonly unusual: number
  /** `record` counts from 1 in the slice. */
  readonly rejected: readonly RejectedRecord[]
  /** Of the records that sax read, and of stray text; those of the others are counted by symbol. */
  readonly census: readonly CensusLine[]
  /** From here on the slice means nothing without the next one; -1 when it is complete. */
  readonly unfinishedFrom: number
  /** Why the document, not just a record, is malformed; the offset is that in the XML. */
  readonly failure: { readonly reason: string; readonly offset: number } | null
}

/** By symbol. */
export interface SymbolCounts {
  /** How often the element or attribute came. */
  readonly elements: Int32Array
  /** How often it had text that no column takes. */
  readonly strayTexts: Int32Array
}

export interface SliceReaderOptions {
  /** False leaves every record to sax: the reference that the tests hold this against. */
  readonly useScanner?: boolean
}

/** Loaded when the first record needs it: most dumps have none. */
let parser: typeof ParseElement | null = null

export class SliceReader {
  readonly symbols: SymbolTable
  readonly #kernel: Kernel
  readonly #dump: Dump
  readonly #useScanner: boolean
  /** Made for the batch at hand when a record needs it. */
  #putReference: ((element: Element, id: bigint) => void) | null = null
  // Of the slice at hand.
  #slice: Slice = { offset: 0, bytes: Buffer.alloc(0), length: 0, isFirst: true, isLast: true, isRootless: false }
  #batch: RowBatch | null = null
  #records = 0
  #maxRecords = Number.POSITIVE_INFINITY
  #unusual = 0
  #rejected: RejectedRecord[] = []
  #census: Census | null = null

  constructor(kernel: Kernel, dump: Dump, { useScanner = true }: SliceReaderOptions = {}) {
    this.#kernel = kernel
    this.#dump = dump
    this.#useScanner = useScanner
    this.symbols = new SymbolTable(kernel, symbolTree(dump))
    kernel.exports.prepareScan()
    kernel.exports.prepareMap(writeProgram(kernel, rowPlan(dump, this.symbols)))
  }

  /** What the scanner has met since this was asked the last time. */
  takeCounts(): SymbolCounts {
    const { exports } = this.#kernel
    return { elements: this.#taken(exports.countsAddress()), strayTexts: this.#taken(exports.strayTextsAddress()) }
  }

  /**
   * Puts the rows of a slice into a batch.
   * @param slice its bytes lie in the kernel's memory
   * @param batch of {@link storedTables}, empty or with the rows of the slices before
   * @param maxRecords nothing behind so many records is looked at
   */
  read(slice: Slice, batch: RowBatch, maxRecords = Number.POSITIVE_INFINITY): SliceFindings {
    this.#maxRecords = maxRecords
    batch.use()
    this.#batch = batch
    this.#putReference = null
    this.#slice = slice
    this.#records = 0
    this.#unusual = 0
    this.#rejected = []
    this.#census = null
    finishWithPadding(slice)
    const end = this.#readAll()
    batch.pad()
    return {
      records: this.#records,
      unusual: this.#unusual,
      rejected: this.#rejected,
      census: (this.#census as Census | null)?.lines() ?? [],
      ...end,
    }
  }

  #readAll(): Pick<SliceFindings, 'unfinishedFrom' | 'failure'> {
    try {
      return { unfinishedFrom: this.#readFrom(this.#slice.isFirst ? this.#readProlog() : 0), failure: null }
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      return { unfinishedFrom: -1, failure: { reason: error.message, offset: error.offset } }
    }
  }

  /** @returns where the records begin, -1 when the slice ends before that */
  #readProlog(): number {
    const { bytes, length, isLast } = this.#slice
    const splitter = new RecordSplitter(this.#dump)
    if (splitter.readProlog(bytes.subarray(0, length))) return splitter.offset
    if (isLast) for (const piece of splitter.end()) throw new Error(`a prolog has no ${piece.kind}`)
    return -1
  }

  #readFrom(start: number): number {
    if (start === -1) return 0
    const { bytes, length, isLast } = this.#slice
    const isSound = this.#maxRecords === Number.POSITIVE_INFINITY && isUtf8(bytes.subarray(0, length))
    let at = start
    for (;;) {
      if (this.#useScanner) at = isSound ? this.#scanMany(at) : this.#scanSound(at)
      if (this.#records >= this.#maxRecords) return -1
      at = skipSpace(bytes, at, length)
      if (at === length) break
      const resumed = this.#readPiece(at)
      if (resumed === -1) return isLast ? this.#readEnd(at) : at
      at = resumed
    }
    return isLast ? this.#readEnd(at) : -1
  }

  /** Reads the records from `at` on that are for the scanner. @returns the offset of the first that is not, or of the end */
  #scanMany(at: number): number {
    const { exports } = this.#kernel
    const { byteOffset } = this.#slice.bytes
    const next = exports.readRecords(byteOffset + at, byteOffset + this.#slice.length) >>> 0
    this.#records += exports.recordCount()
    return next - byteOffset
  }

  /** As {@link #scanMany}, record by record: in a slice that is not all UTF-8 only those that are, and no more than wanted. */
  #scanSound(from: number): number {
    const { exports } = this.#kernel
    const { bytes, length } = this.#slice
    for (let at = from; ; ) {
      at = skipSpace(bytes, at, length)
      if (at === length || this.#records >= this.#maxRecords) return at
      const next = (exports.scan(bytes.byteOffset + at) >>> 0) - bytes.byteOffset
      if (next < 0 || next > length || !isUtf8(bytes.subarray(at, next)) || exports.mapRecord() === 0) return at
      this.#records++
      at = next
    }
  }

  /** Reads what stands at `from` with the splitter. @returns where it ends, -1 when it does not in this slice */
  #readPiece(from: number): number {
    const { bytes, length, offset, isRootless } = this.#slice
    const splitter = new RecordSplitter({ ...this.#dump, from: offset + from, isRootless })
    for (const piece of splitter.push(bytes.subarray(from, length))) {
      this.#take(piece)
      return splitter.offset - offset
    }
    return -1
  }

  /** Reads what is left of the document. */
  #readEnd(from: number): number {
    const { bytes, length, offset, isRootless } = this.#slice
    const splitter = new RecordSplitter({ ...this.#dump, from: offset + from, isRootless })
    for (const piece of splitter.push(bytes.subarray(from, length))) this.#take(piece)
    for (const piece of splitter.end()) this.#take(piece)
    return -1
  }

  #take(piece: Piece): void {
    if (this.#records >= this.#maxRecords) return
    if (piece.kind === 'stray-text') {
      this.#slowCensus().countStrayText()
      return
    }
    const isRecord = piece.kind === 'rejected' || piece.name === this.#dump.record
    if (isRecord) this.#records++
    if (piece.kind === 'rejected') {
      this.#reject(piece)
      return
    }
    this.#unusual++
    const element = this.#parse(piece)
    if (element === null) return
    const id = isRecord ? recordIdOf(this.#dump, element) : null
    if (isRecord && id === null) this.#reject({ ...piece, reason: 'no valid id', errorOffset: piece.offset })
    else this.#slowCensus().count(element)
    if (id === null || this.#batch === null) return
    this.#putReference ??= referenceRows(this.#dump, this.#batch.datasets.slice(0, this.#dump.datasets.length))
    this.#kernel.exports.beginRecord()
    this.#putReference(element, id)
    this.#kernel.exports.endRecord(id)
  }

  #parse(piece: Extract<Piece, { kind: 'record' }>): Element | null {
    parser ??= createRequire(import.meta.url)('../../xml/parse-element.ts') as typeof ParseElement
    try {
      return parser.parseElement(piece.bytes)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.#reject({ ...piece, reason: error.message, errorOffset: piece.offset + error.offset })
      return null
    }
  }

  #reject({ offset, bytes, reason, errorOffset }: Omit<RejectedRecord, 'record'>): void {
    this.#rejected.push({ record: this.#records, offset, bytes: Buffer.from(bytes), reason, errorOffset })
  }

  /** The numbers of all symbols, which begin at 0 again. */
  #taken(address: number): Int32Array {
    const numbers = this.#kernel.int32(address >>> 0, this.symbols.size)
    const taken = Int32Array.from(numbers)
    numbers.fill(0)
    return taken
  }

  #slowCensus(): Census {
    this.#census ??= new Census(this.#dump)
    return this.#census
  }
}

/** Searches end at the padding, whatever they look for. */
function finishWithPadding({ bytes, length }: Slice): void {
  bytes.fill(0, length, length + paddingBytes).write('<"&\r', length, 'latin1')
}
