import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { followTask } from '../../src/cli/follow.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { Lab, lab, runId, until } from '../scheduler/harness.ts'

test('following a task prints all of its tries, from before the first one until the last has ended', async () => {
  using place = new Lab()
  const dag = lab(({ task }) => {
    const first = task('quick')
    task('flaky', { upstream: [first], retries: 2, retryDelayMs: 50 })
  })
  const run = place.trigger(dag)
  using store = openStore(place.config.stateDir, { readonly: true })
  await until(() => store.findRun(runId) !== null, 'the run')
  const pieces: Buffer[] = []
  await followTask(store, runId, 'flaky', (piece) => pieces.push(piece))
  const tries = store.tries(runId).filter((one) => one.taskId === 'flaky')
  assert.ok(tries.length > 1, `${tries.length} tries`)
  assert.equal(Buffer.concat(pieces).toString(), tries.map((one) => readFileSync(one.logFile, 'utf8')).join(''))
  await run
})
