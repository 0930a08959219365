/** The tables of one snapshot in DuckDB, and what it does not have of what the catalogue knows today. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import type { SqlEngine } from '../sql/engine.ts'
import { parquetSchemas } from '../sql/parquet-files.ts'
import { registerReadable } from '../sql/run-views.ts'
import { isInteger } from './diff/sides.ts'
import type { Needs } from './questions.ts'

/** Of a snapshot that was sealed before something was thought of. */
export interface Lacks {
  /** Why it does not have them, by dataset. */
  readonly datasets: ReadonlyMap<string, string>
  /** Names of columns by a dataset that has others. */
  readonly columns: ReadonlyMap<string, readonly string[]>
  /** Columns that are there with another type. */
  readonly types: readonly OtherType[]
}

interface OtherType {
  readonly dataset: string
  readonly column: string
  /** As DuckDB names it. */
  readonly found: string
  readonly declared: string
}

export const nothing: Lacks = { datasets: new Map(), columns: new Map(), types: [] }

/** Whether a snapshot has all of this. */
export function hasAll(needs: Needs, lacks: Lacks): boolean {
  return [...needs].every(([name, needed]) => {
    const unusable = unusableColumns(lacks, name)
    return !lacks.datasets.has(name) && !needed.some((column) => unusable.has(column))
  })
}

/** Columns of a dataset that are missing or have another type. */
export function unusableColumns({ columns, types }: Lacks, name: string): ReadonlySet<string> {
  return new Set([...(columns.get(name) ?? []), ...types.filter(({ dataset }) => dataset === name).map(({ column }) => column)])
}

/** Creates a view for each dataset over its files in a run directory, with the columns that they have. */
export async function showSnapshot(engine: DuckDbEngine, directory: string): Promise<Lacks> {
  const problems = await registerReadable(engine, directory, datasets)
  const columns = new Map<string, readonly string[]>()
  for (const dataset of datasets.filter(({ name }) => problems.has(name))) {
    const found = await columnsIn(engine, join(directory, dataset.name)).catch(() => new Set<string>())
    const present = dataset.columns.filter(({ name }) => found.has(name))
    if (present.length === 0) continue
    if ((await registerReadable(engine, directory, [{ name: dataset.name, columns: present }])).size > 0) continue
    problems.delete(dataset.name)
    columns.set(
      dataset.name,
      dataset.columns.map(({ name }) => name).filter((name) => !found.has(name)),
    )
  }
  return { datasets: problems, columns, types: await otherTypes(engine) }
}

/** Columns of the views whose values the questions cannot take for what the catalogue says. */
async function otherTypes(engine: SqlEngine): Promise<readonly OtherType[]> {
  const found = await engine.query({
    name: 'types of columns',
    text: "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main'",
  })
  const typeOf = new Map(found.map((row) => [`${row['table_name']}.${row['column_name']}`, String(row['data_type'])]))
  return datasets.flatMap(({ name: dataset, columns }) =>
    columns.flatMap(({ name: column, type: declared }) => {
      const type = typeOf.get(`${dataset}.${column}`)
      if (type === undefined || kindOf(type) === kindOf(declared)) return []
      return [{ dataset, column, found: type, declared }]
    }),
  )
}

/** Whole numbers of any width serve each other. */
function kindOf(type: string): string {
  return isInteger(type) ? 'integer' : type
}

/** Columns that every file of a folder has. */
async function columnsIn(engine: SqlEngine, folder: string): Promise<ReadonlySet<string>> {
  const files = globSync('*.parquet', { cwd: folder }).map((name) => join(folder, name))
  if (files.length === 0) return new Set()
  const rows = await engine.query({
    name: `columns of ${folder}`,
    text: `SELECT name FROM ${parquetSchemas(files).sql} GROUP BY name HAVING count(DISTINCT file_name) = ${files.length}`,
  })
  return new Set(rows.map((row) => String(row['name'])))
}

/**
 * For people: `no <dataset> (no directory); no column <column> in <dataset>; column <column> of <dataset> is VARCHAR, not INT`; null when
 * nothing is lacking.
 */
export function describeLacks({ datasets: missing, columns, types }: Lacks): string | null {
  const parts = [
    ...[...missing].map(([name, why]) => `no ${name} (${why})`),
    ...[...columns].map(([name, lacking]) => `no column ${lacking.join(', ')} in ${name}`),
    ...types.map(({ dataset, column, found, declared }) => `column ${column} of ${dataset} is ${found}, not ${declared}`),
  ]
  return parts.length === 0 ? null : parts.join('; ')
}
