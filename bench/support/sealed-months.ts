/** Sealed months by the dozen, of which only three differ. */
import { cpSync, linkSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoMonths, ensureDumps } from '../../src/demo/month.ts'
import { dataFileName, reportsDir, runDir, stagingDir } from '../../src/lake/layout.ts'
import { type ManifestDataset, readManifest, writeManifest } from '../../src/lake/manifest.ts'
import { sealedRuns } from '../../src/lake/sealed-runs.ts'
import { runShell } from './measure.ts'

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
    await runShell('exec node src/cli/dag.ts backfill main --from 2099-01 --to 2099-03 --rerun failed', environment)
  }
  return sealedRuns(lake).runs.map(({ dir }) => dir)
}

/** Puts months into a lake, up to 2099-03, the last of which is the last of `sources`. @returns their run ids */
export function sealMonths(lakeDir: string, sources: readonly string[], count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const before = count - 1 - index
    return copyRun(sources.at(-1 - (before % sources.length)) ?? '', lakeDir, monthBefore('2099-03', before))
  })
}

/** The same files under the names of another run: hard links, and a manifest that is true of them. */
function copyRun(source: string, lakeDir: string, month: string): string {
  const manifest = readManifest(source)
  const runId = `${month}__${month.replace('-', '')}20_060000`
  const staging = stagingDir(lakeDir, runId)
  const datasets = manifest.datasets.map(({ files, ...dataset }): ManifestDataset => {
    mkdirSync(join(staging, dataset.name), { recursive: true })
    const linked = files.map((file, index) => {
      const path = `${dataset.name}/${dataFileName(runId, index)}`
      linkSync(join(source, file.path), join(staging, path))
      return { ...file, path }
    })
    return { ...dataset, files: linked }
  })
  cpSync(reportsDir(source), reportsDir(staging), { recursive: true })
  const params = { ...manifest.params, dump_month: month }
  writeManifest(staging, { ...manifest, runId, session: `${month}-20 06:00:00`, params, datasets })
  renameSync(staging, runDir(lakeDir, runId))
  return runId
}

/** Leaves of every data file of a run its size alone: whoever reads one fails. */
export function hollowOut(lakeDir: string, runId: string): void {
  const directory = runDir(lakeDir, runId)
  for (const { path, bytes } of readManifest(directory).datasets.flatMap(({ files }) => files)) {
    // Another file in its place: the content is shared with other runs.
    rmSync(join(directory, path))
    writeFileSync(join(directory, path), '')
    truncateSync(join(directory, path), bytes)
  }
}

function monthBefore(month: string, count: number): string {
  const months = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 - count
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, '0')}`
}
