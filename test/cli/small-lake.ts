/** Sealed runs of a few rows, made in a second: datasets of the catalogue, files, manifest, modes and link as the pipeline leaves them. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../../src/discogs/catalogue.ts'
import { activeLink, dataFileName, linkTarget, prevLinkPrefix, runDir } from '../../src/lake/layout.ts'
import { writeManifest } from '../../src/lake/manifest.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { quoteIdentifier } from '../../src/sql/quote.ts'

export interface SmallRun {
  readonly runId: string
  readonly dumpMonth: string
  /** Rows of releases_v6; the other tables have none. */
  readonly releases: number
  /** The catalogue's, unless fewer are enough. */
  readonly only?: readonly string[]
  readonly generated?: true
}

/** Seals a run in the lake. */
export async function sealSmallRun(lakeDir: string, { runId, dumpMonth, releases, only, generated }: SmallRun): Promise<void> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  const directory = runDir(lakeDir, runId)
  mkdirSync(directory, { recursive: true })
  const described = []
  for (const { name, columns } of datasets.filter((dataset) => only?.includes(dataset.name) ?? true)) {
    const rows = name === 'releases_v6' ? releases : 0
    const path = `${name}/${dataFileName(runId, 0)}`
    mkdirSync(join(directory, name))
    const values = columns.map((column) => `${valueOf(column)} AS ${quoteIdentifier(column.name)}`)
    await engine.copyToParquet(
      { name, text: `SELECT ${values.join(', ')} FROM range(${rows}) AS t(i) ORDER BY i` },
      join(directory, path),
    )
    const bytes = statSync(join(directory, path)).size
    described.push({ name, rows, files: [{ path, bytes, rows, sha256: '0'.repeat(64) }] })
  }
  const session = '2026-04-20 06:00:00'
  const params = { dump_month: dumpMonth }
  writeManifest(directory, {
    runId,
    dag: 'main',
    session,
    params,
    code: { version: '0', commit: null },
    inputs: [],
    ...(generated === true ? { generated } : {}),
    datasets: described,
  })
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, entry)
    chmodSync(path, statSync(path).isDirectory() ? 0o555 : 0o444)
  }
  chmodSync(directory, 0o555)
}

/** Points `active` at a run, and keeps the one before. */
export function publish(lakeDir: string, runId: string, previous: string | null = null): void {
  if (previous !== null) symlinkSync(linkTarget(previous), join(lakeDir, `${prevLinkPrefix}20260101_000000000`))
  const temporary = join(lakeDir, '.active-test')
  symlinkSync(linkTarget(runId), temporary)
  renameSync(temporary, activeLink(lakeDir))
}

/** Makes everything below writable again. */
export function unlock(directory: string): void {
  if (!existsSync(directory)) return
  chmodSync(directory, 0o755)
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(join(directory, entry.name))
    else if (entry.isFile()) chmodSync(join(directory, entry.name), 0o644)
  }
}

export function removeRun(lakeDir: string, runId: string): void {
  unlock(runDir(lakeDir, runId))
  rmSync(runDir(lakeDir, runId), { recursive: true })
}

function valueOf({ name, type }: { readonly name: string; readonly type: string }): string {
  if (name === 'release_id') return 'CAST(i + 1 AS BIGINT)'
  if (name === 'title') return "'Title, ' || i"
  return `CAST(NULL AS ${type})`
}
