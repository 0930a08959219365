import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import { latestGrowth } from '../history/growth.ts'
import { latestKpis } from '../history/measured.ts'
import { historyReportsDir } from '../history/places.ts'
import { registeredRuns } from '../history/registry.ts'
import { originMark, originOf } from '../history/report-origin.ts'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/** Draws the history as one page that needs no network. One that shows the same numbers already is left as it is. */
export async function report(context: TaskContext): Promise<TaskResult> {
  const history = await withHistory(context, async (history) => ({
    runs: await registeredRuns(history),
    kpis: await latestKpis(history),
    growth: await latestGrowth(history),
  }))
  const file = join(historyReportsDir(context.lakeDir), 'history_latest.html')
  const before = pageAt(file)
  if (before?.includes(originMark(originOf(history))) === true)
    return { bytes: Buffer.byteLength(before), note: `${file}: as it was, nothing is new` }
  // Loaded here: the library of the charts takes longer than everything else.
  const { renderReport } = await import('../history/report.ts')
  const generatedAt = `${context.now().toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const page = renderReport({ generatedAt, ...history })
  writeFileAtomically(file, page)
  return { bytes: Buffer.byteLength(page), note: file }
}

/** Null when there is none. */
function pageAt(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

if (import.meta.main) await runTask(report)
