/** Succeeds at once; `args[0]` is the number of rows it claims to have written. */
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function quick(context: TaskContext): Promise<TaskResult> {
  return { rows: { things: Number(context.args[0] ?? 1) }, bytes: 10 }
}

if (import.meta.main) await runTask(quick)
