import { join } from 'node:path'
import { latestGrowth } from '../history/growth.ts'
import { latestKpis } from '../history/measured.ts'
import { historyReportsDir } from '../history/places.ts'
import { registeredRuns } from '../history/registry.ts'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/** Draws the history as one page that needs no network. */
export async function report(context: TaskContext): Promise<TaskResult> {
  const { runs, kpis, growth } = await withHistory(context, async (history) => ({
    runs: await registeredRuns(history),
    kpis: await latestKpis(history),
    growth: await latestGrowth(history),
  }))
  // Loaded here: the library of the charts takes a second.
  const { renderReport } = await import('../history/report.ts')
  const generatedAt = `${context.now().toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const page = renderReport({ generatedAt, runs, kpis, growth })
  const file = join(historyReportsDir(context.lakeDir), 'history_latest.html')
  writeFileAtomically(file, page)
  return { bytes: Buffer.byteLength(page), note: file }
}

if (import.meta.main) await runTask(report)
