/** Writes a file into the run's directory, or with `args[0]` = read fails unless it is there and the attempt is not the first. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../../../src/errors.ts'
import { stagingDir } from '../../../src/lake/layout.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function staged({ lakeDir, runId, attempt, args }: TaskContext): Promise<TaskResult> {
  const directory = stagingDir(lakeDir, runId)
  const file = join(directory, 'things')
  if (args[0] !== 'read') {
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, runId)
    return { rows: { things: 1 } }
  }
  if (attempt === 1 || !existsSync(file)) throw new PipelineError(`attempt ${attempt}: what was staged is not there`)
  return {}
}

if (import.meta.main) await runTask(staged)
