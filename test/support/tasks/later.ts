/** Defers itself by `args[0]` ms until `later.ready` lies beside the lake, and keeps a line for each look in `later.looks`. */
import { appendFileSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NotYetError } from '../../../src/errors.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function later(context: TaskContext): Promise<TaskResult> {
  const directory = dirname(context.lakeDir)
  appendFileSync(
    join(directory, 'later.looks'),
    `${context.now().toISOString()} ${context.deferredSince?.toISOString() ?? 'first'}\n`,
  )
  if (existsSync(join(directory, 'later.ready'))) return { note: `ready at try ${context.tryNumber}` }
  throw new NotYetError('it is not ready', new Date(context.now().getTime() + Number(context.args[0] ?? 1_000)))
}

if (import.meta.main) await runTask(later)
