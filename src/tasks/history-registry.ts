import { recordRuns } from '../history/registry.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { isRebuild, recorderOf, withHistory } from './history/with-history.ts'

/** Appends what is new about the snapshots to the registry: found, invalid, gone. */
export async function registry(context: TaskContext): Promise<TaskResult> {
  const recorded = await withHistory(context, (history) => recordRuns(history, recorderOf(context), isRebuild(context)))
  for (const { runId, state, reason } of recorded) context.log(`${runId}: ${state}${reason === null ? '' : `: ${reason}`}`)
  return { rows: { run_registry_events: recorded.length }, ...(recorded.length === 0 ? { note: 'nothing is new' } : {}) }
}

if (import.meta.main) await runTask(registry)
