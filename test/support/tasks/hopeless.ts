/** Fails in a way that no other try can help. */
import { PipelineError } from '../../../src/errors.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export function hopeless(context: TaskContext): Promise<TaskResult> {
  return Promise.reject(new PipelineError(`${context.taskId} is hopeless`, { retryable: false }))
}

if (import.meta.main) await runTask(hopeless)
