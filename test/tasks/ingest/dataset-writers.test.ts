import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { dumpNamed } from '../../../src/discogs/catalogue.ts'
import { Kernel } from '../../../src/kernel/kernel.ts'
import { PileEncoder } from '../../../src/parquet/piles.ts'
import { DatasetWriters, type WritersOptions } from '../../../src/tasks/ingest/dataset-writers.ts'
import { RowBatch } from '../../../src/tasks/ingest/row-batch.ts'

const root = mkdtempSync(join(tmpdir(), 'writers-'))
after(() => rmSync(root, { recursive: true }))
const duckdb = await (await DuckDBInstance.create()).connect()
const urls = dumpNamed('labels').datasets.filter(({ name }) => name === 'label_urls_v1')

const kernel = new Kernel()
const encoder = new PileEncoder(kernel)
const encode: WritersOptions['encode'] = async (column) => {
  const { pages, ...encoded } = encoder.encode(column.pile, column)
  return Promise.resolve({ encoded, address: kernel.store(pages), length: pages.length })
}

/** Rows (id, position, no url), as a slice of so many gives them. */
function rowsFrom(first: number, count: number): RowBatch {
  const batch = new RowBatch(kernel, urls)
  const [dataset] = batch.datasets
  assert.ok(dataset !== undefined)
  const [ids, positions] = dataset.columns
  for (let row = 0; row < count; row++) {
    ids?.put(row, first + row)
    positions?.put(row, 1)
  }
  dataset.rows = count
  batch.pad()
  return batch
}

test('row groups end at 100,000 rows, files at their size, and all rows are there in order', async () => {
  const directory = join(root, 'many')
  await using writers = new DatasetWriters(directory, urls, { kernel, runId: 'run', encode, fileBytes: 100_000 })
  for (let slice = 0; slice < 50; slice++) await writers.append(rowsFrom(slice * 9000, 9000))
  const { label_urls_v1: staged } = await writers.commit({ run_id: 'run' })
  assert.ok(staged !== undefined && staged.files.length > 1)
  assert.deepEqual(
    readdirSync(join(directory, 'label_urls_v1')),
    staged.files.map((_, index) => `run-0000${index}.parquet`),
  )
  assert.equal(staged.rows, 450_000)
  const glob = join(directory, 'label_urls_v1', '*.parquet')
  const groups = await duckdb.runAndReadAll(`select distinct row_group_num_rows::int from parquet_metadata('${glob}') order by 1`)
  assert.deepEqual(groups.getRowsJson(), [[18_000], [108_000]])
  const rows = await duckdb.runAndReadAll(
    `select count(*)::int, count_if(label_id = expected)::int from (select label_id, (row_number() over ()) - 1 as expected from read_parquet('${glob}'))`,
  )
  assert.deepEqual(rows.getRowsJson(), [[450_000, 450_000]])
})

test('what is not committed goes away', async () => {
  const directory = join(root, 'none')
  {
    await using writers = new DatasetWriters(directory, urls, { kernel, runId: 'run', encode })
    await writers.append(rowsFrom(0, 150_000))
  }
  assert.deepEqual(readdirSync(directory), [])
})

test('an encoder that fails fails the writers', async () => {
  const failing = (): Promise<never> => Promise.reject(new Error('no memory'))
  await using writers = new DatasetWriters(join(root, 'failing'), urls, { kernel, runId: 'run', encode: failing })
  await writers.append(rowsFrom(0, 150_000))
  await assert.rejects(writers.commit({}), /no memory/)
})
