import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PipelineError } from '../../src/errors.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { engineNames, openEngine } from '../../src/sql/open.ts'

test('values arrive in their types, NULL as null and everything unusual as text', async () => {
  await using engine = await DuckDbEngine.open()
  const rows =
    await engine.query(`SELECT 9007199254740993 AS big, 7::INT AS small, 1.5::DOUBLE AS real, true AS yes, NULL AS nothing, 'é' AS text,
    DATE '2026-01-20' AS day, 12.340::DECIMAL(8,3) AS price, [1, 2] AS list, sum(x) AS total FROM (VALUES (1), (2)) AS t(x)`)
  assert.deepEqual(rows, [
    {
      big: 9007199254740993n,
      small: 7,
      real: 1.5,
      yes: true,
      nothing: null,
      text: 'é',
      day: '2026-01-20',
      price: '12.340',
      list: '[1, 2]',
      total: 3n,
    },
  ])
})

test('a result without rows keeps its heading', async () => {
  await using engine = await DuckDbEngine.open()
  assert.deepEqual(await engine.table('SELECT 1 AS a, 2 AS a WHERE false'), { columns: ['a', 'a'], rows: [] })
})

test('parameters are bound, not pasted', async () => {
  await using engine = await DuckDbEngine.open()
  assert.deepEqual(await engine.query('SELECT ? AS a, ? AS b, ? AS c', ["o'clock", 2n ** 62n, null]), [
    { a: "o'clock", b: 2n ** 62n, c: null },
  ])
})

test('the portable subset means the same as on Trino', async () => {
  await using engine = await DuckDbEngine.open()
  const rows = await engine.query(
    "SELECT 7 / 2 AS half, regexp_replace('a1b22', '[0-9]+', '-') AS all_of_them, regexp_like('abc', 'b') AS found",
  )
  assert.deepEqual(rows, [{ half: 3, all_of_them: 'a-b-', found: true }])
})

test('an error names the statement and keeps its cause', async () => {
  await using engine = await DuckDbEngine.open()
  await assert.rejects(engine.query({ name: 'sql/checks/x.sql', text: 'SELECT * FROM nowhere' }), (error) => {
    assert.ok(error instanceof PipelineError)
    assert.match(error.message, /^duckdb: sql\/checks\/x\.sql: Catalog Error: Table with name nowhere does not exist/)
    assert.ok(error.cause instanceof Error)
    return true
  })
  await assert.rejects(engine.query("SELECT CAST(x AS INT) FROM (VALUES ('1'), ('no')) AS t(x)"), /Conversion Error/)
})

test('an aborted signal interrupts the running statement', async () => {
  const controller = new AbortController()
  await using engine = await DuckDbEngine.open({ signal: controller.signal })
  const running = engine.query('SELECT count(*) FROM range(100000000000) AS a(i) WHERE i % 7 = 3')
  setTimeout(() => controller.abort(), 50)
  await assert.rejects(running, /Interrupted/)
  await assert.rejects(engine.query('SELECT 1'), /aborted/)
})

test('a Parquet file is the same at every number of threads and under memory pressure', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'duckdb-'))
  const text = `SELECT DISTINCT (i * 7919) % 260000 AS id, 'name ' || (i % 977) AS name, CASE WHEN i % 3 > 0 THEN 'x' || i END AS other
    FROM range(300000) AS t(i) ORDER BY id NULLS LAST, name NULLS LAST, other NULLS LAST`
  const written: Buffer[] = []
  for (const [threads, memoryLimit] of [
    [1, '2GB'],
    [2, '2GB'],
    [4, '80MB'],
  ] as const) {
    await using engine = await DuckDbEngine.open({ threads, memoryLimit, tempDirectory: join(directory, 'spill') })
    assert.equal(await engine.copyToParquet({ name: 'pairs', text }, join(directory, 'pairs.parquet')), 300_000)
    written.push(await readFile(join(directory, 'pairs.parquet')))
  }
  assert.ok(written[1]?.equals(written[0] ?? Buffer.alloc(0)))
  assert.ok(written[2]?.equals(written[0] ?? Buffer.alloc(0)))
  await rm(directory, { recursive: true })
})

test('an engine that is not set up is an error with a hint', async () => {
  assert.deepEqual(engineNames('both'), ['duckdb', 'trino'])
  await assert.rejects(openEngine({ sqlEngine: 'trino', trino: null }), {
    hint: /SQL_ENGINE=duckdb/,
    retryable: false,
  })
})
