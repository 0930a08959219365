/** Sealed months by the dozen, of which only three differ. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoMonths, ensureDumps } from '../../src/demo/month.ts'
import { sealedRuns } from '../../src/lake/sealed-runs.ts'
import { copyRun, monthsBefore } from '../../test/support/copy-run.ts'
import { runTree } from './measure.ts'

/**
 * Generates the three months of the demo, larger, and has the main pipeline seal them; made once.
 * @param releases of the last one; those before have a little less
 * @returns directories of the sealed runs, by month
 */
export async function mainRuns(releases: number): Promise<readonly string[]> {
  const root = join(tmpdir(), 'bench-history', `${releases}`)
  const [raw, lake] = [join(root, 'raw'), join(root, 'lake')]
  if (sealedRuns(lake).runs.length < demoMonths.length) {
    for (const demo of demoMonths) {
      const month = { ...demo, releases: Math.round((demo.releases / demoMonths[2].releases) * releases) }
      console.error(`generating ${month.releases} releases of ${month.month}`)
      await ensureDumps(join(raw, month.month), month)
    }
    const environment = { DISCOGS_RAW: raw, DISCOGS_DATA_LAKE: lake, DAG_STATE: join(root, 'state'), SQL_ENGINE: 'duckdb' }
    const sealed = new Set(sealedRuns(lake).runs.map(({ runId }) => runId))
    for (const { month } of demoMonths) if (!sealed.has(runOf(month))) await runTree(sealingOf(month), environment)
  }
  return sealedRuns(lake).runs.map(({ dir }) => dir)
}

function runOf(month: string): string {
  return `${month}__${month.replace('-', '')}20_060000`
}

/** A session by hand, since a backfill leaves months of the future to the schedule. A run that was interrupted is resumed. */
function sealingOf(month: string): string {
  const dag = 'node src/cli/dag.ts'
  const trigger = `${dag} trigger main --session "${month}-20 06:00:00"`
  return `if ${dag} status ${runOf(month)} > /dev/null 2>&1; then ${dag} retry ${runOf(month)}; else ${trigger}; fi`
}

/** Puts months into a lake, up to 2099-03, the last of which is the last of `sources`. @returns their run ids */
export function sealMonths(lakeDir: string, sources: readonly string[], count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const before = count - 1 - index
    return copyRun(sources.at(-1 - (before % sources.length)) ?? '', lakeDir, monthsBefore('2099-03', before))
  })
}
