import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { datasets } from '../../src/discogs/catalogue.ts'
import { warehouseTables } from '../../src/discogs/warehouse.ts'
import { stagingDir } from '../../src/lake/layout.ts'
import { readStageReports } from '../../src/lake/read-stage-reports.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import type { SqlValue } from '../../src/sql/engine.ts'
import { parquetRows } from '../../src/sql/parquet-files.ts'
import { registerRun } from '../../src/sql/run-views.ts'
import { loadSql } from '../../src/sql/texts.ts'
import { build } from '../../src/tasks/build.ts'
import { readFooter } from '../../src/tasks/checks/parquet-footer.ts'
import { oddTables as tables } from '../support/odd-tables.ts'
import { writeRun } from '../support/parquet.ts'
import { taskContext } from '../support/task-context.ts'

const runId = '2026-04__20260420_060000'
const inputs = datasets.filter(({ kind }) => kind !== 'warehouse')

const expected: Readonly<Record<string, readonly (readonly SqlValue[])[]>> = {
  artist_name_map_v1: [
    ['alias of two', 2n],
    ['alias without id', 1n],
    ['ismail çelik', 1n],
    ['name', 1n],
    ['name', 4n],
    ['name (2)', 2n],
    ['the group', 3n],
    ['the other', 2n],
    ['\u00A0οδοσ\u00A0', 3n],
  ],
  release_artists_v1: [
    [2n, 'i (2)', 2n, '\tİ (2)\n'],
    [10n, 'artist a', 1n, 'ARTIST A'],
    [10n, 'artist a', 1n, 'Artist A'],
    [10n, 'artist a', null, 'Artist A'],
  ],
  release_label_xref_v1: [
    [2n, 'warp', 'warp', 'none', 5n],
    [2n, 'Éditions 😀', 'éditions 😀', '', 8n],
    [10n, 'WARP ', 'warp', null, null],
    [10n, 'Warp', 'warp', 'WAP 1', 5n],
    [10n, 'Warp', 'warp', null, 5n],
  ],
  label_release_counts_v1: [
    ['warp', 'WARP ', 2n],
    ['éditions 😀', 'Éditions 😀', 1n],
  ],
  release_genre_xref_v1: [
    [2n, 'Electronic', 'electronic'],
    [10n, 'Folk, World, & Country', 'folk, world, & country'],
  ],
  release_style_xref_v1: [
    [10n, 'DRUM N BASS', 'drum n bass'],
    [10n, 'Drum n Bass', 'drum n bass'],
    [10n, '\u00A0', '\u00A0'],
  ],
}

let root = ''
let lakeDir = ''
let staging = ''

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'build-'))
  // As DuckDB reads it, this path names two columns and is a pattern.
  lakeDir = join(root, 'label_name=Atlantis', 'artist_id=7', 'lake [1]*')
  staging = stagingDir(lakeDir, runId)
  await writeRun(staging, runId, tables, inputs)
})
after(() => rm(root, { recursive: true }))

const fileOf = (name: string): string => join(staging, name, `${runId}-00000.parquet`)

test('every warehouse table holds exactly the rows its definition asks for, in order', async () => {
  const context = taskContext({ lakeDir, runId })
  const result = await build(context)
  await using engine = await DuckDbEngine.open()
  await registerRun(engine, staging, warehouseTables)
  for (const { name, columns } of warehouseTables) {
    const table = await engine.table(`SELECT * FROM ${parquetRows([fileOf(name)]).sql}`)
    assert.deepEqual(table, { columns: columns.map((column) => column.name), rows: expected[name] }, name)
    const footer = await readFooter(fileOf(name))
    assert.deepEqual(footer, {
      rows: expected[name]?.length,
      columns: columns.map((column) => ({ name: column.name, type: column.type })),
    })
  }
  assert.deepEqual(result.rows, Object.fromEntries(warehouseTables.map(({ name }) => [name, expected[name]?.length])))
  assert.deepEqual(context.heard.steps, [...warehouseTables.map(({ name }, index) => `${index}/6 ${name}`), '6/6'])
})

test('the stage report tells rows and files, and nothing temporary is left', async () => {
  await writeFile(join(staging, '.tmp-build'), 'left by a killed try')
  await mkdir(join(staging, '.tmp-release_artists_v1'))
  await build(taskContext({ lakeDir, runId }))
  const report = readStageReports(staging).find(({ name }) => name === 'build_warehouse')
  const files = await Promise.all(
    warehouseTables.map(async ({ name }) => {
      const rows = expected[name]?.length
      return [
        name,
        { rows, files: [{ path: `${name}/${runId}-00000.parquet`, rows, bytes: (await readFile(fileOf(name))).length }] },
      ]
    }),
  )
  assert.deepEqual(report, { datasets: Object.fromEntries(files), name: 'build_warehouse' })
  assert.deepEqual((await readdir(staging)).toSorted(), ['_reports', ...datasets.map(({ name }) => name).toSorted()])
})

test('building again writes the same bytes, whatever the number of threads', async () => {
  const bytesOf = async (): Promise<Buffer[]> => Promise.all(warehouseTables.map(({ name }) => readFile(fileOf(name))))
  await build(taskContext({ lakeDir, runId }))
  const first = await bytesOf()
  await build(taskContext({ lakeDir, runId }))
  assert.deepEqual(await bytesOf(), first)
  for (const threads of [1, 2]) {
    await using engine = await DuckDbEngine.open({ threads })
    await registerRun(engine, staging, datasets)
    for (const [index, { name }] of warehouseTables.entries()) {
      const file = join(lakeDir, `${name}-${threads}.parquet`)
      await engine.copyToParquet(await loadSql(`build/${name}`), file)
      assert.ok((await readFile(file)).equals(first[index] ?? Buffer.alloc(0)), `${name} with ${threads} threads`)
    }
  }
})

test('a month without rows gives one file with 0 rows for each table', async () => {
  const empty = '2026-05__20260520_060000'
  await writeRun(stagingDir(lakeDir, empty), empty, {}, inputs)
  const result = await build(taskContext({ lakeDir, runId: empty }))
  assert.deepEqual(result.rows, Object.fromEntries(warehouseTables.map(({ name }) => [name, 0])))
  for (const { name, columns } of warehouseTables) {
    const footer = await readFooter(join(stagingDir(lakeDir, empty), name, `${empty}-00000.parquet`))
    assert.deepEqual(footer, { rows: 0, columns: columns.map((column) => ({ name: column.name, type: column.type })) })
  }
})

test('missing inputs are all named, and nothing is written', async () => {
  const partial = '2026-06__20260620_060000'
  const present = inputs.filter(({ name }) => name !== 'release_genres_v1' && name !== 'artists_v1_typed')
  await writeRun(stagingDir(lakeDir, partial), partial, {}, present)
  await assert.rejects(
    build(taskContext({ lakeDir, runId: partial })),
    /artists_v1_typed \(no directory\), release_genres_v1 \(no directory\)/,
  )
  assert.deepEqual((await readdir(stagingDir(lakeDir, partial))).toSorted(), present.map(({ name }) => name).toSorted())
  await assert.rejects(build(taskContext({ lakeDir, runId: 'never_staged' })), { message: /does not exist/, retryable: false })
})

test('a task that is told to stop leaves no half table', async () => {
  const controller = new AbortController()
  controller.abort()
  await assert.rejects(build(taskContext({ lakeDir, runId, signal: controller.signal })), /aborted/)
  assert.deepEqual(
    (await readdir(staging)).filter((name) => name.startsWith('.')),
    [],
  )
})
