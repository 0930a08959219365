/** Makes the tables of one run visible under their own names, straight from its files. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import type { SqlEngine } from './engine.ts'
import { parquetRows } from './parquet-files.ts'
import { identifiers, quoteIdentifier } from './quote.ts'

/** What a view needs to know of a dataset. */
export interface ViewedDataset {
  readonly name: string
  readonly columns: readonly { readonly name: string }[]
}

/** A view under another name: all rows of `of`, or distinct values of some columns. */
export interface AliasView {
  readonly name: string
  readonly of: string
  readonly distinct: readonly string[] | null
}

/**
 * Creates a view for each dataset over its files in `directory` (a run directory, never `active`), and the alias views.
 * @throws PipelineError that lists every dataset without readable files
 */
export async function registerRun(
  engine: SqlEngine,
  directory: string,
  datasets: readonly ViewedDataset[],
  views: readonly AliasView[] = [],
): Promise<void> {
  const problems = await registerReadable(engine, directory, datasets, views)
  if (problems.size === 0) return
  const list = [...problems].map(([name, problem]) => `${name} (${problem})`)
  throw new PipelineError(
    `run directory ${directory}: ${problems.size} of ${datasets.length} datasets cannot be read: ${list.join(', ')}`,
  )
}

/**
 * As {@link registerRun}, but leaves out what cannot be read.
 * @returns what is wrong, by dataset
 */
export async function registerReadable(
  engine: SqlEngine,
  directory: string,
  datasets: readonly ViewedDataset[],
  views: readonly AliasView[] = [],
): Promise<Map<string, string>> {
  const problems = new Map<string, string>()
  for (const dataset of datasets) {
    const problem = await registerDataset(engine, directory, dataset).catch(messageOf)
    if (problem !== null) problems.set(dataset.name, problem)
  }
  const readable = datasets.filter(({ name }) => !problems.has(name))
  for (const view of views) {
    const dataset = readable.find(({ name }) => name === view.of)
    if (dataset !== undefined) await engine.execute(aliasView(view, dataset))
  }
  return problems
}

/** @returns what is wrong with the dataset, or null */
async function registerDataset(engine: SqlEngine, directory: string, dataset: ViewedDataset): Promise<string | null> {
  const folder = join(directory, dataset.name)
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  })
  if (names === null) return 'no directory'
  const files = names.filter((name) => name.endsWith('.parquet')).toSorted()
  if (files.length === 0) return 'no Parquet file'
  const rows = parquetRows(files.map((name) => join(folder, name)))
  const columns = identifiers(...dataset.columns.map(({ name }) => name)).sql
  await engine.execute({
    name: `view ${dataset.name}`,
    text: `CREATE OR REPLACE VIEW ${quoteIdentifier(dataset.name)} AS SELECT ${columns} FROM ${rows.sql}`,
  })
  return null
}

function aliasView({ name, of, distinct }: AliasView, dataset: ViewedDataset): { name: string; text: string } {
  const columns = identifiers(...(distinct ?? dataset.columns.map((column) => column.name))).sql
  const select = `SELECT ${distinct === null ? '' : 'DISTINCT '}${columns} FROM ${quoteIdentifier(of)}`
  return { name: `view ${name}`, text: `CREATE OR REPLACE VIEW ${quoteIdentifier(name)} AS ${select}` }
}
