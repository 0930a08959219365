/** Works until it is stopped, then cleans up: `<lake>/<task>.started` and `.cleaned` tell. From attempt `args[0]` on it succeeds at once. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function patient(context: TaskContext): Promise<TaskResult> {
  if (context.attempt >= Number(context.args[0] ?? 1000)) return {}
  mkdirSync(context.lakeDir, { recursive: true })
  context.progress({ done: 1, total: 4, unit: 'steps' })
  writeFileSync(join(context.lakeDir, `${context.taskId}.started`), String(process.pid))
  try {
    await sleep(120_000, undefined, { signal: context.signal })
    return {}
  } finally {
    writeFileSync(join(context.lakeDir, `${context.taskId}.cleaned`), '')
  }
}

if (import.meta.main) await runTask(patient)
