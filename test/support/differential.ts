/**
 * Holds the scanner against sax: the same document read by both must give the same rows, rejections, census and failure,
 * however the document is cut into chunks and slices.
 */
import type { CensusLine } from '../../src/discogs/census.ts'
import { CensusTotals, type SymbolPath, SymbolTotals, symbolPath } from '../../src/discogs/census.ts'
import type { Dump } from '../../src/discogs/dataset.ts'
import { storedTables } from '../../src/discogs/record-hashes.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { type Column, ColumnSet } from '../../src/parquet/columns.ts'
import { PileSet } from '../../src/parquet/piles.ts'
import { RowBatch } from '../../src/tasks/ingest/row-batch.ts'
import { type SliceFindings, SliceReader } from '../../src/tasks/ingest/slice-reader.ts'
import { paddingBytes, type Slice, slicesOf } from '../../src/xml/slices.ts'

/** Everything that reading a document gives. */
export interface Reading {
  readonly records: number
  /** Records that sax read. */
  readonly unusual: number
  readonly rejected: readonly unknown[]
  readonly census: readonly CensusLine[]
  readonly failure: SliceFindings['failure']
  /** Of each dataset, of each column: rows, NULLs, values, gaps. */
  readonly columns: readonly (readonly unknown[])[]
}

export interface Cutting {
  readonly sliceBytes: number
  readonly chunkBytes: number
}

const whole: Cutting = { sliceBytes: 1 << 18, chunkBytes: 1 << 18 }

/** Reads many documents of one dump with one engine. */
export class Engine {
  readonly #dump: Dump
  readonly #kernel = new Kernel()
  readonly #reader: SliceReader
  readonly #paths: SymbolPath[] = []
  /** Of one slice. */
  readonly #batch: RowBatch
  /** To look at piles in. */
  readonly #columns: ColumnSet

  constructor(dump: Dump, useScanner: boolean) {
    this.#dump = dump
    this.#reader = new SliceReader(this.#kernel, dump, { useScanner })
    this.#batch = new RowBatch(this.#kernel, storedTables(dump))
    this.#columns = new ColumnSet(
      this.#kernel,
      storedTables(dump).flatMap(({ columns }) => columns),
    )
  }

  async read(xml: Buffer, cutting: Cutting = whole): Promise<Reading> {
    // All slices' rows, piled up as an ingest does.
    using piles = new PileSet(
      this.#kernel,
      storedTables(this.#dump).flatMap(({ columns }) => columns),
    )
    const census = new CensusTotals()
    const rejected: unknown[] = []
    let records = 0
    let unusual = 0
    let failure: SliceFindings['failure'] = null
    for await (const { slice, findings } of this.#slices(xml, cutting)) {
      for (const { record, bytes, ...rest } of findings.rejected)
        rejected.push({ record: records + record, raw: bytes.toString('latin1'), ...rest })
      records += findings.records
      unusual += findings.unusual
      for (const line of findings.census) census.add(line)
      this.#count(census)
      failure = findings.failure
      if (failure !== null) break
      piles.append(this.#batch.datasets.flatMap(({ columns }) => columns))
      if (slice.isLast) break
    }
    const images = piles.addresses.map((pile, index) => this.#contentOf(pile, index))
    return { records, unusual, rejected, census: census.lines(), failure, columns: failure === null ? images : [] }
  }

  /** Slices as they are read, the unfinished end of one joined to the next. */
  async *#slices(xml: Buffer, cutting: Cutting): AsyncGenerator<{ slice: Slice; findings: SliceFindings }> {
    const slices = slicesOf(chunksOf(xml, cutting.chunkBytes), {
      root: this.#dump.root,
      record: this.#dump.record,
      sliceBytes: cutting.sliceBytes,
      allocate: (size) => this.#allocate(size),
      free: (bytes) => this.#free(bytes),
    })
    let rest: Slice | null = null
    for await (const next of slices) {
      const slice: Slice = rest === null ? next : this.#joined(rest, next)
      rest = null
      this.#batch.reset()
      const findings = this.#reader.read(slice, this.#batch)
      try {
        yield { slice, findings }
      } finally {
        // Also when nobody wants more.
        if (findings.unfinishedFrom !== -1 && !slice.isLast) rest = endOf(slice, findings.unfinishedFrom)
        this.#free(slice.bytes)
      }
    }
  }

  #allocate(size: number): Buffer {
    return this.#kernel.bytes(this.#kernel.exports.allocate(size), size)
  }

  #free(bytes: Buffer): void {
    this.#kernel.exports.free(bytes.byteOffset)
  }

  #contentOf(pile: number, index: number): readonly unknown[] {
    const column = this.#columns.columns[index]
    if (column === undefined) throw new Error('more piles than columns')
    const { exports } = this.#kernel
    exports.loadPile(column.address, pile)
    const content = contentOf(column)
    exports.unloadPile(column.address)
    return content
  }

  #count(census: CensusTotals): void {
    const { symbols } = this.#reader
    while (this.#paths.length < symbols.size) this.#paths.push(symbolPath(this.#dump, symbols, this.#paths.length))
    const totals = new SymbolTotals()
    totals.learn(this.#paths)
    const { elements, strayTexts } = this.#reader.takeCounts()
    totals.add(elements, strayTexts)
    for (const line of totals.lines()) census.add(line)
  }

  #joined(left: Slice, right: Slice): Slice {
    const length = left.length + right.length
    const bytes = this.#allocate(length + paddingBytes)
    left.bytes.copy(bytes, 0, 0, left.length)
    right.bytes.copy(bytes, left.length, 0, right.length)
    this.#free(right.bytes)
    const { isLast, isRootless } = right
    return { offset: left.offset, bytes, length, isFirst: left.isFirst, isLast, isRootless }
  }
}

/** Rows, NULLs, values and gaps, the gaps of adjoining slices made one. */
function contentOf({ rows, nulls, data, gaps }: Column): readonly unknown[] {
  const joined: number[] = []
  for (let at = 0; at < gaps.length; at += 2) {
    const [row = 0, count = 0] = gaps.subarray(at, at + 2)
    const last = joined.length - 2
    if (last >= 0 && (joined[last] ?? 0) + (joined[last + 1] ?? 0) === row) joined[last + 1] = (joined[last + 1] ?? 0) + count
    else joined.push(row, count)
  }
  return [rows, nulls, data.toString('latin1'), joined.join()]
}

async function* chunksOf(xml: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < xml.length; at += chunkBytes) yield xml.subarray(at, at + chunkBytes)
}

function endOf(slice: Slice, from: number): Slice {
  const length = slice.length - from
  const bytes = Buffer.alloc(length + paddingBytes)
  slice.bytes.copy(bytes, 0, from, slice.length)
  return { ...slice, offset: slice.offset + from, bytes, length, isFirst: slice.isFirst && from === 0 }
}
