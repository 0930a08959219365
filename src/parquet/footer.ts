/** The footer of a file (parquet.thrift, `FileMetaData`) for flat schemas. */
import { createRequire } from 'node:module'
import type { EncodedColumn } from './encode.ts'
import { codecs, convertedTypes, encodings, magic, pageTypes, physicalTypes, repetitionTypes } from './format.ts'
import type { ParquetColumn } from './parquet-column.ts'
import { CompactStruct } from './thrift.ts'

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string }

/** Readers parse it as name and version (parquet-mr, VersionParser). */
const createdBy = `discogs-lakehouse version ${version}`

export interface FooterContent {
  readonly columns: readonly ParquetColumn[]
  readonly rows: number
  /** Of {@link rowGroup}. */
  readonly rowGroups: readonly CompactStruct[]
  readonly metadata: Readonly<Record<string, string>>
}

/** The last bytes of a file: metadata, its length, the magic. */
export function footer({ columns, rows, rowGroups, metadata }: FooterContent): Buffer {
  const root = new CompactStruct().bytes(4, 'root').int32(5, columns.length)
  const bytes = new CompactStruct()
    .int32(1, 1)
    .structs(2, [root, ...columns.map(schemaElement)])
    .int64(3, rows)
    .structs(4, rowGroups)
    .structs(
      5,
      Object.entries(metadata).map(([key, value]) => new CompactStruct().bytes(1, key).bytes(2, value)),
    )
    .bytes(6, createdBy)
    // Without them readers do not trust the bounds of texts.
    .structs(
      7,
      columns.map(() => onlyMember()),
    )
    .toBytes()
  const trailer = Buffer.from(`....${magic}`)
  trailer.writeUInt32LE(bytes.length)
  return Buffer.concat([bytes, trailer])
}

function schemaElement({ name, type, nullable }: ParquetColumn): CompactStruct {
  const element = new CompactStruct()
    .int32(1, physicalTypes[type])
    .int32(3, nullable ? repetitionTypes.optional : repetitionTypes.required)
    .bytes(4, name)
  return type === 'VARCHAR' ? element.int32(6, convertedTypes.utf8).struct(10, onlyMember()) : element
}

/** The first member of a union, and empty: `LogicalType.STRING`, `ColumnOrder.TYPE_ORDER`. */
function onlyMember(): CompactStruct {
  return new CompactStruct().struct(1, new CompactStruct())
}

/** @param offset in the file of the first column's first page */
export function rowGroup(
  columns: readonly ParquetColumn[],
  encoded: readonly EncodedColumn[],
  rows: number,
  offset: number,
): CompactStruct {
  const chunks: CompactStruct[] = []
  let at = offset
  let uncompressed = 0
  for (const [index, chunk] of encoded.entries()) {
    chunks.push(new CompactStruct().int64(2, 0).struct(3, columnMetadata(columns[index]?.name ?? '', chunk, at)))
    at += chunk.pages.length
    uncompressed += chunk.uncompressedSize
  }
  return new CompactStruct()
    .structs(1, chunks)
    .int64(2, uncompressed)
    .int64(3, rows)
    .int64(5, offset)
    .int64(6, at - offset)
}

function columnMetadata(name: string, chunk: EncodedColumn, offset: number): CompactStruct {
  const { kind, encoding, dictionaryPageLength, dataPages } = chunk
  const hasDictionary = dictionaryPageLength > 0
  const dictionaryStats = encodingStats(pageTypes.dictionary, encodings.PLAIN, 1)
  const dataStats = encodingStats(pageTypes.data, encodings[encoding], dataPages)
  return (
    new CompactStruct()
      .int32(1, physicalTypes[kind])
      .int32s(2, [encodings.RLE, encodings.PLAIN, ...(hasDictionary ? [encodings.RLE_DICTIONARY] : [])])
      .strings(3, [name])
      .int32(4, codecs.zstd)
      .int64(5, chunk.rows)
      .int64(6, chunk.uncompressedSize)
      .int64(7, chunk.pages.length)
      .int64(9, offset + dictionaryPageLength)
      .int64(11, hasDictionary ? offset : undefined)
      .struct(12, statistics(chunk))
      // With these, readers may prune by the dictionary: they know that no page is without it.
      .structs(13, hasDictionary ? [dictionaryStats, dataStats] : [dataStats])
  )
}

function encodingStats(pageType: number, encoding: number, count: number): CompactStruct {
  return new CompactStruct().int32(1, pageType).int32(2, encoding).int32(3, count)
}

function statistics({ nullCount, bounds }: EncodedColumn): CompactStruct {
  const counts = new CompactStruct().int64(3, nullCount)
  if (bounds === null) return counts
  const { min, max, isExact } = bounds
  const exact = isExact ? true : undefined
  return counts
    .bytes(5, max ?? undefined)
    .bytes(6, min)
    .boolean(7, exact)
    .boolean(8, exact)
}
