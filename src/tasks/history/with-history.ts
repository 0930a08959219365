/** What the tasks of the history have in common: an engine with the events in it, and who records. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { registerEvents } from '../../history/events.ts'
import { historyDir } from '../../history/places.ts'
import type { Recorder } from '../../history/registry.ts'
import type { TaskContext } from '../../scheduler/context.ts'
import { DuckDbEngine } from '../../sql/duckdb.ts'

/** Opens DuckDB with the event tables and their views, hands it to `use`, and closes it. The events of this run so far are seen. */
export async function withHistory<T>(context: TaskContext, use: (engine: DuckDbEngine) => Promise<T>): Promise<T> {
  const spill = spillDirectory(context)
  mkdirSync(historyDir(context.lakeDir), { recursive: true })
  try {
    await using engine = await DuckDbEngine.open({ signal: context.signal, tempDirectory: spill })
    await registerEvents(engine, context.lakeDir)
    return await use(engine)
  } finally {
    rmSync(spill, { recursive: true, force: true })
  }
}

export function spillDirectory({ lakeDir, runId, taskId }: TaskContext): string {
  return join(historyDir(lakeDir), `.tmp-${runId}-${taskId}`)
}

export function recorderOf(context: TaskContext): Recorder {
  return { lakeDir: context.lakeDir, historyRunId: context.runId, recordedAt: context.now().toISOString() }
}

/** Whether everything is to be measured again. */
export function isRebuild({ params }: TaskContext): boolean {
  return params['rebuild'] === 'true'
}
