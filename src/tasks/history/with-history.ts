/** What the tasks of the history have in common: the events, an engine when it is needed, and who records. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { History } from '../../history/history.ts'
import { historyDir } from '../../history/places.ts'
import type { Recorder } from '../../history/registry.ts'
import type { TaskContext } from '../../scheduler/context.ts'
import type { DuckDbEngine } from '../../sql/duckdb.ts'

/** Hands the history to `use`, with the events of this run so far, and closes the engine if `use` has opened it. */
export async function withHistory<T>(context: TaskContext, use: (history: History) => Promise<T>): Promise<T> {
  const spill = spillDirectory(context)
  mkdirSync(historyDir(context.lakeDir), { recursive: true })
  try {
    await using history = new History(context.lakeDir, () => openEngine(context))
    return await use(history)
  } finally {
    rmSync(spill, { recursive: true, force: true })
  }
}

async function openEngine(context: TaskContext): Promise<DuckDbEngine> {
  // Loaded by who needs it: most tasks are done sooner.
  const { DuckDbEngine } = await import('../../sql/duckdb.ts')
  return DuckDbEngine.open({ signal: context.signal, tempDirectory: spillDirectory(context) })
}

function spillDirectory({ lakeDir, runId, taskId }: TaskContext): string {
  return join(historyDir(lakeDir), `.tmp-${runId}-${taskId}`)
}

export function recorderOf(context: TaskContext): Recorder {
  return { lakeDir: context.lakeDir, historyRunId: context.runId, recordedAt: context.now().toISOString() }
}

/** Whether everything is to be measured again. */
export function isRebuild({ params }: TaskContext): boolean {
  return params['rebuild'] === 'true'
}
