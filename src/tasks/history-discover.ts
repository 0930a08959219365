import { discoverRuns } from '../history/discover.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'

/** Lists the snapshots of the lake and what is wrong with them; changes nothing. */
export async function discover(context: TaskContext): Promise<TaskResult> {
  await Promise.resolve()
  const runs = discoverRuns(context.lakeDir)
  for (const { runId, reason } of runs) context.log(`${runId}: ${reason ?? 'sound'}`)
  const invalid = runs.filter(({ state }) => state === 'invalid').length
  return { note: `${runs.length} snapshots, ${invalid} of them invalid` }
}

if (import.meta.main) await runTask(discover)
