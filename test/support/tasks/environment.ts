/** Writes its environment, as far as a task may rely on it, to `<lake>/environment.json`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function environment(context: TaskContext): Promise<TaskResult> {
  const { runId, dagId, taskId, session, attempt, tryNumber, args, params, lakeDir, rawDir, settings } = context
  mkdirSync(lakeDir, { recursive: true })
  const seen = { runId, dagId, taskId, session, attempt, tryNumber, args, params, lakeDir, rawDir, settings }
  const variables = Object.entries(process.env).filter(([name]) =>
    /^(PARAM_|RUN_ID|DAG_|TASK_|SESSION|ATTEMPT|TRY$|DISCOGS_|SQL_|TRINO_|RESULT_)/.test(name),
  )
  const extra = { cwd: process.cwd(), firstPath: process.env['PATH']?.split(':')[0], execPath: process.version }
  writeFileSync(
    join(lakeDir, 'environment.json'),
    JSON.stringify({ context: seen, variables: Object.fromEntries(variables), ...extra }),
  )
  return {}
}

if (import.meta.main) await runTask(environment)
