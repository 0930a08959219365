import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackfillOptions, planBackfill, runBackfill } from '../../src/scheduler/backfill.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore } from '../../src/scheduler/store.ts'
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
