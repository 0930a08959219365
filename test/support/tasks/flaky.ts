/** Fails until try `args[0]`, or in every try without an argument; from attempt `args[1]` on it succeeds. */
import { PipelineError } from '../../../src/errors.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function flaky(context: TaskContext): Promise<TaskResult> {
  const [goodTry = '1000', goodAttempt = '1000'] = context.args
  if (context.tryNumber >= Number(goodTry) || context.attempt >= Number(goodAttempt)) return { note: `try ${context.tryNumber}` }
  throw new PipelineError(`try ${context.tryNumber} fails`, { hint: 'try again', cause: new Error('the reason below') })
}

if (import.meta.main) await runTask(flaky)
