import { exportHistory } from '../history/exports.ts'
import { historyReportsDir } from '../history/places.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/** Writes the CSV files of the history. */
export async function exports(context: TaskContext): Promise<TaskResult> {
  const files = await withHistory(context, (engine) => exportHistory(engine, context.lakeDir))
  return { note: `${files.join(', ')} in ${historyReportsDir(context.lakeDir)}` }
}

if (import.meta.main) await runTask(exports)
