import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promoteRun } from '../../src/lake/promotion.ts'
import { LakeLab } from './lake-lab.ts'
import { Readers } from './reader-thread.ts'

test('readers that resolve active once never fail or mix runs while it moves 200 times', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  const request = { lakeDir: lab.lakeDir, ledger: lab.ledger(), who: 'me', reason: 'test', now: () => new Date() }
  promoteRun({ ...request, runId: 'r1' })
  const readers = new Readers(lab.lakeDir, ['once', 'once', 'once', 'once'])
  await readers.started()
  let moves = 0
  for (let index = 0; index < 200; index += 1)
    if (promoteRun({ ...request, runId: index % 2 === 0 ? 'r2' : 'r1' }).moved) moves += 1
  const seen = await readers.stop()
  assert.equal(moves, 200)
  assert.deepEqual(
    seen.map(({ failures, first }) => [failures, first]),
    [
      [0, null],
      [0, null],
      [0, null],
      [0, null],
    ],
  )
  for (const { reads } of seen) assert.ok(reads > 20, `a reader read ${reads} times only`)
  assert.equal(Object.keys(lab.links()).length, 201)
})
