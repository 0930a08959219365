import { recordGrowth, uncompared } from '../history/growth.ts'
import { latestKpis } from '../history/measured.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { isRebuild, recorderOf, withHistory } from './history/with-history.ts'

/** Compares each month with the one before and with that a year before, once. */
export async function growth(context: TaskContext): Promise<TaskResult> {
  return withHistory(context, async (history) => {
    const pairs = await uncompared(history, context.lakeDir, isRebuild(context), context.runId)
    // Read once: with every pair the events of all snapshots would be.
    const kpis = pairs.length === 0 ? [] : await latestKpis(history)
    for (const [done, pair] of pairs.entries()) {
      const message = `${pair.run.runId} with ${pair.compared.runId}`
      context.progress({ done, total: pairs.length, unit: 'steps', message })
      await recordGrowth(history, recorderOf(context), pair, kpis)
      context.reached(`compared ${message}`)
    }
    return { note: pairs.length === 0 ? 'nothing new to compare' : `${pairs.length} pairs of snapshots compared` }
  })
}

if (import.meta.main) await runTask(growth)
