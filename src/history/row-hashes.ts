/**
 * Id and hash of every record, and the counts of labels, kept beside the history: two snapshots are compared by them, without reading
 * either again. Written once a snapshot.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DumpName } from '../discogs/dataset.ts'
import { runDir } from '../lake/layout.ts'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import { quoteIdentifier, quoteText } from '../sql/quote.ts'
import { loadSql } from '../sql/texts.ts'
import { writeOnce } from './events.ts'
import { rowHashesDir } from './places.ts'
import { needsOf } from './questions.ts'
import { computedHashes, datasetsOf, entities, type HashedTable, ingestedHashes } from './record-hashes.ts'
import type { RegisteredRun } from './records.ts'
import { hasAll, type Lacks, unusableColumns } from './snapshot-tables.ts'

/** @returns where they are, or where they would be written */
export function rowHashFile(lakeDir: string, { runId, manifestSha256 }: RegisteredRun, entity: string): string {
  return join(rowHashesDir(lakeDir, runId, manifestSha256 ?? ''), `${entity}.records.parquet`)
}

/** Releases of every label. Not there when the snapshot did not have them. */
export function labelCountsFile(lakeDir: string, { runId, manifestSha256 }: RegisteredRun): string {
  return join(rowHashesDir(lakeDir, runId, manifestSha256 ?? ''), 'label_counts.parquet')
}

/** Writes what is not there yet. @param engine shows the snapshot's tables under their names, but for what it `lacks` */
export async function writeRowHashes(engine: DuckDbEngine, lakeDir: string, run: RegisteredRun, lacks: Lacks): Promise<void> {
  for (const [entity, dataset] of entities) {
    if (!hasAll(new Map([[dataset.name, dataset.key]]), lacks)) continue
    const { text, basis } = ingestedHashes(runDir(lakeDir, run.runId), entity) ?? computedHashes(usableTables(entity, lacks))
    await keep(engine, rowHashFile(lakeDir, run, entity), `SELECT id, row_hash, ${quoteText(basis)} AS basis FROM (${text})`)
  }
  const labels = await loadSql('history/label_counts')
  if (hasAll(needsOf(labels.text), lacks)) await keep(engine, labelCountsFile(lakeDir, run), labels.text)
}

/** Of an entity, as the engine shows them. */
function usableTables(entity: DumpName, lacks: Lacks): readonly HashedTable[] {
  return datasetsOf(entity).flatMap((dataset) => {
    if (lacks.datasets.has(dataset.name)) return []
    const unusable = unusableColumns(lacks, dataset.name)
    const columns = dataset.columns.map(({ name }) => name).filter((name) => !unusable.has(name))
    return [{ dataset, source: quoteIdentifier(dataset.name), columns }]
  })
}

async function keep(engine: DuckDbEngine, file: string, text: string): Promise<void> {
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true })
  await writeOnce(file, (temporary) => engine.copyToParquet({ name: `what is kept in ${basename(file)}`, text }, temporary))
}
