import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { datasets } from '../../src/discogs/catalogue.ts'
import { warehouseTables } from '../../src/discogs/warehouse.ts'
import { stagingDir } from '../../src/lake/layout.ts'
import { readStageReports } from '../../src/lake/read-stage-reports.ts'
import type { TaskSettings } from '../../src/scheduler/context.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import type { SqlTable } from '../../src/sql/engine.ts'
import type { TrinoSettings } from '../../src/sql/trino.ts'
import { build } from '../../src/tasks/build.ts'
import { readFooter } from '../../src/tasks/checks/parquet-footer.ts'
import { oddTables } from '../support/odd-tables.ts'
import { writeRun } from '../support/parquet.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'
import { skipTrino as skip, trinoServer } from '../support/trino-server.ts'

const inputs = datasets.filter(({ kind }) => kind !== 'warehouse')
const [odd, empty] = ['2026-04__20260420_060000', '2026-05__20260520_060000']
let lakeDir = ''
let trino: TrinoSettings

before(async () => {
  if (skip !== false) return
  trino = await trinoServer()
  lakeDir = await mkdtemp(join(tmpdir(), 'build-trino-'))
  await writeRun(stagingDir(lakeDir, odd), odd, oddTables, inputs)
  await writeRun(stagingDir(lakeDir, empty), empty, {}, inputs)
})
after(async () => {
  if (skip === false) await rm(lakeDir, { recursive: true })
})

const on = (sqlEngine: TaskSettings['sqlEngine'], settings = trino): TaskSettings => {
  return { sqlEngine, trinoUrl: settings.url, trino: settings, download: standardDownload }
}

/** Rows of each warehouse table as they lie in its files, and what the footers say. */
async function tablesOf(runId: string): Promise<Record<string, readonly [SqlTable, unknown]>> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  const read: Record<string, readonly [SqlTable, unknown]> = {}
  for (const { name } of warehouseTables) {
    const folder = join(stagingDir(lakeDir, runId), name)
    const files = await readdir(folder)
    assert.deepEqual(files, [`${runId}-00000.parquet`])
    const file = join(folder, `${runId}-00000.parquet`)
    read[name] = [await engine.table(`SELECT * FROM read_parquet('${file}')`), await readFooter(file)]
  }
  return read
}

for (const [what, runId] of [
  ['odd text', odd],
  ['no rows', empty],
] as const) {
  test(`Trino builds the same rows in the same order and shape as DuckDB: ${what}`, { skip }, async () => {
    const first = await build(taskContext({ lakeDir, runId, settings: on('duckdb') }))
    const duckdb = await tablesOf(runId)
    const context = taskContext({ lakeDir, runId, settings: on('trino') })
    const second = await build(context)
    assert.deepEqual(await tablesOf(runId), duckdb)
    assert.deepEqual(second.rows, first.rows)
    assert.deepEqual(context.heard.steps, [...warehouseTables.map(({ name }, index) => `${index}/6 ${name}`), '6/6'])
    const staged = readStageReports(stagingDir(lakeDir, runId)).find(({ name }) => name === 'build_warehouse')
    assert.deepEqual(
      Object.entries(staged?.datasets ?? {}).map(([name, { rows }]) => [name, rows]),
      Object.entries(first.rows ?? {}),
    )
    assert.deepEqual(
      (await readdir(stagingDir(lakeDir, runId))).filter((name) => name.startsWith('.')),
      [],
    )
  })
}

test('a server that does not see the lake builds nothing', { skip }, async () => {
  const elsewhere = { ...trino, lakeUri: `local:${lakeDir}` }
  await assert.rejects(
    build(taskContext({ lakeDir, runId: odd, settings: on('trino', elsewhere) })),
    /Trino sees other rows than were written|External location|not a valid|local:/,
  )
})

test('without a server the build fails, may be tried again, and leaves nothing', { skip, timeout: 60_000 }, async () => {
  const nobody = { ...trino, url: 'http://127.0.0.1:1' }
  await assert.rejects(build(taskContext({ lakeDir, runId: odd, settings: on('trino', nobody) })), { retryable: true })
  assert.deepEqual(
    (await readdir(stagingDir(lakeDir, odd))).filter((name) => name.startsWith('.')),
    [],
  )
})

test('a task that is told to stop leaves no half table', { skip }, async () => {
  const controller = new AbortController()
  const context = taskContext({ lakeDir, runId: odd, settings: on('trino'), signal: controller.signal })
  await assert.rejects(build({ ...context, progress: () => controller.abort(new Error('told to stop')) }), /told to stop/)
  assert.deepEqual(
    (await readdir(stagingDir(lakeDir, odd))).filter((name) => name.startsWith('.')),
    [],
  )
})
