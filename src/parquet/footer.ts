/** The footer of a file (parquet.thrift, `FileMetaData`) for flat schemas, in parquetjs's Thrift structures. */
import type Int64 from 'node-int64'
import type { EncodedColumn } from './encode.ts'
import type { ParquetColumn } from './parquet-column.ts'
import { int64, parquet, serializeThrift } from './thrift.ts'

/** Readers parse it as name and version (parquet-mr, VersionParser); it changes with the bytes that the encoder writes. */
const createdBy = 'discogs-lakehouse version 1.0.0'

const physicalTypes = {
  BIGINT: parquet.Type.INT64,
  INT: parquet.Type.INT32,
  BOOLEAN: parquet.Type.BOOLEAN,
  VARCHAR: parquet.Type.BYTE_ARRAY,
} as const

export interface FooterContent {
  readonly columns: readonly ParquetColumn[]
  readonly rows: Int64
  readonly rowGroups: parquet.RowGroup[]
  readonly metadata: Readonly<Record<string, string>>
}

/** The last bytes of a file: metadata, its length, the magic. */
export function footer({ columns, rows, rowGroups, metadata }: FooterContent): Buffer {
  const root = new parquet.SchemaElement({ name: 'root', num_children: columns.length })
  const bytes = serializeThrift(
    new parquet.FileMetaData({
      version: 1,
      schema: [root, ...columns.map(schemaElement)],
      num_rows: rows,
      row_groups: rowGroups,
      key_value_metadata: Object.entries(metadata).map(([key, value]) => new parquet.KeyValue({ key, value })),
      created_by: createdBy,
      // Without them readers do not trust the bounds of texts.
      column_orders: columns.map(() => new parquet.ColumnOrder({ TYPE_ORDER: new parquet.TypeDefinedOrder() })),
    }),
  )
  const trailer = Buffer.from('....PAR1')
  trailer.writeUInt32LE(bytes.length)
  return Buffer.concat([bytes, trailer])
}

function schemaElement({ name, type, nullable }: ParquetColumn): parquet.SchemaElement {
  const text = {
    converted_type: parquet.ConvertedType.UTF8,
    logicalType: new parquet.LogicalType({ STRING: new parquet.StringType() }),
  }
  return new parquet.SchemaElement({
    name,
    type: physicalTypes[type],
    repetition_type: nullable ? parquet.FieldRepetitionType.OPTIONAL : parquet.FieldRepetitionType.REQUIRED,
    ...(type === 'VARCHAR' ? text : {}),
  })
}

/** @param offset in the file of the first column's first page */
export function rowGroup(
  columns: readonly ParquetColumn[],
  encoded: readonly EncodedColumn[],
  rows: number,
  offset: number,
): parquet.RowGroup {
  const chunks: parquet.ColumnChunk[] = []
  let at = offset
  let uncompressed = 0
  for (const [index, chunk] of encoded.entries()) {
    chunks.push(
      new parquet.ColumnChunk({ file_offset: int64(0), meta_data: columnMetadata(columns[index]?.name ?? '', chunk, at) }),
    )
    at += chunk.pages.length
    uncompressed += chunk.uncompressedSize
  }
  return new parquet.RowGroup({
    columns: chunks,
    num_rows: int64(rows),
    total_byte_size: int64(uncompressed),
    file_offset: int64(offset),
    total_compressed_size: int64(at - offset),
  })
}

function columnMetadata(name: string, chunk: EncodedColumn, offset: number): parquet.ColumnMetaData {
  const { kind, encoding, dictionaryPageLength, dataPages } = chunk
  const hasDictionary = dictionaryPageLength > 0
  const encodings = hasDictionary
    ? [parquet.Encoding.RLE, parquet.Encoding.PLAIN, parquet.Encoding.RLE_DICTIONARY]
    : [parquet.Encoding.RLE, parquet.Encoding.PLAIN]
  const dictionaryStats = { page_type: parquet.PageType.DICTIONARY_PAGE, encoding: parquet.Encoding.PLAIN, count: 1 }
  const dataStats = { page_type: parquet.PageType.DATA_PAGE, encoding: parquet.Encoding[encoding], count: dataPages }
  return new parquet.ColumnMetaData({
    type: physicalTypes[kind],
    encodings,
    path_in_schema: [name],
    codec: parquet.CompressionCodec.ZSTD,
    num_values: int64(chunk.rows),
    total_uncompressed_size: int64(chunk.uncompressedSize),
    total_compressed_size: int64(chunk.pages.length),
    data_page_offset: int64(offset + dictionaryPageLength),
    ...(hasDictionary ? { dictionary_page_offset: int64(offset) } : {}),
    statistics: statistics(chunk),
    // With these, readers may prune by the dictionary: they know that no page is without it.
    encoding_stats: (hasDictionary ? [dictionaryStats, dataStats] : [dataStats]).map(
      (stats) => new parquet.PageEncodingStats(stats),
    ),
  })
}

function statistics({ nullCount, bounds }: EncodedColumn): parquet.Statistics {
  if (bounds === null) return new parquet.Statistics({ null_count: int64(nullCount) })
  const { min, max, minExact, maxExact } = bounds
  return new parquet.Statistics({
    null_count: int64(nullCount),
    min_value: Buffer.from(min),
    is_min_value_exact: minExact,
    ...(max === null ? {} : { max_value: Buffer.from(max), is_max_value_exact: maxExact }),
  })
}
