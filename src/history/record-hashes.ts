/**
 * One hash for each record of a snapshot, over every row that was written for it in all its datasets: a release has changed when any of its
 * tracks, credits or labels has. Ingest makes such hashes; for snapshots without them they are computed from the datasets, which takes long.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import type { Column, Dataset, DumpName } from '../discogs/dataset.ts'
import { manifestFile, recordHashesPath } from '../lake/layout.ts'
import { readManifest } from '../lake/manifest.ts'
import type { SqlEngine } from '../sql/engine.ts'
import { parquetRows } from '../sql/parquet-files.ts'
import { quoteIdentifier, quoteText } from '../sql/quote.ts'
import { pairSides, readSide } from './diff/sides.ts'

/** Hashes of two snapshots can be compared when their basis is the same. */
export interface RecordHashes {
  /** A query of `id` and `row_hash`, both BIGINT, one row a record. */
  readonly text: string
  readonly basis: string
}

/** Record tables by what they are called in reports. */
export const entities: ReadonlyMap<DumpName, Dataset> = new Map(
  datasets.flatMap((dataset) => (dataset.essential && dataset.dump !== null ? [[dataset.dump, dataset] as const] : [])),
)

/** The datasets that an entity's records are written to. */
export function datasetsOf(entity: DumpName): readonly Dataset[] {
  return datasets.filter(({ dump }) => dump === entity)
}

/** Those that ingest made. @returns null when the snapshot has none of this entity */
export function ingestedHashes(directory: string, entity: DumpName): RecordHashes | null {
  if (!existsSync(manifestFile(directory))) return null
  const { recordHashVersion: version, recordHashes = [] } = readManifest(directory)
  if (version === undefined || !recordHashes.some(({ name }) => name === entity)) return null
  const folder = join(directory, recordHashesPath(entity))
  const files = readdirSync(folder).map((name) => join(folder, name))
  return { text: `SELECT id, record_hash AS row_hash FROM ${parquetRows(files).sql}`, basis: `ingest-${version}` }
}

/** A dataset and the columns of it that count. */
export interface HashedTable {
  readonly dataset: Dataset
  /** A table expression. */
  readonly source: string
  readonly columns: readonly string[]
}

/**
 * Computed: the sum of 64 bits of each row's MD5, so that the order of rows does not matter and doubled rows do. NULL and an empty text
 * differ.
 */
export function computedHashes(tables: readonly HashedTable[]): RecordHashes {
  const rows = tables.map(({ dataset, source, columns }) => {
    const texts = columns.map((column) => `coalesce(CAST(${quoteIdentifier(column)} AS VARCHAR), chr(30))`)
    const row = [quoteText(dataset.name), ...texts].join(', ')
    return `SELECT ${ownerOf(dataset)} AS id, ${dataset.essential} AS is_record, CAST(md5_number_lower(concat_ws(chr(31), ${row})) AS HUGEINT) AS h FROM ${source}`
  })
  const shape = JSON.stringify(tables.map(({ dataset, columns }) => [dataset.name, columns]))
  return {
    text: `SELECT id, CAST(sum(h) % 9223372036854775807 AS BIGINT) AS row_hash FROM (${rows.join(' UNION ALL ')}) GROUP BY id HAVING bool_or(is_record)`,
    basis: `computed-${createHash('sha256').update(shape).digest('hex').slice(0, 12)}`,
  }
}

/** The id of the record that a row was written for. Where a table lists two entities, the label of the row says in which column it is. */
function ownerOf({ columns, rows }: Dataset): string {
  const always = columns.find(({ source }) => isRecordId(source))
  if (always !== undefined) return quoteIdentifier(always.name)
  const label = columns.find(({ source }) => source !== null && 'from' in source && source.from === 'label')
  const cases = Object.keys(rows?.elements ?? {}).map((value) => {
    const column = columns.find(({ source }) => source !== null && !('from' in source) && isRecordId(source[value] ?? null))
    return `WHEN ${quoteText(value)} THEN ${quoteIdentifier(column?.name ?? '')}`
  })
  return `CASE ${quoteIdentifier(label?.name ?? '')} ${cases.join(' ')} END`
}

function isRecordId(source: Column['source']): boolean {
  return source !== null && 'from' in source && source.from === 'record-id'
}

/**
 * Hashes of an entity in two snapshots that can be compared: those of ingest when both have them in the same version, else computed over
 * the datasets and columns that both have.
 * @returns null when one of the snapshots does not have the record table
 */
export async function comparableHashes(
  engine: SqlEngine,
  entity: DumpName,
  [before, after]: readonly [string, string],
): Promise<readonly [RecordHashes, RecordHashes] | null> {
  const [old, current] = [ingestedHashes(before, entity), ingestedHashes(after, entity)]
  if (old !== null && current !== null && old.basis === current.basis) return [old, current]
  const tables: (readonly [HashedTable, HashedTable])[] = []
  for (const dataset of datasetsOf(entity)) {
    const [oldSide, currentSide] = [
      await readSide(engine, { runId: before, dir: before }, dataset.name),
      await readSide(engine, { runId: after, dir: after }, dataset.name),
    ]
    if (oldSide === null || currentSide === null) {
      if (dataset.essential) return null
      continue
    }
    const { key, columns } = pairSides(dataset.name, oldSide, currentSide, { before, after })
    const shared = [...key, ...columns].filter(({ isBefore, isAfter }) => isBefore && isAfter).map(({ name }) => name)
    const table = (source: string): HashedTable => ({ dataset, source, columns: shared.toSorted() })
    tables.push([table(oldSide.source), table(currentSide.source)])
  }
  return [computedHashes(tables.map(([one]) => one)), computedHashes(tables.map(([, other]) => other))]
}

/** How many records were added, removed and changed. */
export interface RecordChanges {
  readonly before: bigint
  readonly after: bigint
  readonly added: bigint
  readonly removed: bigint
  readonly changed: bigint
}

/** Joins two {@link RecordHashes} of the same basis, or tables with the same columns. */
export async function compareRecords(engine: SqlEngine, entity: string, before: string, after: string): Promise<RecordChanges> {
  const [row = {}] = await engine.query({
    name: `records of ${entity}`,
    text: `SELECT count(b.id) AS before, count(a.id) AS after, count(CASE WHEN b.id IS NULL THEN 1 END) AS added,
        count(CASE WHEN a.id IS NULL THEN 1 END) AS removed, count(CASE WHEN a.row_hash <> b.row_hash THEN 1 END) AS changed
      FROM (${before}) AS b FULL JOIN (${after}) AS a ON a.id = b.id`,
  })
  const count = (name: keyof RecordChanges): bigint => BigInt(String(row[name] ?? 0))
  return {
    before: count('before'),
    after: count('after'),
    added: count('added'),
    removed: count('removed'),
    changed: count('changed'),
  }
}
