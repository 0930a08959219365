/** What a plan is, and how to walk it. */
import type { TaskDefinition } from './dag.ts'

/** A task as it is executed: how its process is started has become a command. */
export interface PlannedTask extends Omit<TaskDefinition, 'nodeOptions' | 'environment'> {
  /** For `sh -c`, from the project's directory. */
  readonly command: string
}

export interface Plan {
  readonly dagId: string
  /** Null: any number. */
  readonly maxActiveRuns: number | null
  readonly pools: Readonly<Record<string, number>>
  /** Its tasks leave files in the run's directory, which a later attempt builds on. */
  readonly stages: boolean
  readonly tasks: readonly PlannedTask[]
}

/** Every task above `taskId`, in plan order. */
export function transitiveUpstream(plan: Plan, taskId: string): readonly PlannedTask[] {
  const above = new Set(taskNamed(plan, taskId)?.upstream)
  for (const task of plan.tasks.toReversed()) {
    if (above.has(task.id)) for (const upstream of task.upstream) above.add(upstream)
  }
  return plan.tasks.filter((task) => above.has(task.id))
}

export function taskNamed(plan: Plan, taskId: string): PlannedTask | undefined {
  return plan.tasks.find((task) => task.id === taskId)
}

/** Whether checks examine what the task made: after the seal it cannot be made again. */
export function preparesSnapshot(plan: Plan, taskId: string): boolean {
  if (taskNamed(plan, taskId)?.kind !== 'task') return false
  return plan.tasks.some(({ id, kind }) => kind === 'check' && transitiveUpstream(plan, id).some((above) => above.id === taskId))
}
