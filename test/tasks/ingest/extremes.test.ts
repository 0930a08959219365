import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { stagingDir } from '../../../src/lake/layout.ts'
import { ingest } from '../../../src/tasks/ingest.ts'
import { taskContext } from '../../support/task-context.ts'

const runId = '2026-04__20260420_060000'
const root = mkdtempSync(join(tmpdir(), 'extremes-'))
after(() => rmSync(root, { recursive: true }))
const duckdb = await (await DuckDBInstance.create()).connect()
let lakes = 0

/** Ingests labels and asks a question about them. */
async function ask(records: Iterable<string>, select: string): Promise<unknown> {
  const place = join(root, `${++lakes}`)
  mkdirSync(join(place, 'raw', '2026-04'), { recursive: true })
  const xml = `<labels>\n${[...records].join('\n')}\n</labels>`
  writeFileSync(join(place, 'raw', '2026-04', 'discogs_20260401_labels.xml.gz'), gzipSync(xml, { level: 1 }))
  const lakeDir = join(place, 'lake')
  await ingest(taskContext({ runId, lakeDir, rawDir: join(place, 'raw'), args: ['labels'], params: { dump_month: '2026-04' } }))
  const labels = `read_parquet('${stagingDir(lakeDir, runId)}/labels_v10/*.parquet')`
  const rows = (await duckdb.runAndReadAll(select.replace('labels', labels))).getRowsJson()
  return rows[0]
}

function* labels(count: number, body: (index: number) => string): Generator<string> {
  for (let index = 0; index < count; index++) yield `<label><id>${index + 1}</id>${body(index)}</label>`
}

test('one row, with nothing but its id', async () => {
  const row = await ask(
    labels(1, () => ''),
    'select * from labels',
  )
  assert.deepEqual(row, ['1', ...Array(9).fill(null)])
})

test('a column of NULLs alone, over several row groups', async () => {
  const row = await ask(
    labels(250_000, () => '<name> </name>'),
    'select count(*)::int, count(name)::int, max(label_id)::int from labels',
  )
  assert.deepEqual(row, [250_000, 0, 250_000])
})

test('100,000 distinct values beside 2 distinct ones', async () => {
  const row = await ask(
    labels(
      100_000,
      (index) => `<name>name ${index}</name><data_quality>${index % 2 === 0 ? 'Correct' : 'Needs Vote'}</data_quality>`,
    ),
    'select count(distinct name)::int, count(distinct data_quality)::int, min(name), max(name) from labels',
  )
  assert.deepEqual(row, [100_000, 2, 'name 0', 'name 99999'])
})

test('a value of 20 MB among small ones', async () => {
  const long = 'äbc&amp;'.repeat(4_000_000)
  const row = await ask(
    labels(2000, (index) => `<profile>${index === 1000 ? long : index}</profile>`),
    `select max(strlen(profile))::int, sum(strlen(profile))::int from labels`,
  )
  assert.deepEqual(row, [20_000_000, 20_000_000 + 6886])
})

test('values that share a prefix of 1,000 bytes are told apart by a predicate', async () => {
  const prefix = 'p'.repeat(1000)
  const row = await ask(
    labels(5000, (index) => `<name>${prefix}${index}</name>`),
    `select count_if(name = '${prefix}4999')::int, count_if(name > '${prefix}5')::int, count(*)::int from labels`,
  )
  const above = Array.from({ length: 5000 }, (_, index) => String(index)).filter((text) => text > '5').length
  assert.deepEqual(row, [1, above, 5000])
})
