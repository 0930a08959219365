/** Many sealed runs out of a few. */
import { cpSync, linkSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dataFileName, reportsDir, runDir, stagingDir } from '../../src/lake/layout.ts'
import { filesOf, type ManifestDataset, readManifest, writeManifest } from '../../src/lake/manifest.ts'

/**
 * The same files under the name of a run of another month: hard links, and a manifest that is true of them.
 * @returns its run id
 */
export function copyRun(source: string, lakeDir: string, month: string): string {
  const manifest = readManifest(source)
  const runId = `${month}__${month.replace('-', '')}20_060000`
  const staging = stagingDir(lakeDir, runId)
  const linked = ({ files, ...dataset }: ManifestDataset): ManifestDataset => ({
    ...dataset,
    files: files.map((file, index) => {
      const path = join(dirname(file.path), dataFileName(runId, index))
      mkdirSync(join(staging, dirname(path)), { recursive: true })
      linkSync(join(source, file.path), join(staging, path))
      return { ...file, path }
    }),
  })
  const datasets = manifest.datasets.map(linked)
  const recordHashes = manifest.recordHashes?.map(linked)
  cpSync(reportsDir(source), reportsDir(staging), { recursive: true })
  const params = { ...manifest.params, dump_month: month }
  writeManifest(staging, {
    ...manifest,
    runId,
    session: `${month}-20 06:00:00`,
    params,
    datasets,
    ...(recordHashes && { recordHashes }),
  })
  renameSync(staging, runDir(lakeDir, runId))
  return runId
}

/** Leaves of every data file of a copy its size alone: whoever reads one fails. */
export function hollowOut(lakeDir: string, runId: string): void {
  const directory = runDir(lakeDir, runId)
  for (const { path, bytes } of filesOf(readManifest(directory))) {
    // Another file in its place: the content is shared with other runs.
    rmSync(join(directory, path))
    writeFileSync(join(directory, path), '')
    truncateSync(join(directory, path), bytes)
  }
}

/** `monthsBefore('2026-01', 2)` is `2025-11`. */
export function monthsBefore(month: string, count: number): string {
  const months = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 - count
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, '0')}`
}
