import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settlePublishedRuns } from '../../src/scheduler/published-runs.ts'
import type { TaskState } from '../../src/scheduler/states.ts'
import type { Store } from '../../src/scheduler/store.ts'
import { LakeLab } from '../lake/lake-lab.ts'

const runId = 'r1'
const key = { runId, attempt: 1, taskId: 'publish', tryNumber: 1 }

/** A run that is about to end: its check has succeeded, and its promote task has begun. */
async function promoting(lab: LakeLab): Promise<Store> {
  await lab.seal(runId)
  const store = lab.store()
  store.change.changeTask(key, 'waiting', { state: 'queued', reason: null })
  store.change.startTry(key, { files: { logFile: 'x', resultFile: 'y' }, deadline: null, process: null })
  return store
}

function publish(lab: LakeLab): void {
  const promotion = { kind: 'promote', fromRunId: null, toRunId: runId, prevLink: null, who: 'x', reason: 'y' } as const
  lab.ledger().complete(lab.ledger().begin(promotion), () => {})
}

function end(store: Store, state: Extract<TaskState, 'failed' | 'cancelled'>): void {
  const ended = { exitCode: null, signal: 'SIGKILL', notBefore: null, result: null, checks: [] }
  store.change.endTry(key, { ...ended, tryState: state, taskState: state, reason: 'killed by SIGKILL' })
  store.change.endAttempt(key, state, 'failed: publish')
}

for (const state of ['failed', 'cancelled'] as const) {
  test(`a ${state} promote task whose promotion is done becomes a success, and its run with it when nothing is left`, async () => {
    using lab = new LakeLab()
    const store = await promoting(lab)
    publish(lab)
    assert.deepEqual(settlePublishedRuns(store), [], 'a running run is left to its scheduler')
    end(store, state)
    assert.deepEqual(settlePublishedRuns(store), [{ runId, taskId: 'publish', left: [] }])
    const reason = 'promotion 1 published the run; the process ended before it could report that'
    const task = store.tasks(runId).find(({ taskId }) => taskId === 'publish')
    assert.deepEqual([task?.state, task?.reason], ['success', reason])
    assert.deepEqual([store.run(runId).state, store.attempt(runId).state], ['success', 'success'])
    assert.deepEqual(
      store
        .events(runId)
        .slice(-2)
        .map(({ subject, fromState, toState }) => [subject, fromState, toState]),
      [
        ['task', state, 'success'],
        ['run', state, 'success'],
      ],
    )
    assert.deepEqual(settlePublishedRuns(store), [])
  })
}

test('a promote task that failed by itself stays failed, also when a person promotes the run later', async () => {
  using lab = new LakeLab()
  const store = await promoting(lab)
  end(store, 'failed')
  // Begun in a later millisecond than the task ended in.
  while (new Date().toISOString() <= (store.run(runId).endedAt ?? '')) await new Promise(setImmediate)
  publish(lab)
  assert.deepEqual(settlePublishedRuns(store), [])
  assert.equal(store.run(runId).state, 'failed')
})
