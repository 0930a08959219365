import { canonicalJson } from './plan.ts'
import { type Plan, type PlannedTask, taskNamed } from './plan-graph.ts'
import type { TaskState } from './states.ts'

interface Done {
  readonly taskId: string
  readonly state: TaskState
}

/**
 * Which tasks of an ended attempt need not run again: they succeeded, mean the same in the new plan, and so does everything above them.
 * @param redo ids of tasks that must run again although they succeeded
 */
export function carriedOver<Task extends Done>(
  next: Plan,
  previous: { readonly plan: Plan; readonly tasks: readonly Task[] },
  redo: readonly string[],
): readonly Task[] {
  const carried = new Map<string, Task>()
  for (const task of next.tasks) {
    const before = previous.tasks.find((one) => one.taskId === task.id)
    if (before?.state !== 'success' || redo.includes(task.id)) continue
    const planned = taskNamed(previous.plan, task.id)
    if (planned === undefined || meaning(planned) !== meaning(task)) continue
    if (task.upstream.every((above) => carried.has(above))) carried.set(task.id, before)
  }
  return [...carried.values()]
}

/** Patience (retries, timeouts) may change without making a result invalid. */
function meaning({ kind, command, upstream, requires }: PlannedTask): string {
  return canonicalJson({ kind, command, upstream, requires })
}
