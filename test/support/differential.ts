/**
 * Holds the scanner against sax: the same document read by both must give the same rows, rejections, census and failure,
 * however the document is cut into chunks and slices.
 */
import type { CensusLine } from '../../src/discogs/census.ts'
import { CensusTotals, type SymbolPath, symbolPath } from '../../src/discogs/census.ts'
import type { Dump } from '../../src/discogs/dataset.ts'
import { type ColumnKind, createColumn } from '../../src/parquet/columns.ts'
import { appendPacked, BlockPool, ColumnPile, loadImage, packColumns } from '../../src/parquet/packed-columns.ts'
import { type SliceFindings, SliceReader } from '../../src/tasks/ingest/slice-reader.ts'
import { paddingBytes } from '../../src/xml/record-scanner.ts'
import { type Slice, slicesOf } from '../../src/xml/slices.ts'

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
  readonly #reader: SliceReader
  readonly #paths: SymbolPath[] = []
  readonly #pool = new BlockPool()
  readonly #memory = new SharedArrayBuffer(1 << 20)

  constructor(dump: Dump, useScanner: boolean) {
    this.#dump = dump
    this.#reader = new SliceReader(dump, { useScanner })
  }

  async read(xml: Buffer, cutting: Cutting = whole): Promise<Reading> {
    const columns = this.#reader.datasets.flatMap((dataset) => dataset.columns)
    const piles = columns.map(() => new ColumnPile(this.#pool))
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
      appendPacked(piles, packColumns(columns, this.#memory))
      if (slice.isLast) break
    }
    const images = piles.map((pile, index) => contentOf(pile, columns[index]?.kind ?? 'INT', this.#memory))
    return { records, unusual, rejected, census: census.lines(), failure, columns: failure === null ? images : [] }
  }

  /** Slices as they are read, the unfinished end of one joined to the next. */
  async *#slices(xml: Buffer, cutting: Cutting): AsyncGenerator<{ slice: Slice; findings: SliceFindings }> {
    const slices = slicesOf(chunksOf(xml, cutting.chunkBytes), { record: this.#dump.record, sliceBytes: cutting.sliceBytes })
    let rest: Slice | null = null
    for await (const next of slices) {
      const slice: Slice = rest === null ? next : joined(rest, next)
      rest = null
      this.#reader.reset()
      const findings = this.#reader.read(slice)
      yield { slice, findings }
      if (findings.unfinishedFrom !== -1) rest = endOf(slice, findings.unfinishedFrom)
    }
  }

  #count(census: CensusTotals): void {
    const { symbols, counts, strayTexts } = this.#reader
    for (let symbol = 0; symbol < symbols.size; symbol++) {
      const count = counts[symbol] ?? 0
      const stray = strayTexts[symbol] ?? 0
      if (count === 0 && stray === 0) continue
      const { path, status, textPath, textStatus } = (this.#paths[symbol] ??= symbolPath(this.#dump, symbols, symbol))
      if (count > 0) census.add({ path, status, count })
      if (stray > 0) census.add({ path: textPath, status: textStatus, count: stray })
    }
  }
}

/** Rows, NULLs, values and gaps, the gaps of adjoining slices made one. */
function contentOf(pile: ColumnPile, type: ColumnKind, scratch: SharedArrayBuffer): readonly unknown[] {
  const column = createColumn({ type, nullable: true })
  loadImage(column, pile.image())
  pile.release()
  const { memory, header } = packColumns([column], scratch)
  const [rows, nulls, bytes = 0] = header
  const values = Buffer.from(memory, 0, bytes).toString('latin1')
  return [rows, nulls, values, column.gaps.subarray(0, column.gapsLength).join()]
}

async function* chunksOf(xml: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < xml.length; at += chunkBytes) yield xml.subarray(at, at + chunkBytes)
}

function endOf(slice: Slice, from: number): Slice {
  const length = slice.length - from
  const bytes = Buffer.alloc(length + paddingBytes)
  slice.bytes.copy(bytes, 0, from, slice.length)
  return { offset: slice.offset + from, bytes, length, isFirst: slice.isFirst && from === 0, isLast: slice.isLast }
}

function joined(left: Slice, right: Slice): Slice {
  const length = left.length + right.length
  const bytes = Buffer.alloc(length + paddingBytes)
  left.bytes.copy(bytes, 0, 0, left.length)
  right.bytes.copy(bytes, left.length, 0, right.length)
  return { offset: left.offset, bytes, length, isFirst: left.isFirst, isLast: right.isLast }
}
