/** A lake with snapshots of real and of generated dumps: what months and `latest` name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { snapshotNamed } from '../../src/cli/diff/snapshots.ts'
import { placeOf } from '../../src/cli/sql/place.ts'
import { loadConfig } from '../../src/config.ts'
import { publishingParams } from '../../src/demo/publishing.ts'
import { compile } from '../../src/scheduler/plan.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { lab, scriptsDir } from '../scheduler/harness.ts'
import { publish, sealSmallRun } from './small-lake.ts'
import { Place } from './support.ts'

const real = { runId: '2026-04__20260420_060000', dumpMonth: '2026-04', releases: 1, only: ['releases_v6'] }
const demo = { runId: '2099-01__20990120_060000', dumpMonth: '2099-01', releases: 2, only: ['releases_v6'] }
/** Marked, in a month like others. */
const marked = {
  runId: '2026-05__20260520_060000',
  dumpMonth: '2026-05',
  releases: 3,
  only: ['releases_v6'],
  generated: true,
} as const

const plan = compile(
  lab(({ task }) => void task('build', { script: 'verify' })),
  { projectDir: '.', scriptsDir },
)

/** As the runs of a state, the last one the newest. */
function record(stateDir: string, runs: readonly { readonly runId: string; readonly dumpMonth: string }[]): void {
  let second = 0
  using store = openStore(stateDir, { now: () => new Date(Date.UTC(2026, 5, 1, 0, 0, second)) })
  for (const { runId, dumpMonth } of runs) {
    second += 1
    const session = `${dumpMonth}-20 06:00:00`
    const params = { dump_month: dumpMonth }
    store.change.createRun({
      runId,
      session,
      params,
      trigger: 'manual',
      triggeredBy: 'me',
      plan,
      parallelism: 1,
      lakeDir: '/lake',
      rawDir: '/raw',
    })
  }
}

test('generated snapshots of a lake that has real ones are left out of months and of latest', async () => {
  using place = new Place()
  const config = loadConfig({ environment: place.env })
  const named = (given: string): string => snapshotNamed(config, given).runId
  record(place.stateDir, [real, marked, demo])
  for (const run of [marked, demo]) await sealSmallRun(place.lakeDir, run)
  assert.deepEqual(
    [placeOf(config, { asOf: '2099-12' }).runId, named('latest')],
    [demo.runId, demo.runId],
    'there is no real one',
  )
  publish(place.lakeDir, demo.runId)
  assert.equal(publishingParams(config)['allow_promote'], 'true')

  await sealSmallRun(place.lakeDir, real)
  assert.equal(placeOf(config, { asOf: '2099-12' }).runId, real.runId)
  assert.deepEqual([placeOf(config, { run: 'latest' }).runId, named('latest')], [real.runId, real.runId])
  assert.deepEqual([named(demo.runId), named('active')], [demo.runId, demo.runId], 'their own names still work')
  assert.throws(() => snapshotNamed(config, '2026-05'), /no sealed run .* is of 2026-05/)
  publish(place.lakeDir, real.runId)
  assert.throws(() => publishingParams(config), /the demo does not replace the published 2026-04__20260420_060000/)
})
