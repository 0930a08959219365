import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ParquetReader } from '@dsnp/parquetjs'
import type { PageType } from '@dsnp/parquetjs/dist/gen-nodejs/parquet_types.js'
import { decodeThrift } from '@dsnp/parquetjs/dist/lib/util.js'
import { ColumnFile } from '../../src/parquet/column-file.ts'
import { PipelineError } from '../../src/errors.ts'
import { parquet } from './support/thrift.ts'
import { encoded, type ModelColumn, writeModel } from './support/model.ts'
import { countWhere, openDuckDb, readWithDuckDb } from './support/readers.ts'

const columns = [
  { name: 'id', type: 'BIGINT', nullable: false },
  { name: 'text', type: 'VARCHAR', nullable: true },
] as const

function rows(count: number, from = 0): readonly ModelColumn[] {
  const numbers = Array.from({ length: count }, (_, index) => from + index)
  return [
    { ...columns[0], values: numbers },
    { ...columns[1], values: numbers.map((number) => (number % 3 === 0 ? null : `text ${String(number).padStart(7, '0')}`)) },
  ]
}

let directory = ''
let files = 0

function newFile(): string {
  return join(directory, `${files++}.parquet`)
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'column-file-'))
})

after(() => rm(directory, { recursive: true, force: true }))

test('a file says its rows and bytes while it grows and when it is closed', async () => {
  const path = newFile()
  const file = ColumnFile.create(path, columns)
  assert.deepEqual([file.rows, file.bytes], [0, 4])
  const chunks = rows(500).map((column) => encoded(column))
  file.appendRowGroup(chunks, 500)
  assert.deepEqual([file.rows, file.bytes], [500, 4 + chunks.reduce((sum, { pages }) => sum + pages.length, 0)])
  file.appendRowGroup(chunks, 500)
  const bytes = file.close({ run_id: 'x' })
  assert.equal(bytes, (await readFile(path)).length)
  const reader = await ParquetReader.openFile(path)
  assert.equal(Number(reader.getRowCount()), 1000)
  assert.deepEqual(reader.getMetadata(), { run_id: 'x' })
  await reader.close()
})

test('the footer leads to every page: types, sizes and counts add up', async () => {
  const path = newFile()
  const few = {
    name: 'few',
    type: 'VARCHAR',
    nullable: true,
    values: Array.from({ length: 9000 }, (_, row) => `text ${row % 50}`),
  } as const
  writeModel(path, [...rows(9000), few], { groupRows: 4000, pageBytes: 3000 })
  const bytes = await readFile(path)
  const reader = await ParquetReader.openFile(path)
  const chunks = reader.metadata?.row_groups.flatMap((group) => group.columns.map((chunk) => chunk.meta_data)) ?? []
  await reader.close()
  assert.equal(chunks.length, 9)
  let at = 4
  for (const chunk of chunks) {
    assert.ok(chunk)
    const dictionaryOffset = chunk.dictionary_page_offset?.valueOf() ?? null
    assert.equal(dictionaryOffset ?? chunk.data_page_offset.valueOf(), at)
    const pages = pagesOf(bytes, at, chunk.total_compressed_size.valueOf())
    assert.deepEqual(
      pages.map(({ type }) => type),
      pages.map((_, index) =>
        index === 0 && dictionaryOffset !== null ? parquet.PageType.DICTIONARY_PAGE : parquet.PageType.DATA_PAGE,
      ),
    )
    const dataPages = pages.filter(({ type }) => type === parquet.PageType.DATA_PAGE)
    assert.equal(dataPages[0]?.offset, chunk.data_page_offset.valueOf())
    assert.equal(
      dataPages.reduce((sum, { values }) => sum + values, 0),
      chunk.num_values.valueOf(),
    )
    assert.equal(
      pages.reduce((sum, { uncompressed }) => sum + uncompressed, 0),
      chunk.total_uncompressed_size.valueOf(),
    )
    assert.deepEqual(
      chunk.encoding_stats?.map(({ count }) => count),
      dictionaryOffset === null ? [dataPages.length] : [1, dataPages.length],
    )
    // Values, levels and header.
    for (const { uncompressed } of dataPages) assert.ok(uncompressed <= 3000 + 4000 / 8 + 60, `${uncompressed} bytes in a page`)
    at += chunk.total_compressed_size.valueOf()
  }
})

test('the footer holds bounds of texts and does not call them exact; those of numbers it does', async () => {
  const path = newFile()
  const long = 'z'.repeat(70)
  const statistics = [
    { values: ['a', long], min: 'a', max: `${'z'.repeat(63)}{` },
    { values: [long, `${long}z`], min: long.slice(0, 64), max: `${'z'.repeat(63)}{` },
    { values: ['a', 'z'.repeat(64)], min: 'a', max: 'z'.repeat(64) },
    { values: ['a', '\u{10ffff}'.repeat(17)], min: 'a', max: undefined },
  ]
  const texts = statistics.map(
    ({ values }, index) => ({ name: `text_${index}`, type: 'VARCHAR', nullable: true, values }) as const,
  )
  writeModel(path, [...texts, { name: 'number', type: 'BIGINT', nullable: true, values: [1n, 2n] }])
  const reader = await ParquetReader.openFile(path)
  const found = reader.metadata?.row_groups[0]?.columns.map(({ meta_data }) => meta_data?.statistics)
  await reader.close()
  for (const [index, { min, max }] of statistics.entries()) {
    const one = found?.[index]
    assert.deepEqual([one?.min_value, one?.max_value, one?.is_min_value_exact, one?.is_max_value_exact], [min, max, null, null])
  }
  const number = found?.at(-1)
  assert.deepEqual([number?.is_min_value_exact, number?.is_max_value_exact], [true, true])
})

interface Page {
  readonly type: PageType
  readonly offset: number
  readonly values: number
  /** With its header. */
  readonly uncompressed: number
}

function pagesOf(bytes: Buffer, start: number, length: number): Page[] {
  const pages: Page[] = []
  let offset = start
  while (offset < start + length) {
    const header = new parquet.PageHeader({
      type: parquet.PageType.INDEX_PAGE,
      uncompressed_page_size: 0,
      compressed_page_size: 0,
    })
    const headerLength = decodeThrift(header, bytes, offset)
    const { type, uncompressed_page_size: uncompressed, compressed_page_size: compressed } = header
    pages.push({ type, offset, values: header.data_page_header?.num_values ?? 0, uncompressed: headerLength + uncompressed })
    offset += headerLength + compressed
  }
  assert.equal(offset, start + length)
  return pages
}

test('0 rows make no row group', async () => {
  const path = newFile()
  const file = ColumnFile.create(path, columns)
  file.appendRowGroup(
    rows(0).map((column) => encoded(column)),
    0,
  )
  file.close()
  const reader = await ParquetReader.openFile(path)
  assert.deepEqual(reader.metadata?.row_groups, [])
  await reader.close()
})

test('the same rows give the same bytes', async () => {
  const [left, right] = [newFile(), newFile()]
  for (const path of [left, right])
    writeModel(path, rows(20_000), { groupRows: 9000, metadata: { run_id: 'a', source_sha256: 'b' } })
  assert.ok((await readFile(left)).equals(await readFile(right)))
})

test('encoded columns that came from another thread are written alike', async () => {
  const [direct, sent] = [newFile(), newFile()]
  for (const path of [direct, sent]) {
    const file = ColumnFile.create(path, columns)
    const chunks = rows(5000).map((column) => encoded(column))
    file.appendRowGroup(path === sent ? structuredClone(chunks) : chunks, 5000)
    file.close()
  }
  assert.ok((await readFile(direct)).equals(await readFile(sent)))
})

test('an existing file is not touched', async () => {
  const path = newFile()
  await writeFile(path, 'mine')
  assert.throws(() => ColumnFile.create(path, columns), { code: 'EEXIST' })
  assert.equal(await readFile(path, 'utf8'), 'mine')
})

test('an abandoned file is let go of', () => {
  const path = newFile()
  const file = ColumnFile.create(path, columns)
  file.abandon()
  file.abandon()
  assert.ok(existsSync(path))
})

test('columns that do not fit the file or one another are refused', () => {
  const file = ColumnFile.create(newFile(), columns)
  const [id, text] = rows(3).map((column) => encoded(column))
  const [shorter] = rows(2).map((column) => encoded(column))
  const optional = encoded({ name: 'id', type: 'BIGINT', nullable: true, values: [1, 2, 3] })
  assert.ok(id !== undefined && text !== undefined && shorter !== undefined)
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof PipelineError && !error.retryable && message.test(error.message)
  assert.throws(() => file.appendRowGroup([id], 3), refused(/^writing a row group of .*: 1 columns instead of 2$/))
  assert.throws(() => file.appendRowGroup([text, id], 3), refused(/: column id is of VARCHAR instead of BIGINT$/))
  assert.throws(() => file.appendRowGroup([shorter, text], 3), refused(/: column id has 2 rows instead of 3$/))
  assert.throws(() => file.appendRowGroup([optional, text], 3), refused(/: column id is encoded as optional$/))
  file.abandon()
})

test('DuckDB skips row groups by their bounds: it does not miss one whose pages are destroyed', async () => {
  const path = newFile()
  writeModel(path, rows(3000), { groupRows: 1000 })
  const reader = await ParquetReader.openFile(path)
  const start = Number(reader.metadata?.row_groups[1]?.columns[0]?.meta_data?.data_page_offset)
  const end = Number(reader.metadata?.row_groups[2]?.columns[0]?.meta_data?.data_page_offset)
  await reader.close()
  const bytes = await readFile(path)
  await writeFile(path, bytes.fill(0, start, end))
  const duckdb = await openDuckDb()
  assert.equal(await countWhere(duckdb, path, "text >= 'text 0002000'"), 667)
  assert.equal(await countWhere(duckdb, path, "text = 'text 0000002'"), 1)
  assert.equal(await countWhere(duckdb, path, 'id BETWEEN 5 AND 999'), 995)
  await assert.rejects(countWhere(duckdb, path, "text >= 'text 0001000'"))
  await assert.rejects(readWithDuckDb(duckdb, path))
})

test('an abandoned file cannot be closed as if it were whole', () => {
  const file = ColumnFile.create(newFile(), columns)
  file.abandon()
  assert.throws(() => file.close(), /closed already/)
})
