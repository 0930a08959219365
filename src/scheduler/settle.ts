/** What a dead scheduler has left behind is brought to an end. The caller holds the lease, so nobody else is at work. */
import { hostname } from 'node:os'
import { killGroup } from '../process-identity.ts'
import { isFinal } from './states.ts'
import type { AttemptRecord, Store, TaskRecord, TryRecord } from './store.ts'

const reason = 'scheduler died'

/** Ends the processes of every attempt still called running, and records it as failed: `dag retry` resumes it. */
export async function settleDeadAttempts(store: Store): Promise<void> {
  for (const attempt of store.runningAttempts()) await settle(store, attempt)
}

async function settle(store: Store, { runId, attempt, host }: AttemptRecord): Promise<void> {
  const running = store.tries(runId).filter((one) => one.attempt === attempt && one.state === 'running')
  if (host === hostname()) {
    for (const { pid, pidStarted } of running) if (pid !== null && pidStarted !== null) await killGroup(pid, pidStarted)
  }
  store.change.transaction(() => {
    for (const one of running) failTry(store, one)
    for (const task of store.tasks(runId, attempt)) cancelTask(store, task)
    store.change.endAttempt({ runId, attempt }, 'failed', reason)
  })
}

function failTry(store: Store, key: TryRecord): void {
  const nothing = { exitCode: null, signal: null, notBefore: null, result: null, checks: [] }
  store.change.endTry(key, { tryState: 'failed', taskState: 'failed', reason, ...nothing })
}

function cancelTask(store: Store, { runId, attempt, taskId, state }: TaskRecord): void {
  if (!isFinal(state)) store.change.changeTask({ runId, attempt, taskId }, state, { state: 'cancelled', reason })
}
