/** Takes the pages of an encoded column apart again, with the decoder of parquetjs. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { zstdDecompressSync } from 'node:zlib'
import type { PageType } from '@dsnp/parquetjs/dist/gen-nodejs/parquet_types.js'
import { decodeThrift } from '@dsnp/parquetjs/dist/lib/util.js'
import type { EncodedColumn } from '../../../src/parquet/encode.ts'
import { parquet } from './thrift.ts'

interface Cursor {
  readonly buffer: Buffer
  offset: number
}

const { decodeValues } = createRequire(import.meta.url)('@dsnp/parquetjs/dist/lib/codec/rle.js') as {
  readonly decodeValues: (
    type: string,
    cursor: Cursor,
    count: number,
    options: { readonly bitWidth: number; readonly disableEnvelope: boolean },
  ) => number[]
}

/** @throws AssertionError when the hybrid is not as long as the bytes */
export function decodedHybrid(bytes: Buffer, count: number, bitWidth: number): number[] {
  const cursor = { buffer: bytes, offset: 0 }
  const values = decodeValues('INT32', cursor, count, { bitWidth, disableEnvelope: true })
  assert.equal(cursor.offset, bytes.length, 'bytes read')
  return values
}

export interface RawPage {
  readonly type: PageType
  /** Rows of a data page, entries of a dictionary. */
  readonly values: number
  /** Not compressed. */
  readonly body: Buffer
}

export function rawPages({ pages }: EncodedColumn): RawPage[] {
  const bytes = Buffer.from(pages.buffer)
  const found: RawPage[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const type = parquet.PageType.INDEX_PAGE
    const header = new parquet.PageHeader({ type, uncompressed_page_size: 0, compressed_page_size: 0 })
    offset += decodeThrift(header, bytes, offset)
    const body = zstdDecompressSync(bytes.subarray(offset, offset + header.compressed_page_size))
    assert.equal(body.length, header.uncompressed_page_size)
    const values = header.data_page_header?.num_values ?? header.dictionary_page_header?.num_values ?? 0
    found.push({ type: header.type, values, body })
    offset += header.compressed_page_size
  }
  return found
}

export interface DataPage {
  /** Definition levels, null for a required column. */
  readonly levels: readonly number[] | null
  readonly presentValues: number
  readonly rest: Buffer
}

export function dataPages(column: EncodedColumn): DataPage[] {
  const data = rawPages(column).filter(({ type }) => type === parquet.PageType.DATA_PAGE)
  return data.map(({ values, body }) => {
    if (column.required) return { levels: null, presentValues: values, rest: body }
    const end = 4 + body.readUInt32LE(0)
    const levels = decodedHybrid(body.subarray(4, end), values, 1)
    return { levels, presentValues: levels.filter((level) => level === 1).length, rest: body.subarray(end) }
  })
}

/** What a column with a dictionary holds: the bits of an index, the indices of all values. */
export function indicesOf(column: EncodedColumn): { readonly bitWidth: number; readonly indices: readonly number[] } {
  assert.equal(column.encoding, 'RLE_DICTIONARY')
  const pages = dataPages(column)
  const bitWidth = pages[0]?.rest[0] ?? 0
  return { bitWidth, indices: pages.flatMap((page) => decodedHybrid(page.rest.subarray(1), page.presentValues, bitWidth)) }
}

/** The texts of the dictionary page. */
export function dictionaryTexts(column: EncodedColumn): string[] {
  const [page] = rawPages(column)
  assert.equal(page?.type, parquet.PageType.DICTIONARY_PAGE)
  const texts: string[] = []
  for (let at = 0; at < page.body.length; at += 4 + page.body.readUInt32LE(at))
    texts.push(page.body.toString('utf8', at + 4, at + 4 + page.body.readUInt32LE(at)))
  assert.equal(texts.length, page.values)
  return texts
}
