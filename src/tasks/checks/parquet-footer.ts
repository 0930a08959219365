/** Reads the outside of a Parquet file: magic, footer, schema, row groups. Data pages are not decoded. */
import { open } from 'node:fs/promises'
import { ParquetReader } from '@dsnp/parquetjs'
import { PipelineError } from '../../errors.ts'

export interface ParquetFooter {
  readonly rows: number
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

type Metadata = NonNullable<ParquetReader['metadata']>
type SchemaElement = Metadata['schema'][number]

/** A file begins with its magic and ends with the footer, the footer's length and the magic again (Parquet format, "File format"). */
const magicBytes = 4
const tailBytes = 8

/** @throws when the file is no Parquet file, or its footer does not fit it */
export async function readFooter(file: string): Promise<ParquetFooter> {
  const dataEnd = await endOfData(file)
  const reader = await ParquetReader.openFile(file)
  try {
    const { metadata } = reader
    if (metadata === null) throw new PipelineError(`${file} has no footer`)
    assertFits(file, metadata, dataEnd)
    const [root, ...elements] = metadata.schema
    if (root?.num_children !== elements.length) throw new PipelineError(`${file}: its schema is nested`)
    return {
      rows: Number(metadata.num_rows),
      columns: elements.map((element) => ({ name: element.name, type: typeOf(element) })),
    }
  } finally {
    await reader.close()
  }
}

/** Where the footer begins. */
async function endOfData(file: string): Promise<number> {
  await using handle = await open(file)
  const { size } = await handle.stat()
  if (size < magicBytes + tailBytes) throw new PipelineError(`${file}: ${size} bytes are no Parquet file`)
  const { buffer } = await handle.read({ buffer: Buffer.alloc(tailBytes), position: size - tailBytes })
  return size - tailBytes - buffer.readUInt32LE(0)
}

/** Row groups must add up to the rows of the footer, and column chunks must lie before it. */
function assertFits(file: string, metadata: Metadata, dataEnd: number): void {
  const rows = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0)
  if (rows !== Number(metadata.num_rows)) {
    throw new PipelineError(`${file}: its row groups have ${rows} rows, its footer says ${Number(metadata.num_rows)}`)
  }
  for (const { meta_data: chunk } of metadata.row_groups.flatMap((group) => group.columns)) {
    if (chunk === undefined || chunk === null) throw new PipelineError(`${file}: a column chunk has no metadata`)
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
    const end = start + Number(chunk.total_compressed_size)
    if (start < magicBytes || end > dataEnd)
      throw new PipelineError(`${file}: a column chunk at ${start} to ${end} lies outside its data, which end at ${dataEnd}`)
  }
}

/** parquet.thrift, `Type` and `ConvertedType`: the numbers this project meets. */
const physical = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY']
const utf8 = 0
const signed32 = 17
const signed64 = 18
const repeated = 2

/** The catalogue's name for a physical and logical type together, else what is there in Parquet's words. */
function typeOf(element: SchemaElement): string {
  const name = physical[element.type ?? -1] ?? 'group'
  const converted: number | null = element.converted_type ?? null
  const repetition: number | null = element.repetition_type ?? null
  // The Thrift reader writes null where its types say undefined.
  const logical = element.logicalType ?? null
  const plain = converted === null && logical === null
  const signed = logical === null || logical.INTEGER?.isSigned === true
  if (repetition === repeated) return `repeated ${name}`
  if (name === 'BOOLEAN' && plain) return 'BOOLEAN'
  if (name === 'INT32' && (plain || (converted === signed32 && signed))) return 'INT'
  if (name === 'INT64' && (plain || (converted === signed64 && signed))) return 'BIGINT'
  if (name === 'BYTE_ARRAY' && converted === utf8) return 'VARCHAR'
  return `${name}${converted === null ? '' : ` of converted type ${converted}`}${logical === null ? '' : ' of another logical type'}`
}
