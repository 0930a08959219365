import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { datasets } from '../../src/discogs/catalogue.ts'
import { PipelineError } from '../../src/errors.ts'
import { runDir, stagingDir } from '../../src/lake/layout.ts'
import { sealRun } from '../../src/lake/seal.ts'
import type { TaskContext } from '../../src/scheduler/context.ts'
import { ledgerOf } from '../../src/scheduler/promotions.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { report } from '../../src/tasks/report.ts'
import { type TestRow, writeReportedRun } from '../support/parquet.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'

const older = '2026-03__20260320_060000'
const newer = '2026-04__20260420_060000'
const sound: Readonly<Record<string, readonly TestRow[]>> = {
  artists_v1_typed: [{ artist_id: 1n, name: 'One' }],
  labels_v10: [{ label_id: 5n, name: 'Warp' }],
  masters_v1_typed: [{ master_id: 3n, main_release_id: 10n, title: 'Work' }],
  releases_v6: [{ release_id: 10n, master_id: 3n, title: 'Work' }],
}
const broken = { ...sound, labels_v10: [{ label_id: 5n }, { label_id: 5n }] }

let directory = ''
let lakeDir = ''
let store: Store
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'report-'))
  lakeDir = join(directory, 'lake')
  store = openStore(join(directory, 'state'))
})
afterEach(async () => {
  store.close()
  // A sealed run is read-only.
  execFileSync('chmod', ['-R', 'u+w', directory])
  await rm(directory, { recursive: true })
})

/** Writes a run and moves the pointer to it, with an entry in the ledger as a promotion makes it. */
async function publish(
  runId: string,
  tables: Readonly<Record<string, readonly TestRow[]>>,
  from: string | null = null,
): Promise<void> {
  await writeReportedRun(stagingDir(lakeDir, runId), runId, tables)
  await sealRun(lakeDir, runId, {
    dag: 'main',
    session: '2026-04-20 06:00:00',
    params: {},
    code: { version: '0.0.0', commit: null },
  })
  // Written past the gate, which is the promote task's business.
  const promotion = { kind: 'promote', fromRunId: from, toRunId: runId, prevLink: null, who: 'test', reason: 'test' } as const
  store.promoting.end(store.promoting.begin(promotion, 'not gated'), 'done', null)
  await rm(join(lakeDir, 'active'), { force: true })
  await symlink(`_runs/${runId}`, join(lakeDir, 'active'))
}

function contextOf(more: Partial<TaskContext> = {}): ReturnType<typeof taskContext> {
  return taskContext({ lakeDir, runId: newer, taskId: 'report', ledger: () => ledgerOf(store), ...more })
}

const reports = async (): Promise<string[]> =>
  (await readdir(join(runDir(lakeDir, newer), '_reports'))).filter((name) => name.includes('sanity'))

test('a sound snapshot is reported to a CSV file named after engine and time, and to the scheduler', async () => {
  await publish(newer, sound)
  const context = contextOf()
  assert.deepEqual(await report(context), {})
  assert.deepEqual(await reports(), ['duckdb_sanity_active_20260421_070809.csv'])
  const csv = await readFile(join(runDir(lakeDir, newer), '_reports/duckdb_sanity_active_20260421_070809.csv'), 'utf8')
  const lines = csv.split('\r\n')
  assert.equal(lines[0], 'check_name,severity,value,ok,details,dataset,expected,previous,duration_ms')
  assert.ok(lines.includes('rows.releases_v6,CRITICAL,1,true,1 rows were written,releases_v6,as many as were written,,0'))
  assert.equal(lines.length, context.heard.checks.length + 2)
  assert.deepEqual(
    context.heard.checks.filter(({ ok }) => !ok),
    [],
  )
  const rows = context.heard.checks
    .filter(({ checkName }) => checkName.startsWith('duckdb_sanity.rows.'))
    .map(({ dataset }) => dataset)
  assert.deepEqual(
    rows,
    datasets.map(({ name }) => name),
  )
})

test('a critical failure moves the pointer back and fails the task', async () => {
  await publish(older, sound)
  await publish(newer, broken, older)
  await assert.rejects(report(contextOf()), (error) => {
    assert.ok(error instanceof PipelineError)
    assert.equal(error.retryable, false)
    assert.match(
      error.message,
      /1 critical check failed: keys\.unique\.labels_v10 \(1\); rolled back, active is 2026-03__20260320_060000$/,
    )
    return true
  })
  assert.equal(await readlink(join(lakeDir, 'active')), `_runs/${older}`)
  assert.equal((await reports()).length, 1)
  assert.equal(store.begunPromotions().length, 0)
})

test('rolling back can be switched off', async () => {
  await publish(older, sound)
  await publish(newer, broken, older)
  await assert.rejects(
    report(contextOf({ params: { rollback_on_failure: 'false' } })),
    /it stays published, since rollback_on_failure is false$/,
  )
  assert.equal(await readlink(join(lakeDir, 'active')), `_runs/${newer}`)
})

test('with nothing to go back to the failure says so', async () => {
  await publish(newer, broken)
  await assert.rejects(report(contextOf()), /1 critical check failed.*it is still published, rolling back failed: /)
  assert.equal(await readlink(join(lakeDir, 'active')), `_runs/${newer}`)
})

test('a warning fails nothing', async () => {
  await publish(newer, {
    ...sound,
    release_styles_v1: [
      { release_id: 10n, position: 1 },
      { release_id: 10n, position: 1 },
    ],
  })
  const context = contextOf()
  await report(context)
  const failed = context.heard.checks.filter(({ ok }) => !ok).map(({ checkName, severity }) => `${severity} ${checkName}`)
  assert.deepEqual(failed, ['WARN duckdb_sanity.keys.unique.release_styles_v1'])
})

test('rows that the engine does not see are critical', async () => {
  await publish(older, sound)
  await publish(newer, sound, older)
  await rm(join(runDir(lakeDir, newer), 'labels_v10', `${newer}-00000.parquet`))
  await assert.rejects(report(contextOf()), /rows\.labels_v10 \(it could not be measured: .*rolled back/)
})

test('an engine that cannot be opened fails the task and moves nothing', async () => {
  await publish(older, sound)
  await publish(newer, broken, older)
  for (const sqlEngine of ['trino', 'both'] as const) {
    await assert.rejects(
      report(contextOf({ settings: { sqlEngine, trinoUrl: null, trino: null, download: standardDownload } })),
      {
        hint: /SQL_ENGINE=duckdb/,
      },
    )
  }
  assert.equal(await readlink(join(lakeDir, 'active')), `_runs/${newer}`)
  assert.deepEqual(await reports(), [])
})

test('a run that is not active is reported on by itself, and says so', async () => {
  await publish(newer, sound)
  await publish(older, broken, newer)
  await publish('2026-05__x', broken, older)
  const note = `run ${newer} is not published (active is 2026-05__x): this report is on its own snapshot`
  const context = contextOf()
  assert.deepEqual(await report(context), { note })
  assert.equal(context.heard.logs[0], note)
  assert.deepEqual(await reports(), ['duckdb_sanity_run_20260421_070809.csv'])
  // Nothing is rolled back for a run that nobody reads.
  await assert.rejects(report(contextOf({ runId: older })), /it is not published: active is 2026-05__x and stays so$/)
  assert.equal(await readlink(join(lakeDir, 'active')), '_runs/2026-05__x')
})

test('a run without a snapshot has nothing to report on', async () => {
  await assert.rejects(report(contextOf()), {
    exitCode: 4,
    message: /2026-04__20260420_060000 is no sealed run: it has no manifest$/,
  })
})
