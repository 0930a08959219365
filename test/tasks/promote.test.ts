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

for (const [given, note] of [
  [{}, 'skipped: run_mode is not set, not prod; allow_promote is not set, not true'],
  [{ ...params, run_mode: 'test' }, 'skipped: run_mode is test, not prod'],
  [{ ...params, allow_promote: 'false' }, 'skipped: allow_promote is false, not true'],
] as const) {
  test(`with params ${JSON.stringify(given)} the promote task moves nothing and says why`, async () => {
    using lab = new LakeLab()
    await lab.seal('r1')
    assert.deepEqual(await promote(contextOf(lab, { params: given })), { note })
    assert.deepEqual([lab.links(), lab.store().promotions()], [{}, []])
  })
}

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
