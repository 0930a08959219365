/** States as they are when somebody looks. A scheduler that was killed could not record that it stopped, so the state still says `running`. */
import { lifeOf } from '../process-identity.ts'
import { schedulerHolder } from './lease.ts'
import { isDeferred } from './deferral.ts'
import type { RunState, TaskState } from './states.ts'
import type { RunRecord, Store, TaskRecord } from './store.ts'

/** `interrupted`: running by the state, and its scheduler is dead. `deferred`: it waits for a time, and needs no scheduler meanwhile. */
export type SeenRun = Omit<RunRecord, 'state'> & { readonly state: RunState | 'interrupted' | 'deferred' }

/** `interrupted`: running by the state, and its process is gone. */
export type SeenTask = Omit<TaskRecord, 'state'> & { readonly state: TaskState | 'interrupted' }

export function seenRuns(store: Store, runs: readonly RunRecord[]): readonly SeenRun[] {
  if (!runs.some(({ state }) => state === 'running')) return runs
  const isLed = schedulerHolder(store)?.isAlive === true
  return runs.map((run) => {
    if (run.state !== 'running') return run
    if (isDeferred(store.tasks(run.runId))) return { ...run, state: 'deferred' }
    return isLed ? run : { ...run, state: 'interrupted' }
  })
}

export function seenRun(store: Store, run: RunRecord): SeenRun {
  return seenRuns(store, [run])[0] ?? run
}

/** Tasks of the latest attempt. A process outlives its scheduler: its task is still running then. */
export function seenTasks(store: Store, runId: string): readonly SeenTask[] {
  const tasks = store.tasks(runId)
  if (seenRun(store, store.run(runId)).state !== 'interrupted') return tasks
  const tries = store.tries(runId).filter(({ state }) => state === 'running')
  return tasks.map((task) => {
    const isLost =
      task.state === 'running' && !tries.some(({ taskId, pid, pidStarted }) => taskId === task.taskId && lives(pid, pidStarted))
    return isLost ? Object.assign({}, task, { state: 'interrupted' as const }) : task
  })
}

function lives(pid: number | null, pidStarted: string | null): boolean {
  return pid !== null && pidStarted !== null && lifeOf(pid, pidStarted) !== 'gone'
}
