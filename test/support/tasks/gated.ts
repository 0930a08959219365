/**
 * Works until `<lake>/go` exists, then succeeds. Each start appends a line with its pid to `<lake>/<task>.starts`; `args[0]` = helper:
 * it starts a process of its own, whose pid stands in `<lake>/<task>.helper`.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function gated(context: TaskContext): Promise<TaskResult> {
  const { lakeDir, taskId, args, signal } = context
  mkdirSync(lakeDir, { recursive: true })
  if (args[0] === 'helper') writeFileSync(join(lakeDir, `${taskId}.helper`), String(spawn('sleep', ['100']).pid))
  appendFileSync(join(lakeDir, `${taskId}.starts`), `${process.pid}\n`)
  while (!existsSync(join(lakeDir, 'go'))) await sleep(10, undefined, { signal })
  context.log('the way is free')
  return { rows: { things: 7 } }
}

if (import.meta.main) await runTask(gated)
