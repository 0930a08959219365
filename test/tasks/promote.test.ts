import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkGroups } from '../../src/discogs/check-groups.ts'
import { lakePromotions } from '../../src/lake/lake-ledger.ts'
import { reportsDir, runDir } from '../../src/lake/layout.ts'
import { readManifest, writeManifest } from '../../src/lake/manifest.ts'
import type { TaskContext } from '../../src/scheduler/context.ts'
import { promote } from '../../src/tasks/promote.ts'
import { LakeLab, target } from '../lake/lake-lab.ts'
import { taskContext } from '../support/task-context.ts'

const params = { run_mode: 'prod', allow_promote: 'true' }

function contextOf(lab: LakeLab, more: Partial<TaskContext> = {}): ReturnType<typeof taskContext> {
  return taskContext({ lakeDir: lab.lakeDir, runId: 'r1', taskId: 'promote', params, ledger: () => lab.ledger(), ...more })
}

test('the promote task publishes its run in the name of its user, and does nothing the second time', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  assert.deepEqual(await promote(contextOf(lab)), {})
  assert.deepEqual(lab.links(), { active: target('r1') })
  const [promotion] = lab.store().promotions()
  assert.deepEqual([promotion?.reason, promotion?.who.split('@')[1]], ['run r1', hostname()])
  assert.deepEqual(await promote(contextOf(lab)), { note: 'run r1 is active already' })
  assert.equal(lab.store().promotions().length, 1)
})

test('the promote task skips a month older than the published one, unless allow_older is true', async () => {
  using lab = new LakeLab()
  const [older, newer] = ['2026-03__x', '2026-04__x']
  await lab.seal(older, newer)
  await promote(contextOf(lab, { runId: newer }))
  const { skipped } = await promote(contextOf(lab, { runId: older }))
  assert.match(skipped ?? '', /^its month 2026-03 is older than 2026-04, the month of the published run 2026-04__x; `dag promote/)
  assert.deepEqual(lab.links(), { active: target(newer) })
  assert.deepEqual(await promote(contextOf(lab, { runId: older, params: { ...params, allow_older: 'true' } })), {})
  assert.equal(lab.links()['active'], target(older))
})

test('the promote task skips part of a month, unless allow_partial is true, be anything published or not', async () => {
  using lab = new LakeLab()
  const partial = '2026-05__x'
  await lab.seal('2026-04__x', partial)
  const manifest = readManifest(runDir(lab.lakeDir, partial))
  chmodSync(runDir(lab.lakeDir, partial), 0o755)
  writeManifest(runDir(lab.lakeDir, partial), { ...manifest, partial: { limit: 9 } })
  const reason = /^it holds only the first 9 records of each dump; `dag promote/
  assert.match((await promote(contextOf(lab, { runId: partial }))).skipped ?? '', reason)
  assert.deepEqual(lab.links(), {})
  await promote(contextOf(lab, { runId: '2026-04__x' }))
  const { skipped } = await promote(contextOf(lab, { runId: partial, params: { ...params, allow_older: 'true' } }))
  assert.match(skipped ?? '', reason)
  assert.deepEqual(await promote(contextOf(lab, { runId: partial, params: { ...params, allow_partial: 'true' } })), {})
  assert.equal(lab.links()['active'], target(partial))
})

/** As the check tasks of `main` leave their results. */
function recordChecks(lab: LakeLab, runId: string, ok: boolean): void {
  for (const group of checkGroups) {
    const result = { check_name: `${group}.one`, severity: 'CRITICAL', ok: ok || group !== 'keys', details: 'two rows' }
    writeFileSync(join(reportsDir(runDir(lab.lakeDir, runId)), `check_${group}.json`), JSON.stringify([result]))
  }
}

test('without a scheduler the check results in the lake are the gate, and the lake has the audit trail', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  const context = (runId: string) => contextOf(lab, { runId, ledger: () => null })
  await assert.rejects(promote(context('r1')), {
    retryable: false,
    message: `the gate of run r1 is closed: ${checkGroups.map((group) => `check.${group} has left no results`).join('; ')}`,
  })
  recordChecks(lab, 'r1', false)
  await assert.rejects(promote(context('r1')), { message: 'the gate of run r1 is closed: keys.one failed: two rows' })
  assert.deepEqual([lab.links(), lakePromotions(lab.lakeDir)], [{}, []])
  for (const runId of ['r1', 'r2']) {
    recordChecks(lab, runId, true)
    assert.deepEqual(await promote(context(runId)), {})
  }
  const trail = lakePromotions(lab.lakeDir).map(({ id, state, fromRunId, toRunId, verdict }) => [
    id,
    state,
    fromRunId,
    toRunId,
    verdict,
  ])
  assert.deepEqual(trail, [
    [1, 'done', null, 'r1', '6 checks, 0 critical, 0 warnings'],
    [2, 'done', 'r1', 'r2', '6 checks, 0 critical, 0 warnings'],
  ])
  assert.deepEqual(lab.store().promotions(), [])
})

test('the promote task finishes what a killed one left, and says so', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  const interrupted = { kind: 'promote', fromRunId: null, toRunId: 'r2', prevLink: null, who: 'x', reason: 'y' } as const
  lab.ledger().begin(interrupted)
  const context = contextOf(lab)
  await promote(context)
  assert.deepEqual(context.heard.logs, [
    'promotion 1 to r2: undone: interrupted before the move; active is nothing',
    'active moved to r1',
  ])
})
