/** Fails in a timer, where nobody can catch it. */
import type { TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export function late(): Promise<TaskResult> {
  setTimeout(() => {
    throw new TypeError('too late to be caught')
  }, 10)
  return new Promise((resolve) => setTimeout(resolve, 60_000, {}))
}

if (import.meta.main) await runTask(late)
