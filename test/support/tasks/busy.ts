/** Reports 2,000 steps of progress in about 1.2 s, then succeeds. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function busy(context: TaskContext): Promise<TaskResult> {
  for (let done = 1; done <= 2000; done += 1) {
    context.progress({ done, total: 2000, unit: 'steps', message: `step ${done}` })
    if (done % 50 === 0) await sleep(30)
  }
  return { rows: { steps: 2000 } }
}

if (import.meta.main) await runTask(busy)
