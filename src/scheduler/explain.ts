/** Why a task is where it is: what it waits for, or what stopped it. Pure. */
import { isDeferred } from './deferral.ts'
import { closedBy, unmetGuardrail } from './gate.ts'
import { type Plan, taskNamed, transitiveUpstream } from './plan-graph.ts'
import { isFinal } from './states.ts'
import type { RunRecord, TaskRecord, TryRecord } from './store.ts'

export interface Circumstances {
  readonly run: RunRecord
  readonly plan: Plan
  /** Of the latest attempt. */
  readonly tasks: readonly TaskRecord[]
  readonly tries: readonly TryRecord[]
  /** How many tasks run at once. */
  readonly parallelism: number
  /** Whether the process that runs the run lives. */
  readonly isLed: boolean
  readonly now: Date
}

/** In words, the nearest reason first. */
export function explain(circumstances: Circumstances, taskId: string): readonly string[] {
  const { run, plan, tasks, isLed } = circumstances
  const task = tasks.find((one) => one.taskId === taskId)
  const planned = taskNamed(plan, taskId)
  if (task === undefined || planned === undefined) return []
  const lost =
    run.state === 'running' && !isLed && !isDeferred(tasks)
      ? [`the run is interrupted, its scheduler was killed: \`dag retry ${run.runId}\` resumes it`]
      : []
  const why = isFinal(task.state) ? ended(circumstances, task) : pending(circumstances, task)
  const guardrail = task.kind === 'promote' && !isFinal(task.state) ? unmetGuardrail(planned, run.params) : null
  return [...lost, ...why, ...(guardrail === null ? [] : [`it will be skipped: ${guardrail}`])]
}

function pending({ plan, tasks, tries, parallelism, now }: Circumstances, task: TaskRecord): readonly string[] {
  const lastTry = tries.findLast((one) => one.taskId === task.taskId && one.attempt === task.attempt)
  switch (task.state) {
    case 'waiting':
      return blockers(plan, tasks, task.taskId).map(
        (one) => `it waits for ${one.taskId}, which is ${one.state}${since(one.startedAt, now)}`,
      )
    case 'queued': {
      const running = tasks.filter((one) => one.state === 'running').map((one) => one.taskId)
      return [
        `it may start, and waits for one of ${parallelism} places: ${running.join(', ')} ${running.length === 1 ? 'runs' : 'run'}`,
      ]
    }
    case 'retry_wait':
      return [
        `try ${task.tries} of ${task.retries + 1} failed: ${lastTry?.reason ?? 'no reason known'}`,
        `the next try starts at ${task.notBefore}`,
      ]
    case 'deferred':
      return [`not yet: ${task.reason ?? 'no reason known'}`, `it looks again at ${task.notBefore}`]
    default:
      return [`it is running, try ${task.tries}${since(lastTry?.startedAt ?? null, now)}, process ${lastTry?.pid ?? 'unknown'}`]
  }
}

function ended(circumstances: Circumstances, task: TaskRecord): readonly string[] {
  const { plan, tasks } = circumstances
  const told = `it is ${task.state}${task.reason === null ? '' : `: ${task.reason}`}`
  if (task.carriedFrom !== null) return [`it succeeded in attempt ${task.carriedFrom} and was not run again`]
  if (task.state === 'upstream_failed') return [told, ...rootCauses(plan, tasks, task.taskId)]
  const isGate = task.kind === 'promote' && task.state === 'failed'
  return isGate ? [told, ...closedBy(plan, task.taskId, new Map(tasks.map((one) => [one.taskId, one])))] : [told]
}

/** What must end first: the direct neighbours, and the tasks above them that something is happening to. */
function blockers(plan: Plan, tasks: readonly TaskRecord[], taskId: string): readonly TaskRecord[] {
  const direct = new Set(taskNamed(plan, taskId)?.upstream)
  const above = new Set(transitiveUpstream(plan, taskId).map((one) => one.id))
  const open = tasks.filter((one) => above.has(one.taskId) && !isFinal(one.state))
  return open.filter((one) => direct.has(one.taskId) || one.state !== 'waiting').toReversed()
}

function rootCauses(plan: Plan, tasks: readonly TaskRecord[], taskId: string): readonly string[] {
  const above = new Set(transitiveUpstream(plan, taskId).map((one) => one.id))
  const causes = tasks.filter((one) => above.has(one.taskId) && (one.state === 'failed' || one.state === 'cancelled'))
  return causes.map((one) => `the cause: ${one.taskId} is ${one.state}: ${one.reason ?? 'no reason known'}`)
}

function since(startedAt: string | null, now: Date): string {
  return startedAt === null ? '' : ` for ${Math.max(0, Math.round((now.getTime() - Date.parse(startedAt)) / 1000))} s`
}
