/** What two snapshots have of one dataset, and how their rows and columns are paired: by name, never by place. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { datasets } from '../../discogs/catalogue.ts'
import { hasCode } from '../../errors.ts'
import type { SqlEngine } from '../../sql/engine.ts'
import { parquetChunks, parquetRows } from '../../sql/parquet-files.ts'

export interface Snapshot {
  readonly runId: string
  /** A sealed run directory. */
  readonly dir: string
}

/** One snapshot's files of a dataset. */
export interface Side {
  /** A table expression over its files. */
  readonly source: string
  readonly rows: bigint
  /** Before compression: what its columns take in memory, roughly. */
  readonly bytes: number
  /** Type as DuckDB names it, by column, in the order of the files. */
  readonly types: ReadonlyMap<string, string>
}

export interface PairedColumn {
  readonly name: string
  readonly isBefore: boolean
  readonly isAfter: boolean
  /** Both are read as this type; null when they have one already. */
  readonly castTo: string | null
}

/** A dataset that both snapshots have. */
export interface Pair {
  readonly dataset: string
  readonly before: Side
  readonly after: Side
  /** Columns that tell rows apart. All that both have, where the catalogue declares no key or computes the table. */
  readonly key: readonly PairedColumn[]
  /** The others, of which some may be in one snapshot only. */
  readonly columns: readonly PairedColumn[]
  /** True when a row has no identity but its values: it is added or removed, never changed. */
  readonly isWholeRow: boolean
  /** What could not be compared, in words. */
  readonly notes: readonly string[]
}

/** Names of all datasets of the snapshots: the catalogue's in its order, then others. */
export async function datasetNames(snapshots: readonly Snapshot[]): Promise<readonly string[]> {
  const found = new Set((await Promise.all(snapshots.map(({ dir }) => directories(dir)))).flat())
  const known = datasets.map(({ name }) => name)
  return [...known.filter((name) => found.has(name)), ...[...found].filter((name) => !known.includes(name)).toSorted()]
}

async function directories(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('_')).map(({ name }) => name)
}

/** @returns null when the snapshot has no file of the dataset */
export async function readSide(engine: SqlEngine, { dir }: Snapshot, dataset: string): Promise<Side | null> {
  const folder = join(dir, dataset)
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return []
    throw error
  })
  const files = names.filter((name) => name.endsWith('.parquet')).toSorted()
  if (files.length === 0) return null
  const paths = files.map((name) => join(folder, name))
  const source = parquetRows(paths).sql
  const described = await engine.query(`DESCRIBE SELECT * FROM ${source}`)
  const [counted] = await engine.query(`SELECT count(*) AS n FROM ${source}`)
  const [sized] = await engine.query(`SELECT CAST(sum(total_uncompressed_size) AS DOUBLE) AS n FROM ${parquetChunks(paths).sql}`)
  return {
    source,
    rows: BigInt(String(counted?.['n'] ?? 0)),
    bytes: Number(sized?.['n'] ?? 0),
    types: new Map(described.map((row) => [String(row['column_name']), String(row['column_type'])])),
  }
}

/** Pairs the columns of two sides. @param runs names of the snapshots, for the notes */
export function pairSides(
  dataset: string,
  before: Side,
  after: Side,
  runs: { readonly before: string; readonly after: string },
): Pair {
  const declared = datasets.find(({ name }) => name === dataset)
  const columns = pairColumns(before, after)
  const shared = columns.filter(({ isBefore, isAfter }) => isBefore && isAfter)
  const keyNames = declared?.key ?? []
  const missing = keyNames.filter((name) => !shared.some((column) => column.name === name))
  const isWholeRow = declared === undefined || declared.kind === 'warehouse' || keyNames.length === 0 || missing.length > 0
  const key = isWholeRow ? shared : keyNames.flatMap((name) => shared.filter((column) => column.name === name))
  return {
    dataset,
    before,
    after,
    key,
    columns: isWholeRow ? [] : columns.filter((column) => !key.includes(column)),
    isWholeRow,
    notes: [...missing.map((name) => `key column ${name} is not in both: whole rows are compared`), ...notesOf(columns, runs)],
  }
}

function pairColumns(before: Side, after: Side): readonly PairedColumn[] {
  const names = [...new Set([...after.types.keys(), ...before.types.keys()])]
  return names.map((name) => {
    const [old, current] = [before.types.get(name), after.types.get(name)]
    return { name, isBefore: old !== undefined, isAfter: current !== undefined, castTo: commonType(old, current) }
  })
}

function commonType(old: string | undefined, current: string | undefined): string | null {
  if (old === undefined || current === undefined || old === current) return null
  return isInteger(old) && isInteger(current) ? 'BIGINT' : 'VARCHAR'
}

/** Whether values of a DuckDB type are whole numbers of up to 64 bits. */
export function isInteger(type: string | undefined): boolean {
  return type !== undefined && /^(BIG|SMALL|TINY)?INT(EGER)?$/.test(type)
}

function notesOf(columns: readonly PairedColumn[], runs: { readonly before: string; readonly after: string }): readonly string[] {
  return columns.flatMap(({ name, isBefore, isAfter, castTo }) => {
    if (!isAfter) return [`column ${name} is only in ${runs.before}: not compared`]
    if (!isBefore) return [`column ${name} is only in ${runs.after}: not compared`]
    return castTo !== 'VARCHAR' ? [] : [`column ${name} has another type in each: compared as text`]
  })
}
