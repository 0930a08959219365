/** Streams of DuckDB: whole or an error, whatever happens on the way. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import type { AnswerTable } from '../../src/sql/engine.ts'
import { rowsToParquet } from '../../src/sql/rows-to-parquet.ts'

const failsLate = "SELECT CAST(CASE WHEN x < 299999 THEN '1' ELSE 'no' END AS INT) AS a FROM range(300000) AS t(x)"

async function read(batches: AsyncIterable<AnswerTable>): Promise<{ columns: readonly string[]; rows: number }> {
  let [columns, rows]: [readonly string[], number] = [[], 0]
  for await (const batch of batches) {
    columns = batch.columns
    rows += batch.rows.length
  }
  return { columns, rows }
}

test("DuckDB's own stream ends at an error without a word: what the engine's must not do", async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  let rows = 0
  for await (const chunk of await connection.stream(failsLate)) rows += chunk.rowCount
  assert.ok(rows < 300_000, 'no longer so: the answer need not be stored any more')
  connection.closeSync()
  instance.closeSync()
})

test('an error comes before any row, and the engine goes on', async () => {
  await using engine = await DuckDbEngine.open()
  let rows = 0
  await assert.rejects(async () => {
    for await (const batch of engine.stream(failsLate)) rows += batch.rows.length
  }, /^PipelineError: duckdb: SELECT CAST.*Conversion Error: Could not convert string 'no'/)
  assert.equal(rows, 0)
  assert.deepEqual(await read(engine.stream('SELECT x FROM range(300000) AS t(x)')), { columns: ['x'], rows: 300_000 })
})

test('the rows come in the order of the query, with all columns, also two of one name', async () => {
  await using engine = await DuckDbEngine.open()
  const rows: (readonly unknown[])[] = []
  for await (const batch of engine.stream('SELECT x, -x AS x FROM range(50000) AS t(x) ORDER BY t.x DESC;\n'))
    rows.push(...batch.rows)
  assert.equal(rows.length, 50_000)
  assert.equal(
    rows.findIndex(([x, negative], index) => x !== BigInt(49_999 - index) || negative !== BigInt(index - 49_999)),
    -1,
  )
})

test('a reader that leaves early leaves nothing behind', async () => {
  await using engine = await DuckDbEngine.open()
  for await (const batch of engine.stream('SELECT x FROM range(50000) AS t(x)')) if (batch.rows.length > 0) break
  const tables = await engine.query('SELECT table_name FROM duckdb_tables()')
  assert.deepEqual(tables, [])
})

test('a signal ends the statement with its reason, and the engine goes on', async () => {
  await using engine = await DuckDbEngine.open()
  const endless = 'SELECT count(*) FROM range(1000000000000) AS t(x), range(1000) AS u(y) WHERE hash(x + y) = 3'
  for (const afterMs of [0, 1, 50]) {
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('enough')), afterMs)
    await assert.rejects(read(engine.stream(endless, controller.signal)), /^Error: enough$/)
    await assert.rejects(engine.saveAsParquet(endless, '/nowhere/x.parquet', controller.signal), /^Error: enough$/)
  }
  assert.deepEqual(await read(engine.stream('SELECT 1 AS a')), { columns: ['a'], rows: 1 })
})

test('a signal between two batches is no end of the rows', async () => {
  await using engine = await DuckDbEngine.open()
  const controller = new AbortController()
  await assert.rejects(async () => {
    for await (const batch of engine.stream('SELECT x FROM range(500000) AS t(x)', controller.signal))
      if (batch.rows.length > 0) controller.abort(new Error('enough'))
  }, /^Error: enough$/)
})

test('rows of any engine become Parquet by what their values are, or nothing when they end with an error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rows-'))
  try {
    const file = join(directory, "it's.parquet")
    const columns = ['a', 'a', 'mixed', 'none', 'yes', 'huge', 'text']
    async function* batches(): AsyncGenerator<AnswerTable> {
      yield { columns, rows: [] }
      yield { columns, rows: [[1n, 1, 1, null, true, 2n ** 70n, '']] }
      yield { columns, rows: [[2n ** 62n, null, 1.5, null, null, 1n, null]] }
    }
    assert.equal(await rowsToParquet(batches(), file, { tempDirectory: join(directory, 'tmp') }), 2)
    await using engine = await DuckDbEngine.open()
    const source = `'${file.replaceAll("'", "''")}'`
    assert.deepEqual(await engine.query(`SELECT column_name AS c, column_type AS t FROM (DESCRIBE SELECT * FROM ${source})`), [
      { c: 'a', t: 'BIGINT' },
      { c: 'a_2', t: 'BIGINT' },
      { c: 'mixed', t: 'DOUBLE' },
      { c: 'none', t: 'VARCHAR' },
      { c: 'yes', t: 'BOOLEAN' },
      { c: 'huge', t: 'VARCHAR' },
      { c: 'text', t: 'VARCHAR' },
    ])
    assert.deepEqual((await engine.table(`SELECT * FROM ${source}`)).rows, [
      [1n, 1n, 1, null, true, '1180591620717411303424', ''],
      [4611686018427387904n, null, 1.5, null, null, '1', null],
    ])
    async function* failing(): AsyncGenerator<AnswerTable> {
      yield* batches()
      throw new Error('the server is gone')
    }
    const other = join(directory, 'other.parquet')
    await assert.rejects(rowsToParquet(failing(), other, { tempDirectory: directory }), /the server is gone/)
    assert.equal(existsSync(other), false)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
