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
import { type DatasetRows, RowMapper } from '../../discogs/row-mapper.ts'
import { rowPlan, symbolTree } from '../../discogs/row-plan.ts'
import { createColumn } from '../../parquet/columns.ts'
import type { Element } from '../../xml/element.ts'
import { skipSpace } from '../../xml/markup.ts'
import type * as ParseElement from '../../xml/parse-element.ts'
import { RecordScanner, unusual } from '../../xml/record-scanner.ts'
import { type Piece, RecordSplitter } from '../../xml/record-splitter.ts'
import type { Slice } from '../../xml/slices.ts'
import { maxSymbols, type SymbolTable } from '../../xml/symbols.ts'
import { Unescaper } from '../../xml/unescape.ts'
import { XmlError } from '../../xml/xml-error.ts'
import type { RejectedRecord } from './quarantine.ts'

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

export interface SliceReaderOptions {
  /** False leaves every record to sax: the reference that the tests hold this against. */
  readonly useScanner?: boolean
}

/** Loaded when the first record needs it: most dumps have none. */
let parser: typeof ParseElement | null = null

export class SliceReader {
  /** The rows read since {@link reset}, by dataset. */
  readonly datasets: readonly DatasetRows[]
  /** How often each symbol came, and with text that no column takes, since {@link reset}. */
  readonly counts: Int32Array
  readonly strayTexts: Int32Array
  readonly symbols: SymbolTable
  readonly #dump: Dump
  readonly #useScanner: boolean
  readonly #scanner: RecordScanner
  readonly #mapper: RowMapper
  readonly #putReference: (element: Element, id: bigint) => void
  // Of the slice at hand.
  #slice: Slice = { offset: 0, bytes: Buffer.alloc(0), length: 0, isFirst: true, isLast: true }
  #records = 0
  #unusual = 0
  #rejected: RejectedRecord[] = []
  #census: Census | null = null

  constructor(dump: Dump, { useScanner = true }: SliceReaderOptions = {}) {
    this.#dump = dump
    this.#useScanner = useScanner
    this.#scanner = new RecordScanner(symbolTree(dump))
    this.symbols = this.#scanner.symbols
    this.datasets = dump.datasets.map(({ columns }) => ({ columns: columns.map(createColumn), rows: 0 }))
    const plan = rowPlan(
      dump,
      this.symbols,
      this.datasets.map(({ columns }) => columns),
    )
    this.#mapper = new RowMapper(plan, this.datasets, new Unescaper(), maxSymbols)
    this.counts = this.#mapper.counts
    this.strayTexts = this.#mapper.strayTexts
    this.#putReference = referenceRows(dump, this.datasets)
  }

  /** Forgets all rows and counts. */
  reset(): void {
    for (const dataset of this.datasets) {
      dataset.rows = 0
      for (const column of dataset.columns) column.reset()
    }
    this.counts.fill(0, 0, this.symbols.size)
    this.strayTexts.fill(0, 0, this.symbols.size)
  }

  /** Appends the rows of a slice. */
  read(slice: Slice): SliceFindings {
    this.#slice = slice
    this.#records = 0
    this.#unusual = 0
    this.#rejected = []
    this.#census = null
    this.#scanner.start(slice.bytes, slice.length)
    const end = this.#readAll()
    for (const { columns, rows } of this.datasets) for (const column of columns) column.pad(rows)
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
    const whole = bytes.subarray(0, length)
    const isSound = isUtf8(whole)
    let at = start
    for (;;) {
      at = skipSpace(bytes, at, length)
      if (at === length) break
      const next = this.#useScanner ? this.#scanner.scan(at) : unusual
      if (next !== unusual && (isSound || isUtf8(whole.subarray(at, next))) && this.#map()) {
        this.#records++
        at = next
        continue
      }
      const resumed = this.#readPiece(at)
      if (resumed === -1) return isLast ? this.#readEnd(at) : at
      at = resumed
    }
    return isLast ? this.#readEnd(at) : -1
  }

  #map(): boolean {
    return this.#mapper.append(this.#scanner.tape, this.#scanner.tapeLength, this.#slice.bytes)
  }

  /** Reads what stands at `from` with the splitter. @returns where it ends, -1 when it does not in this slice */
  #readPiece(from: number): number {
    const { bytes, length, offset } = this.#slice
    const splitter = new RecordSplitter({ ...this.#dump, from: offset + from })
    for (const piece of splitter.push(bytes.subarray(from, length))) {
      this.#take(piece)
      return splitter.offset - offset
    }
    return -1
  }

  /** Reads what is left of the document. */
  #readEnd(from: number): number {
    const { bytes, length, offset } = this.#slice
    const splitter = new RecordSplitter({ ...this.#dump, from: offset + from })
    for (const piece of splitter.push(bytes.subarray(from, length))) this.#take(piece)
    for (const piece of splitter.end()) this.#take(piece)
    return -1
  }

  #take(piece: Piece): void {
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
    if (id !== null) this.#putReference(element, id)
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

  #slowCensus(): Census {
    this.#census ??= new Census(this.#dump)
    return this.#census
  }
}
