/** Runs that are published although their promote task died before it could report that: the state becomes what is true. */
import { type Plan, transitiveUpstream } from './plan-graph.ts'
import type { Store, TaskRecord } from './store.ts'

/** A run whose promote task is recorded as successful now. */
export interface SettledRun {
  readonly runId: string
  readonly taskId: string
  /** Tasks that did not start because of it; a retry runs them. */
  readonly left: readonly string[]
}

/**
 * Corrects promote tasks that are recorded as failed or cancelled although their promotion is done, and the tasks below them. A run
 * that is running is left to its scheduler.
 */
export function settlePublishedRuns(store: Store): readonly SettledRun[] {
  return store.change.transaction(() =>
    store.unreportedPromotions().map(({ task, promotionId }) => settle(store, task, promotionId)),
  )
}

function settle(store: Store, task: TaskRecord, promotionId: number): SettledRun {
  const { runId, taskId } = task
  const [run, tasks] = [store.run(runId), store.tasks(runId)]
  const left = heldBackBy(store.planOf(runId), tasks, taskId)
  const reason = `promotion ${promotionId} published the run; the process ended before it could report that`
  const isWhole = tasks.every((one) => one.taskId === taskId || one.state === 'success' || one.state === 'skipped')
  const to = isWhole || run.state === 'running' ? 'success' : run.state
  store.marks.mark(task, { from: task.state, to: 'success', reason, run: { from: run.state, to } })
  for (const one of left) {
    const change = { state: 'cancelled', reason: `not started, since ${taskId} was interrupted; \`dag retry\` runs it` } as const
    store.change.changeTask(one, one.state, change)
  }
  return { runId, taskId, left: left.map((one) => one.taskId) }
}

/** Tasks that did not start because of this one alone. */
function heldBackBy(plan: Plan, tasks: readonly TaskRecord[], taskId: string): readonly TaskRecord[] {
  const broken = new Set(tasks.filter(({ state }) => state === 'failed' || state === 'cancelled').map((one) => one.taskId))
  return tasks.filter((one) => {
    const causes = transitiveUpstream(plan, one.taskId).filter(({ id }) => broken.has(id))
    return one.state === 'upstream_failed' && causes.length > 0 && causes.every(({ id }) => id === taskId)
  })
}
