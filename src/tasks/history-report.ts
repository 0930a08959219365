import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import { latestGrowth } from '../history/growth.ts'
import { latestKpis } from '../history/measured.ts'
import { historyReportsDir } from '../history/places.ts'
import { registeredRuns } from '../history/registry.ts'
import { isMonthPage, latestPage, monthPage } from '../history/report/links.ts'
import { monthInputs, type ReportInput } from '../history/report/model.ts'
import { originMark, originOf } from '../history/report-origin.ts'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/** Null: the page with all months. */
type Month = string | null

/**
 * Draws the history as pages that need no network: one with all months, and one for each month. A page that shows the same numbers
 * already is left as it is.
 */
export async function report(context: TaskContext): Promise<TaskResult> {
  const events = await withHistory(context, async (history) => ({
    runs: await registeredRuns(history),
    kpis: await latestKpis(history),
    growth: await latestGrowth(history),
  }))
  const generatedAt = `${context.now().toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const input = { generatedAt, ...events }
  const directory = historyReportsDir(context.lakeDir)
  const pages = new Map<Month, ReportInput>([...monthInputs(input), [null, input]])
  const old = [...pages].filter(([month, of]) => !isCurrent(join(directory, fileOf(month)), of))
  await drawAll(context, directory, old)
  removeOthers(directory, new Set([...pages.keys()].map(fileOf)))
  const file = join(directory, latestPage)
  if (old.length === 0) return { bytes: readFileSync(file).length, note: `${file}: as it was, nothing is new` }
  return { bytes: readFileSync(file).length, note: `${file}, ${old.length} of ${pages.size} pages are new` }
}

function fileOf(month: Month): string {
  return month === null ? latestPage : monthPage(month)
}

/** The page with all months is written last: what it leads to is there. */
async function drawAll(
  context: TaskContext,
  directory: string,
  pages: readonly (readonly [Month, ReportInput])[],
): Promise<void> {
  if (pages.length === 0) return
  mkdirSync(directory, { recursive: true })
  // Loaded here: the library of the charts takes longer than everything else.
  const { renderMonth, renderReport } = await import('../history/report.ts')
  for (const [done, [month, input]] of pages.entries()) {
    context.signal.throwIfAborted()
    context.progress({ done, total: pages.length, unit: 'steps', message: fileOf(month) })
    writeFileAtomically(join(directory, fileOf(month)), month === null ? renderReport(input) : renderMonth(input, month))
  }
}

function isCurrent(file: string, input: ReportInput): boolean {
  try {
    return readFileSync(file, 'utf8').includes(originMark(originOf(input)))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Removes pages of months that do not count any more. */
function removeOthers(directory: string, kept: ReadonlySet<string>): void {
  for (const name of readdirSync(directory)) if (isMonthPage(name) && !kept.has(name)) rmSync(join(directory, name))
}

if (import.meta.main) await runTask(report)
