/** Sealed runs whose rows are given as SQL, for tests of what is told of two of them. */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dataFileName, runDir } from '../../src/lake/layout.ts'
import { writeManifest } from '../../src/lake/manifest.ts'
import type { Snapshot } from '../../src/history/diff.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'

export interface GivenRun {
  readonly runId: string
  readonly dumpMonth: string
  /** UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
  /** A SELECT by dataset. */
  readonly datasets: Readonly<Record<string, string>>
}

/** Seals a run in the lake; its files stay writable. */
export async function sealRows(lakeDir: string, { runId, dumpMonth, session, datasets }: GivenRun): Promise<Snapshot> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  const dir = runDir(lakeDir, runId)
  const described = []
  for (const [name, text] of Object.entries(datasets)) {
    const path = `${name}/${dataFileName(runId, 0)}`
    mkdirSync(join(dir, name), { recursive: true })
    const rows = await engine.copyToParquet({ name, text }, join(dir, path))
    described.push({ name, rows, files: [{ path, bytes: statSync(join(dir, path)).size, rows, sha256: '0'.repeat(64) }] })
  }
  const params = { dump_month: dumpMonth }
  const code = { version: '0', commit: null }
  writeManifest(dir, { runId, dag: 'main', session, params, code, inputs: [], datasets: described })
  return { runId, dir }
}

/** A SELECT of these rows: `rowsOf('release_id BIGINT, title VARCHAR', "(1, 'x')", …)`. */
export function rowsOf(columns: string, ...rows: readonly string[]): string {
  const pairs = columns.split(',').map((column) => column.trim().split(' '))
  const selected = pairs.map(([name, type], index) => `CAST(c${index} AS ${type}) AS ${name}`).join(', ')
  const names = pairs.map((_, index) => `c${index}`).join(', ')
  const values = rows.length === 0 ? `(${pairs.map(() => 'NULL').join(', ')})` : rows.join(', ')
  return `SELECT ${selected} FROM (VALUES ${values}) AS t(${names}) ${rows.length === 0 ? 'WHERE false' : ''}`
}
