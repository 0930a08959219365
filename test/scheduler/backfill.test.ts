import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { type BackfillOptions, planBackfill, runBackfill } from '../../src/scheduler/backfill.ts'
import main from '../../dags/main.ts'
import { table } from '../../src/cli/output.ts'
import type { Dag } from '../../src/scheduler/dag.ts'
import { retryRun, type RunOutcome } from '../../src/scheduler/loop.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { dag as command } from '../cli/support.ts'
import { Lab, lab, scriptsDir } from './harness.ts'

const monthly = '0 6 20 * *'
const good = lab(({ task }) => void task('quick'), monthly)
/** Fails in the first attempt, succeeds in the second. */
const failing = lab(({ task }) => void task('flaky', { args: ['1000', '2'] }), monthly)

function options(made: Lab, more: Partial<BackfillOptions> = {}): BackfillOptions {
  const days = { from: '2025-11', to: '2026-01' }
  const standard = { dag: good, days, order: 'asc', params: {}, rerunFailed: false, maxParallel: 1 } as const
  return { config: made.config, scriptsDir, ...standard, ...more }
}

test('a backfill runs every slot, in the order asked for, and leaves runs that exist alone', async () => {
  using made = new Lab()
  await made.trigger(good, { session: parseSession('2025-12-20 06:00:00') })
  const begun: string[] = []
  const outcomes = await runBackfill(options(made, { order: 'desc' }), (step) => begun.push(step.session))
  assert.deepEqual(begun, ['2026-01-20 06:00:00', '2025-11-20 06:00:00'])
  assert.deepEqual(
    outcomes.map(({ session, action, state, outcome }) => [session, action, state, outcome?.state]),
    [
      ['2026-01-20 06:00:00', 'trigger', null, 'success'],
      ['2025-12-20 06:00:00', 'none', 'success', undefined],
      ['2025-11-20 06:00:00', 'trigger', null, 'success'],
    ],
  )
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(
    store.runs().map((run) => run.trigger),
    ['backfill', 'backfill', 'manual'],
  )
})

test('a slot whose time has not come is left to the schedule', () => {
  using made = new Lab()
  using store = openStore(made.config.stateDir)
  const year = new Date().getUTCFullYear()
  const days = { from: `${year - 1}-12`, to: `${year + 1}-12` }
  const steps = planBackfill(store, options(made, { days }))
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ')
  assert.equal(steps.length, 25)
  for (const { session, action, state } of steps) assert.deepEqual([action, state], [session > now ? 'none' : 'trigger', null])
})

test('a caller may fill months of the future', async () => {
  using made = new Lab()
  const days = { from: '2099-01', to: '2099-03' }
  const outcomes = await runBackfill(options(made, { days, until: new Date('2099-02-28') }), () => {})
  assert.deepEqual(
    outcomes.map(({ runId, action, outcome }) => [runId.slice(-15), action, outcome?.state]),
    [
      ['20990120_060000', 'trigger', 'success'],
      ['20990220_060000', 'trigger', 'success'],
      ['20990320_060000', 'none', undefined],
    ],
  )
})

test('a run that fails stops no other, and is resumed only when asked to', async () => {
  using made = new Lab()
  const first = await runBackfill(options(made, { dag: failing, maxParallel: 3 }), () => {})
  const again = await runBackfill(options(made, { dag: failing }), () => {})
  const resumed = await runBackfill(options(made, { dag: failing, rerunFailed: true, maxParallel: 2 }), () => {})
  assert.deepEqual(
    [first, again, resumed].map((outcomes) => outcomes.map(({ action, outcome }) => `${action} ${outcome?.state}`)),
    [
      ['trigger failed', 'trigger failed', 'trigger failed'],
      ['none undefined', 'none undefined', 'none undefined'],
      ['retry success', 'retry success', 'retry success'],
    ],
  )
})

test('where `dag gc` has removed what a failed run had staged, nothing of it is kept, whoever resumes it', async () => {
  using made = new Lab()
  const staging = lab(
    ({ task }) => {
      const written = task('staged')
      task('reader', { script: 'staged', args: ['read'], upstream: [written] })
    },
    monthly,
    true,
  )
  await runBackfill(options(made, { dag: staging, maxParallel: 3 }), () => {})
  const [kept = '', gone = '', retried = ''] = planBackfillIds(made, staging)
  const database = new Database(databaseFile(made.config.stateDir))
  database.prepare("update run set ended_at = '2026-01-01T00:00:00.000Z' where run_id <> ?").run(kept)
  database.close()
  const env = { DAG_STATE: made.config.stateDir, DISCOGS_DATA_LAKE: made.config.lakeDir }
  const { code, stderr } = await command(['gc', '--yes'], env)
  assert.deepEqual([code, readdirSync(join(made.config.lakeDir, '_runs'))], [0, [`.staging-${kept}`]], stderr)
  const byHand = await retryRun(retried, { config: made.config, scriptsDir })
  const resumed = await runBackfill(options(made, { dag: staging, rerunFailed: true }), () => {})
  assert.deepEqual(carriedTasks(byHand), { staged: null, reader: null })
  assert.deepEqual(
    resumed.map(({ runId, outcome }) => [runId, outcome?.state, outcome === null ? null : carriedTasks(outcome)]),
    [
      [kept, 'success', { staged: 1, reader: null }],
      [gone, 'success', { staged: null, reader: null }],
      [retried, undefined, null],
    ],
  )
})

function planBackfillIds(made: Lab, dag: Dag): readonly string[] {
  using store = openStore(made.config.stateDir, { readonly: true })
  return planBackfill(store, options(made, { dag })).map(({ runId }) => runId)
}

/** By task the attempt in which it succeeded, null for one that ran again. */
function carriedTasks({ tasks }: RunOutcome): Record<string, number | null> {
  return Object.fromEntries(tasks.map(({ taskId, carriedFrom }) => [taskId, carriedFrom]))
}

test('a backfill that is stopped begins no further run', async () => {
  using made = new Lab()
  const stop = new AbortController()
  const outcomes = await runBackfill(options(made, { signal: stop.signal }), () => stop.abort(new Error('enough')))
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome?.state ?? null),
    ['cancelled', null, null],
  )
})

test('a dag without a schedule has nothing to fill, and a plan changes nothing', () => {
  using made = new Lab()
  using store = openStore(made.config.stateDir)
  const byHand = lab(({ task }) => void task('quick'))
  assert.throws(() => planBackfill(store, options(made, { dag: byHand })), { message: /dag lab has no schedule/, exitCode: 2 })
  assert.deepEqual(
    planBackfill(store, options(made)).map(({ runId, action }) => [runId, action]),
    [
      ['lab__20251120_060000', 'trigger'],
      ['lab__20251220_060000', 'trigger'],
      ['lab__20260120_060000', 'trigger'],
    ],
  )
  assert.deepEqual(store.runs(), [])
})

test('a plan of 26,000 slots is made and laid out in a moment', () => {
  using made = new Lab()
  using store = openStore(made.config.stateDir)
  const hourly = { ...main, timetable: { cron: '0 * * * *', timeZone: 'UTC', catchUp: 'latest', catchUpMs: 1 } } as const
  const before = process.cpuUsage()
  const steps = planBackfill(store, options(made, { dag: hourly, days: { from: '2022-12', to: '2025-11' } }))
  const text = table(
    ['session', 'run', 'state', ''],
    steps.map(({ session, runId: id, action }) => [session, id, '', action]),
  )
  const seconds = process.cpuUsage(before).user / 1e6
  assert.deepEqual(
    [steps.length, text.split('\n').at(-1)],
    [26_304, '2025-11-30 23:00:00  2025-11__20251130_230000         trigger'],
  )
  // It took 40; 1.3 are usual, and a machine with much else to do counts more.
  assert.ok(seconds < 5, `${seconds} s`)
})
