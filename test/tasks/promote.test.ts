import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
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

test("without the scheduler's state the promote task fails and moves nothing", async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  const stateless = taskContext({ lakeDir: lab.lakeDir, runId: 'r1' })
  await assert.rejects(promote(contextOf(lab, { ledger: () => stateless.ledger() })), /this test has no ledger/)
  assert.deepEqual(lab.links(), {})
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
