/** Many sealed runs out of a few. */
import { cpSync, linkSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataFileName, reportsDir, runDir, stagingDir } from '../../src/lake/layout.ts'
import { type ManifestDataset, readManifest, writeManifest } from '../../src/lake/manifest.ts'

/**
 * The same files under the name of a run of another month: hard links, and a manifest that is true of them.
 * @returns its run id
 */
export function copyRun(source: string, lakeDir: string, month: string): string {
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

/** Leaves of every data file of a copy its size alone: whoever reads one fails. */
export function hollowOut(lakeDir: string, runId: string): void {
  const directory = runDir(lakeDir, runId)
  for (const { path, bytes } of readManifest(directory).datasets.flatMap(({ files }) => files)) {
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
