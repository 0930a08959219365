import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lakeLedger, lakePromotions } from '../../src/lake/lake-ledger.ts'
import { promotionsDir } from '../../src/lake/layout.ts'
import { failureSteps, promoteRun, promotionSteps, rollback } from '../../src/lake/promotion.ts'
import { recoverPromotions } from '../../src/lake/promotion-recovery.ts'
import { runChild } from './child.ts'
import { LakeLab, target } from './lake-lab.ts'

const now = (): Date => new Date()

function requestOf({ lakeDir }: LakeLab, verdictOn: (runId: string) => string = () => 'sound') {
  return { lakeDir, ledger: lakeLedger(lakeDir, { verdictOn, now }), who: 'me', reason: 'test', now }
}

function audit({ lakeDir }: LakeLab): readonly string[] {
  return lakePromotions(lakeDir).map(
    ({ id, kind, fromRunId, toRunId, state }) => `${id} ${kind} ${fromRunId} ${toRunId} ${state}`,
  )
}

test('promotions and rollbacks are recorded in the lake, and a rollback finds its way back by them', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  const request = requestOf(lab)
  for (const runId of ['r1', 'r2']) promoteRun({ ...request, runId })
  assert.deepEqual(
    [rollback(request).toRunId, request.ledger.isRolledBack('r2'), request.ledger.isRolledBack('r1')],
    ['r1', true, false],
  )
  assert.throws(() => rollback(request), { exitCode: 4, message: /there is no snapshot before r1$/ })
  assert.deepEqual(audit(lab), ['1 promote null r1 done', '2 promote r1 r2 done', '3 rollback r2 r1 done'])
  assert.throws(() => request.ledger.complete(3, () => assert.fail('moved twice')), /promotion 3 of .* is done, not begun$/)
})

test('a gate that has closed in between prevents the move, and the failure is on record', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  let asked = 0
  const verdictOn = (): string => {
    asked += 1
    if (asked > 1) throw new Error('closed')
    return 'sound'
  }
  assert.throws(() => promoteRun({ ...requestOf(lab, verdictOn), runId: 'r1' }), /closed/)
  assert.deepEqual([lab.links(), audit(lab)], [{}, ['1 promote null r1 failed']])
})

test('a promotion killed at any step is settled by the next one', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  promoteRun({ ...requestOf(lab), runId: 'r1' })
  const faults = [
    ...promotionSteps.map((step) => [step, 'kill']),
    ...failureSteps.map((step) => ['before-record', 'fail', step, 'kill']),
  ]
  for (const fault of faults) {
    const ended = await runChild('promote-child.ts', [lab.lakeDir, 'none', 'r2', ...fault])
    assert.deepEqual([ended.signal, ended.stderr], ['SIGKILL', ''])
    const { active } = lab.links()
    const [settled] = recoverPromotions(lab.lakeDir, requestOf(lab).ledger)
    if (fault[0] !== 'before-intent') assert.equal(settled?.outcome, active === target('r2') ? 'done' : 'undone', fault.join(' '))
    assert.equal(lab.links()['active'], active)
    if (active === target('r2')) rollback({ ...requestOf(lab), to: 'r1' })
  }
  assert.deepEqual(recoverPromotions(lab.lakeDir, requestOf(lab).ledger), [])
})

test('a record that is damaged is named', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  promoteRun({ ...requestOf(lab), runId: 'r1' })
  writeFileSync(join(promotionsDir(lab.lakeDir), '000001.json'), '{"promotion_id": 1}')
  assert.throws(() => lakePromotions(lab.lakeDir), {
    message: /promotions\/000001\.json, cannot be read: /,
    hint: /^move the file away/,
  })
})
