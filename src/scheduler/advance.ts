import { closedBy, type GateTask, unmetGuardrail } from './gate.ts'
import type { Plan, PlannedTask } from './plan.ts'
import { isFinal, type RunState, type TaskState } from './states.ts'

/** What a decision must know of a task. */
export interface TaskStatus extends GateTask {
  /** Of retry_wait and deferred: the next try starts no earlier. ISO 8601. */
  readonly notBefore: string | null
  /** Tries so far; a task that is skipped without one was never started. */
  readonly tries: number
  /** When its last try ended. ISO 8601. */
  readonly endedAt: string | null
}

export interface TaskChange {
  readonly state: TaskState
  /** What stays to be said of the task. */
  readonly reason: string | null
  /** Why it changes, when the reason does not say so. */
  readonly because?: string
}

export interface Circumstances {
  readonly params: Readonly<Record<string, string>>
  readonly now: Date
}

/**
 * Decides which tasks of an attempt change state next.
 * @param tasks by task id, every task of the plan
 * @returns by task id, only for the tasks that change
 */
export function advance(
  plan: Plan,
  tasks: ReadonlyMap<string, TaskStatus>,
  { params, now }: Circumstances,
): Map<string, TaskChange> {
  const changes = new Map<string, TaskChange>()
  const stateOf = (id: string): TaskState => changes.get(id)?.state ?? tasks.get(id)?.state ?? 'waiting'
  // Plan order is topological: what is decided for a task is seen by those below it in the same round.
  for (const task of plan.tasks) {
    const status = tasks.get(task.id)
    if (isWaitingForTime(status) && isDue(status, now)) changes.set(task.id, queued('the wait before the next try is over'))
    if (status?.state !== 'waiting') continue
    const change = fromUpstream(task, tasks, stateOf) ?? start(plan, task, tasks, params)
    if (change !== 'stay') changes.set(task.id, change)
  }
  return changes
}

/** How the attempt has ended; null while something can still happen. */
export function attemptEnd(
  tasks: ReadonlyMap<string, GateTask>,
): { readonly state: Exclude<RunState, 'running'>; readonly reason: string | null } | null {
  const states = [...tasks.values()].map((task) => task.state)
  if (!states.every(isFinal)) return null
  const idsOf = (state: TaskState): readonly string[] => [...tasks].filter(([, task]) => task.state === state).map(([id]) => id)
  const failed = idsOf('failed')
  if (failed.length > 0) return { state: 'failed', reason: `failed: ${failed.join(', ')}` }
  if (states.includes('upstream_failed')) return { state: 'failed', reason: `cancelled: ${idsOf('cancelled').join(', ')}` }
  return states.includes('cancelled')
    ? { state: 'cancelled', reason: 'tasks were cancelled' }
    : { state: 'success', reason: null }
}

/** What the tasks directly above decide; null when the task may start. A task that ran and skipped its work holds nothing back. */
function fromUpstream(
  { upstream }: PlannedTask,
  tasks: ReadonlyMap<string, TaskStatus>,
  stateOf: (id: string) => TaskState,
): TaskChange | 'stay' | null {
  const broken = upstream.find((id) => ['failed', 'upstream_failed', 'cancelled'].includes(stateOf(id)))
  if (broken !== undefined) return { state: 'upstream_failed', reason: `${broken} is ${stateOf(broken)}` }
  if (!upstream.every((id) => isFinal(stateOf(id)))) return 'stay'
  const skipped = upstream.find((id) => stateOf(id) === 'skipped' && (tasks.get(id)?.tries ?? 0) === 0)
  return skipped === undefined ? null : { state: 'skipped', reason: `${skipped} was skipped` }
}

/** Guardrail and gate of a promotion; every other task is simply queued. */
function start(
  plan: Plan,
  task: PlannedTask,
  tasks: ReadonlyMap<string, TaskStatus>,
  params: Circumstances['params'],
): TaskChange {
  if (task.kind !== 'promote')
    return queued(task.upstream.length === 0 ? 'nothing is above it' : 'every task above it has ended well')
  const unmet = unmetGuardrail(task, params)
  if (unmet !== null) return { state: 'skipped', reason: unmet }
  const closed = closedBy(plan, task.id, tasks)
  return closed.length === 0
    ? queued('every task above it has succeeded and the gate is open')
    : { state: 'failed', reason: `the gate is closed: ${closed.join('; ')}` }
}

function isWaitingForTime(status: TaskStatus | undefined): status is TaskStatus {
  return status?.state === 'retry_wait' || status?.state === 'deferred'
}

function queued(because: string): TaskChange {
  return { state: 'queued', reason: null, because }
}

/** A clock that stands before the end of the last try has been set back: then nobody knows how long is left, and waiting long is worse. */
function isDue({ notBefore, endedAt }: TaskStatus, now: Date): boolean {
  return notBefore === null || new Date(notBefore) <= now || (endedAt !== null && now < new Date(endedAt))
}
