import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventTables, historySchema, latest, latestViews, type LatestView } from '../../src/history/events.ts'
import { registerEvents } from '../../src/history/event-views.ts'
import { monthViews } from '../../src/history/month-views.ts'
import { stagingDir } from '../../src/lake/layout.ts'
import { sealRun } from '../../src/lake/seal.ts'
import { runSchema } from '../../src/serving/trino-lake.ts'
import { syncHistory } from '../../src/serving/trino-history.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { dropSchema } from '../../src/sql/trino-sync.ts'
import { exports as exportCsv } from '../../src/tasks/history-exports.ts'
import { growth } from '../../src/tasks/history-growth.ts'
import { kpis } from '../../src/tasks/history-kpis.ts'
import { register } from '../../src/tasks/history-register.ts'
import { registry } from '../../src/tasks/history-registry.ts'
import { writeReportedRun } from '../support/parquet.ts'
import { publishedSchemas } from '../support/published-schemas.ts'
import { removeLake } from '../support/remove-lake.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'
import { skipTrino as skip, trinoServer } from '../support/trino-server.ts'

const runIds = ['2093-01__20930120_060000', '2093-02__20930220_060000'] as const
const root = mkdtempSync(join(tmpdir(), 'history-trino-'))
const lakeDir = join(root, 'lake')
let trino: TrinoSettings
let endTurn = (): void => {}

before(async () => {
  if (skip !== false) return
  trino = await trinoServer()
  // Others remove schemas of runs while it is their turn.
  endTurn = await publishedSchemas()
  for (const [index, runId] of runIds.entries()) {
    // Text that engines like to treat differently, a NULL, and an empty table.
    await writeReportedRun(stagingDir(lakeDir, runId), runId, {
      artists_v1_typed: [{ artist_id: 1n, name: 'İ ß 😀 ' }],
      labels_v10: [{ label_id: 5n, name: 'Warp' }],
      masters_v1_typed: [{ master_id: 3n, main_release_id: 10n, title: 'Work' }],
      releases_v6: [
        {
          release_id: 10n,
          master_id: 3n,
          country: 'Côte d’Ivoire ',
          released_year: 1999,
          genres: 'Rock',
          data_quality: 'Correct',
        },
        { release_id: 11n, master_id: 4n, country: '', released_year: 7 },
        ...(index === 1 ? [{ release_id: 12n, country: '日本' }] : []),
      ],
      release_tracks_v1: [1, 2, 3].map((track_seq) => ({ release_id: 10n, track_seq })),
      release_genres_v1: [{ release_id: 10n, position: 1, genre: 'Rock' }],
      label_release_counts_v1: [
        { label_norm: '😀', label_name_sample: '😀', n_total_releases: 2n },
        { label_norm: 'ﬀ', label_name_sample: 'ﬀ', n_total_releases: 2n },
      ],
      release_label_xref_v1: [
        { release_id: 10n, label_name: '😀', label_norm: '😀' },
        { release_id: 11n, label_name: '😀', label_norm: '😀' },
        { release_id: 10n, label_name: 'ﬀ', label_norm: 'ﬀ' },
        { release_id: 11n, label_name: 'ﬀ', label_norm: 'ﬀ' },
      ],
    })
    await sealRun(lakeDir, runId, {
      dag: 'main',
      session: `${runId.slice(0, 7)}-20 06:00:00`,
      params: { dump_month: runId.slice(0, 7) },
      code: { version: '0', commit: null },
    })
  }
})
after(async () => {
  if (skip !== false) return
  await using engine = await TrinoEngine.open(trino)
  for (const schema of [historySchema, ...runIds.map(runSchema)]) await dropSchema(engine, schema)
  endTurn()
  removeLake(root)
})

test('KPIs are the same on both engines, value by value, and so is the history that both show', { skip }, async () => {
  const settings = { sqlEngine: 'both', trinoUrl: trino.url, trino, download: standardDownload } as const
  const context = taskContext({ lakeDir, runId: 'history__20930301_000000', dagId: 'history', settings })
  for (const task of [register, registry, kpis, growth, exportCsv]) await task(context)
  await using duckdb = await DuckDbEngine.open()
  await registerEvents(duckdb, lakeDir)
  await using engine = await TrinoEngine.open(trino)
  for (const view of Object.keys(latestViews) as LatestView[]) {
    const rows = await latest(duckdb, view)
    assert.ok(rows.length > 0, view)
    assert.deepEqual(await latest(engine, view), rows, view)
    console.log(`${view}: ${rows.length} rows, ${Object.keys(eventTables[latestViews[view].of]).length} columns`)
  }
  for (const [view, { columns }] of Object.entries(monthViews)) {
    const names = Object.keys(columns).join(', ')
    const text = `SELECT ${names} FROM ${historySchema}.${view} ORDER BY ${Object.keys(columns)
      .map((column) => `${column} NULLS FIRST`)
      .join(', ')}`
    const rows = await duckdb.query({ name: view, text })
    assert.ok(rows.length > 0, view)
    assert.deepEqual(await engine.query({ name: view, text }), rows, view)
  }
  assert.deepEqual(await syncHistory({ lakeDir, trino }), [], 'a second sync has nothing to do')
})
