/**
 * Encodes a column buffer as the pages of a column chunk. Pure: the same column gives the same bytes in any thread, at
 * any time; nothing is kept but working memory.
 */
import { type AnyColumn, type BooleanColumn, TextColumn } from './columns.ts'
import { type Dictionary, numberDictionary, textDictionary } from './dictionary.ts'
import { type GapCursor, hybridBound, indexBits, writeHybrid, writeLevels } from './levels.ts'
import { Pages, type ValueEncoding } from './pages.ts'
import { type Bounds, boundsOf } from './statistics.ts'

export interface EncodeOptions {
  /** Uncompressed bytes of values in a data page, more only when one value is longer. Default 1 MiB. */
  readonly pageBytes?: number
  /** Default 1. */
  readonly zstdLevel?: number
}

/** One column chunk, ready to be written: plain data, `pages` may be transferred. */
export interface EncodedColumn {
  readonly kind: AnyColumn['kind']
  readonly required: boolean
  readonly rows: number
  readonly nullCount: number
  /** The dictionary page, if there is one, then the data pages. */
  readonly pages: Uint8Array<ArrayBuffer>
  /** 0 without a dictionary. */
  readonly dictionaryPageLength: number
  /** Of the data pages, all of them. */
  readonly encoding: ValueEncoding
  readonly dataPages: number
  readonly uncompressedSize: number
  readonly bounds: Bounds | null
}

export function encodeColumn(column: AnyColumn, options: EncodeOptions = {}): EncodedColumn {
  const { pageBytes = 1024 * 1024, zstdLevel = 1 } = options
  const dictionary = dictionaryOf(column)
  const pages = new Pages(zstdLevel)
  if (dictionary !== null) pages.addDictionary(dictionary.size, dictionary.bytes)
  const dictionaryPageLength = pages.length
  const bodies = dictionary === null ? plainBodies(column, pageBytes) : indexBodies(dictionary, column.values, pageBytes)
  addDataPages(pages, column, bodies)
  return {
    kind: column.kind,
    required: column.required,
    rows: column.rows,
    nullCount: column.nulls,
    pages: pages.take(),
    dictionaryPageLength,
    encoding: bodies.encoding,
    dataPages: pages.dataPages,
    uncompressedSize: pages.uncompressedLength,
    bounds: boundsOf(column, dictionary),
  }
}

function dictionaryOf(column: AnyColumn): Dictionary | null {
  if (column.values === 0 || column.kind === 'BOOLEAN') return null
  return column.kind === 'VARCHAR' ? textDictionary(column) : numberDictionary(column)
}

/** How a column's values are cut into pages. */
interface Bodies {
  readonly encoding: ValueEncoding
  /** The number of the value that ends the page which begins with value `from`. */
  readonly pageEnd: (from: number) => number
  /** Valid until the next call. */
  readonly body: (from: number, to: number) => Uint8Array
}

function addDataPages(pages: Pages, column: AnyColumn, { encoding, pageEnd, body }: Bodies): void {
  const cursor: GapCursor = { gap: 0 }
  let row = 0
  let value = 0
  while (row < column.rows) {
    const end = pageEnd(value)
    // NULLs behind the page's last value belong to it.
    const rowEnd = end === column.values ? column.rows : rowOfValue(column, end, cursor.gap, row - value)
    const levels = column.required ? null : levelsOf(column, row, rowEnd, cursor)
    pages.addData({ rows: rowEnd - row, encoding, levels, body: body(value, end) })
    row = rowEnd
    value = end
  }
}

let levelBytes = new Uint8Array(1024)

function levelsOf(column: AnyColumn, from: number, to: number, cursor: GapCursor): Uint8Array {
  const bound = hybridBound(to - from, 1)
  if (bound > levelBytes.length) levelBytes = new Uint8Array(2 * bound)
  return levelBytes.subarray(0, writeLevels(levelBytes, 0, column, from, to, cursor))
}

/** The row of a value: the gaps before it, from `gap` on, are added to the `nulls` before them. */
function rowOfValue({ gaps, gapsLength }: AnyColumn, value: number, gap: number, nulls: number): number {
  let row = value + nulls
  for (let i = gap; i < gapsLength && (gaps[i] ?? 0) <= row; i += 2) row += gaps[i + 1] ?? 0
  return row
}

function plainBodies(column: AnyColumn, pageBytes: number): Bodies {
  const encoding = 'PLAIN'
  if (column instanceof TextColumn) {
    return {
      encoding,
      pageEnd: (from) => Math.max(Math.min(from + 1, column.values), column.valueBefore(column.positionOf(from) + pageBytes)),
      body: (from, to) => column.bytes.subarray(column.positionOf(from), column.positionOf(to)),
    }
  }
  const width = { BIGINT: 8, INT: 4, BOOLEAN: 1 / 8 }[column.kind]
  const pageEnd = (from: number): number => Math.min(column.values, from + Math.floor(pageBytes / width))
  if (column.kind === 'BOOLEAN') return { encoding, pageEnd, body: (from, to) => packed(column, from, to) }
  const { buffer } = column.kind === 'BIGINT' ? column.lanes : column.data
  return { encoding, pageEnd, body: (from, to) => new Uint8Array(buffer, from * width, (to - from) * width) }
}

/** PLAIN booleans: a bit each, the lowest first. */
function packed({ data }: BooleanColumn, from: number, to: number): Uint8Array {
  const bytes = new Uint8Array((to - from + 7) >>> 3)
  for (let i = from; i < to; i++)
    if (data[i] === 1) bytes[(i - from) >>> 3] = (bytes[(i - from) >>> 3] ?? 0) | (1 << ((i - from) & 7))
  return bytes
}

let indexBytes = new Uint8Array(1024)

function indexBodies({ size, indices }: Dictionary, values: number, pageBytes: number): Bodies {
  const bitWidth = indexBits(size)
  const pageValues = Math.floor((8 * pageBytes) / Math.max(bitWidth, 8))
  return {
    encoding: 'RLE_DICTIONARY',
    pageEnd: (from) => Math.min(values, from + pageValues),
    body: (from, to) => {
      const bound = 1 + hybridBound(to - from, bitWidth)
      if (bound > indexBytes.length) indexBytes = new Uint8Array(2 * bound)
      indexBytes[0] = bitWidth
      return indexBytes.subarray(0, writeHybrid(indexBytes, 1, indices, from, to, bitWidth))
    },
  }
}
