import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { dataPageHeader, dictionaryPageHeader } from '../../src/parquet/page-header.ts'
import { parquet } from './support/thrift.ts'

/** The decoder of parquetjs. */
const { decodeThrift } = createRequire(import.meta.url)('@dsnp/parquetjs/dist/lib/util.js') as {
  readonly decodeThrift: (target: object, bytes: Buffer) => number
}

/** Numbers around which varints grow. */
const sizes = [0, 1, 63, 64, 127, 128, 8191, 8192, 1_048_576, 2 ** 31 - 1]

function decoded(bytes: Uint8Array): InstanceType<typeof parquet.PageHeader> {
  const header = new parquet.PageHeader()
  assert.equal(decodeThrift(header, Buffer.from(bytes)), bytes.length, 'bytes read')
  return header
}

test('headers of data pages say what they were made from', () => {
  for (const [index, uncompressed] of sizes.entries()) {
    const compressed = sizes[sizes.length - 1 - index] ?? 0
    for (const encoding of ['PLAIN', 'RLE_DICTIONARY'] as const) {
      const header = decoded(dataPageHeader(uncompressed, encoding, { uncompressed, compressed }))
      assert.equal(header.type, parquet.PageType.DATA_PAGE)
      assert.deepEqual([header.uncompressed_page_size, header.compressed_page_size], [uncompressed, compressed])
      const { num_values, encoding: values, definition_level_encoding, repetition_level_encoding } = header.data_page_header ?? {}
      assert.deepEqual([num_values, values], [uncompressed, parquet.Encoding[encoding]])
      assert.deepEqual([definition_level_encoding, repetition_level_encoding], [parquet.Encoding.RLE, parquet.Encoding.RLE])
    }
  }
})

test('headers of dictionary pages say what they were made from', () => {
  for (const entries of sizes) {
    const header = decoded(dictionaryPageHeader(entries, { uncompressed: 5, compressed: entries }))
    assert.equal(header.type, parquet.PageType.DICTIONARY_PAGE)
    assert.deepEqual([header.uncompressed_page_size, header.compressed_page_size], [5, entries])
    const { num_values, encoding } = header.dictionary_page_header ?? {}
    assert.deepEqual([num_values, encoding], [entries, parquet.Encoding.PLAIN])
  }
})
