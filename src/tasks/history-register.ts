import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'

/** Registers every sound snapshot under a schema of its own in Trino, when there is a server; DuckDB reads files where they lie. */
export async function register(context: TaskContext): Promise<TaskResult> {
  const { lakeDir, settings, signal } = context
  if (settings.trino === null) return { note: 'no Trino server is set up: DuckDB reads the files where they lie' }
  // Loaded where there is a server: all of it would slow the start of the task.
  const [{ syncTrino }, { refuseConflicts }, { discoverRuns }] = await Promise.all([
    import('../serving/trino-lake.ts'),
    import('../serving/sync-obstacles.ts'),
    import('../history/discover.ts'),
  ])
  const runs = discoverRuns(lakeDir).flatMap(({ runId, state }) => (state === 'registered' ? [runId] : []))
  const { changes, kept, conflicts } = await syncTrino({ lakeDir, trino: settings.trino, signal, runs, active: false })
  refuseConflicts(conflicts)
  return { note: `${runs.length} snapshots in Trino: ${changes.length} changes, ${kept} relations as they were` }
}

if (import.meta.main) await runTask(register)
