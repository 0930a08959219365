/** Says its secret param `token` wherever a task can say something; fails with it in attempt 1. Its file in the lake proves that it had it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../../../src/errors.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function leaky(context: TaskContext): Promise<TaskResult> {
  const token = context.params['token'] ?? ''
  mkdirSync(context.lakeDir, { recursive: true })
  writeFileSync(join(context.lakeDir, `token.${context.attempt}`), token)
  context.log(`the token is ${token}`)
  context.progress({ done: 1, total: 2, unit: 'steps', message: token })
  if (context.attempt === 1) throw new PipelineError(`refused: ${token}`, { cause: new Error(token) })
  return { note: `done with ${token}` }
}

if (import.meta.main) await runTask(leaky)
