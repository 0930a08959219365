/** Small Parquet files for tests, written by DuckDB from values. */
import { statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { datasets, dumps } from '../../src/discogs/catalogue.ts'
import type { Dataset, DumpName } from '../../src/discogs/dataset.ts'
import { warehouseTables } from '../../src/discogs/warehouse.ts'
import { dataFileName } from '../../src/lake/layout.ts'
import { type StagedDataset, type StagedPath, type StagedSource, writeStageReport } from '../../src/lake/stage-report.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import type { SqlValue } from '../../src/sql/engine.ts'
import { literals, quoteIdentifier } from '../../src/sql/quote.ts'

export interface TestColumn {
  readonly name: string
  /** Any SQL type. */
  readonly type: string
}

export type TestRow = Readonly<Record<string, SqlValue>>

/** Writes one file; a column that a row does not name is NULL. */
export async function writeParquet(file: string, columns: readonly TestColumn[], rows: readonly TestRow[]): Promise<void> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  await copy(engine, file, columns, rows)
}

/** Writes every dataset of the catalogue into a run directory: the given rows, else a file with 0 rows. */
export async function writeRun(
  directory: string,
  runId: string,
  tables: Readonly<Record<string, readonly TestRow[]>>,
  only: readonly Dataset[] = datasets,
): Promise<void> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  const unknown = Object.keys(tables).filter((name) => !only.some((dataset) => dataset.name === name))
  if (unknown.length > 0) throw new Error(`not in the catalogue: ${unknown.join(', ')}`)
  for (const { name, columns } of only) {
    await copy(engine, join(directory, name, dataFileName(runId, 0)), columns, tables[name] ?? [])
  }
}

async function copy(engine: DuckDbEngine, file: string, columns: readonly TestColumn[], rows: readonly TestRow[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const stray = rows.flatMap((row) => Object.keys(row)).filter((name) => !columns.some((column) => column.name === name))
  if (stray.length > 0) throw new Error(`${file} has no column ${stray.join(', ')}`)
  const select = columns
    .map(({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`)
    .join(', ')
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const values = rows.map((row) => `(${columns.map(({ name }) => literal(row[name] ?? null)).join(', ')})`)
  const none = `(${columns.map(() => 'NULL').join(', ')})`
  const text = `SELECT ${select} FROM (VALUES ${values.length > 0 ? values.join(', ') : none}) AS t(${names})${values.length > 0 ? '' : ' WHERE false'}`
  await engine.copyToParquet({ name: file, text }, file)
}

function literal(value: SqlValue): string {
  return value === null || typeof value === 'boolean' ? String(value) : literals(value).sql
}

/** What a test wants the stage reports of a run to say beside the rows. */
export interface Said {
  readonly census?: readonly StagedPath[]
  readonly quarantined?: number
  readonly generated?: true
  readonly verification?: StagedSource['verification']
  /** Date of a dump in the name of its file, by dump; others bear 20260401. */
  readonly dates?: Readonly<Partial<Record<DumpName, string>>>
}

/** Writes a run as {@link writeRun} does, with the stage reports that ingest and build would have written. */
export async function writeReportedRun(
  directory: string,
  runId: string,
  tables: Readonly<Record<string, readonly TestRow[]>>,
  said: Said = {},
  only: readonly Dataset[] = datasets,
): Promise<void> {
  await writeRun(directory, runId, tables, only)
  const { census = [], quarantined = 0, verification = 'verified', dates = {}, generated } = said
  for (const dump of dumps) {
    const file = `discogs_${dates[dump.name] ?? '20260401'}_${dump.name}.xml.gz`
    const source = { file, bytes: 1, sha256: '0'.repeat(64), verification }
    writeStageReport(directory, `ingest_${dump.name}`, {
      dump: dump.name,
      source,
      ...(generated === undefined ? {} : { generated }),
      quarantined: dump.name === 'artists' ? quarantined : 0,
      census: dump.name === 'artists' ? census : [],
      datasets: staged(
        directory,
        runId,
        tables,
        dump.datasets.filter((dataset) => only.includes(dataset)),
      ),
    })
  }
  // Who builds the warehouse tables reports them, too.
  if (only.some(({ kind }) => kind === 'warehouse'))
    writeStageReport(directory, 'build_warehouse', {
      datasets: staged(
        directory,
        runId,
        tables,
        warehouseTables.filter((one) => only.includes(one)),
      ),
    })
}

function staged(
  directory: string,
  runId: string,
  tables: Readonly<Record<string, readonly TestRow[]>>,
  of: readonly Dataset[],
): Record<string, StagedDataset> {
  const entries = of.map(({ name }): [string, StagedDataset] => {
    const path = `${name}/${dataFileName(runId, 0)}`
    const rows = tables[name]?.length ?? 0
    return [name, { rows, files: [{ path, rows, bytes: statSync(join(directory, path)).size }] }]
  })
  return Object.fromEntries(entries)
}
