import { exportHistory } from '../history/exports.ts'
import { historyReportsDir } from '../history/places.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/** Writes the CSV files of the history, and shows its tables on a Trino server, when there is one. */
export async function exports(context: TaskContext): Promise<TaskResult> {
  const { lakeDir, signal, settings } = context
  const files = await withHistory(context, (history) => exportHistory(history, lakeDir))
  if (settings.trino !== null) {
    // Loaded where there is a server: the client would slow the start of the task.
    const { syncHistory } = await import('../serving/trino-history.ts')
    const changes = await syncHistory({ lakeDir, trino: settings.trino, signal })
    context.log(`Trino: ${changes.length} changes in the schema of the history`)
  }
  return { note: `${files.join(', ')} in ${historyReportsDir(lakeDir)}` }
}

if (import.meta.main) await runTask(exports)
