/** What `npm start` shows at its end. */
import { between, type Cell, grouped, print, shownPath, shownState, styled, table } from '../cli/output.ts'
import { taskTable } from '../cli/outcome.ts'
import { readStore } from '../cli/runs.ts'
import type { Config } from '../config.ts'
import { exampleQuery } from '../discogs/catalogue.ts'
import { activeLink, linkTarget } from '../lake/layout.ts'
import { prevLinks, resolveActive } from '../lake/pointer.ts'
import type { RunOutcome } from '../scheduler/loop.ts'
import type { CheckRecord } from '../scheduler/store.ts'

/** Tasks, rows, checks, the pointer, and what to try next. */
export function printSummary(config: Config, { runId, tasks }: RunOutcome): void {
  using store = readStore(config)
  const run = store.run(runId)
  const active = resolveActive(config.lakeDir)?.runId
  const isTerminal = process.stdout.isTTY
  // A terminal has shown them live, and still does.
  if (!isTerminal) print(`\n${taskTable(tasks)}`)
  print(`\n${rowsTable(tasks)}`)
  print(`\nrun     ${styled('bold', runId)} ${shownState(run.state)} in ${between(run.createdAt, run.endedAt)}`)
  print(`checks  ${checksLine(store.checks(runId))}`)
  print(`active  ${shownPath(activeLink(config.lakeDir))} -> ${active === undefined ? 'nothing' : linkTarget(active)}`)
  print(`\n${styled('bold', 'Next')}`)
  print(`  bin/dag sql "${exampleQuery}"`)
  print('  bin/dag status latest')
  print('  npm run demo:history')
  print(
    prevLinks(config.lakeDir).length === 0
      ? '  bin/dag logs latest ingest.releases'
      : '  bin/dag rollback --reason "as it was before"',
  )
}

/** Rows per dataset, in the order they were written; two datasets a line where there is room. */
function rowsTable(tasks: RunOutcome['tasks']): string {
  // The seal names all datasets once more.
  const rows = [...new Map(tasks.flatMap((task) => Object.entries(task.rows ?? {})))]
  const cells = rows.map(([dataset, count]): readonly Cell[] => [dataset, grouped(count)])
  const half = Math.ceil(cells.length / 2)
  const pairs = cells.slice(0, half).map((left, index) => left.concat(' ', cells[half + index] ?? ['', '']))
  return table(['dataset', '>rows', '', 'dataset', '>rows'], pairs)
}

function checksLine(checks: readonly CheckRecord[]): string {
  const failing = checks.filter((check) => !check.ok)
  const passed = `${checks.length - failing.length} of ${checks.length} passed`
  if (failing.length === 0) return passed
  const count = (severity: string): number => failing.filter((check) => check.severity === severity).length
  const found = ['CRITICAL', 'WARN', 'INFO']
    .filter((severity) => count(severity) > 0)
    .map((severity) => `${count(severity)} ${severity}`)
  return `${passed}, ${found.join(', ')}: bin/dag status latest shows them`
}
