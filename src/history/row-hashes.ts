/**
 * Id and hash of every row of the four record tables, and the counts of labels, kept beside the history: two snapshots are compared by
 * them, without reading either again. Written once a snapshot.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import type { Dataset } from '../discogs/dataset.ts'
import { PipelineError } from '../errors.ts'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import { quoteIdentifier, quoteText } from '../sql/quote.ts'
import { loadSql } from '../sql/texts.ts'
import { writeOnce } from './events.ts'
import { rowHashesDir } from './places.ts'
import { needsOf } from './questions.ts'
import type { RegisteredRun } from './records.ts'
import { hasAll, type Lacks, unusableColumns } from './snapshot-tables.ts'

/** Record tables by what they are called in reports. */
export const entities: ReadonlyMap<string, Dataset> = new Map(
  datasets.flatMap((dataset) => (dataset.essential && dataset.dump !== null ? [[dataset.dump, dataset] as const] : [])),
)

export function rowHashFile(lakeDir: string, { runId, manifestSha256 }: RegisteredRun, entity: string): string {
  return join(rowHashesDir(lakeDir, runId, manifestSha256 ?? ''), `${entity}.parquet`)
}

/** Releases of every label. Not there when the snapshot did not have them. */
export function labelCountsFile(lakeDir: string, { runId, manifestSha256 }: RegisteredRun): string {
  return join(rowHashesDir(lakeDir, runId, manifestSha256 ?? ''), 'label_counts.parquet')
}

/** Writes what is not there yet. @param engine shows the snapshot's tables under their names, but for what it `lacks` */
export async function writeRowHashes(engine: DuckDbEngine, lakeDir: string, run: RegisteredRun, lacks: Lacks): Promise<void> {
  for (const [entity, dataset] of entities) {
    if (!hasAll(new Map([[dataset.name, dataset.key]]), lacks)) continue
    const unusable = unusableColumns(lacks, dataset.name)
    const columns = dataset.columns.filter(({ name }) => !unusable.has(name))
    await keep(engine, rowHashFile(lakeDir, run, entity), hashes({ ...dataset, columns }))
  }
  const labels = await loadSql('history/label_counts')
  if (hasAll(needsOf(labels.text), lacks)) await keep(engine, labelCountsFile(lakeDir, run), labels.text)
}

async function keep(engine: DuckDbEngine, file: string, text: string): Promise<void> {
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true })
  await writeOnce(file, (temporary) => engine.copyToParquet({ name: `what is kept in ${basename(file)}`, text }, temporary))
}

/**
 * MD5 of the row's text, 64 bits of it: two different rows are taken for equal once in 2^64. NULL and an empty text differ. Hashes of
 * tables with other columns say nothing about each other, so the columns are kept beside.
 */
function hashes({ name, key, columns }: Dataset): string {
  const [id, ...others] = key
  if (id === undefined || others.length > 0) throw new PipelineError(`${name} has no key of one column`, { retryable: false })
  const texts = columns.map((column) => `coalesce(CAST(${quoteIdentifier(column.name)} AS VARCHAR), chr(30))`)
  const shape = createHash('sha256')
    .update(JSON.stringify(columns.map((column) => [column.name, column.type])))
    .digest('hex')
    .slice(0, 12)
  return `SELECT ${quoteIdentifier(id)} AS id, md5_number_lower(concat_ws(chr(31), ${texts.join(', ')})) AS row_hash,
    ${quoteText(shape)} AS columns_hash FROM ${quoteIdentifier(name)}`
}
