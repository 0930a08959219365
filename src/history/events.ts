/**
 * The events of the history: Parquet files that are only ever added. A file is written under a hidden name, synced and renamed, so a
 * crash leaves it out whole; its name says what it is about and which history run wrote it, so a second try writes nothing twice.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { syncDirectory, syncFile } from '../lake/atomic-file.ts'
import { namesIn } from '../lake/names-in.ts'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import type { SqlEngine, SqlRow, SqlValue } from '../sql/engine.ts'
import { parquetRows } from '../sql/parquet-files.ts'
import { identifiers, literals, quoteIdentifier } from '../sql/quote.ts'
import { historyDir } from './places.ts'

type ColumnType = 'VARCHAR' | 'BIGINT'

/** Of the event tables and their views, on every engine. */
export const historySchema = 'discogs_history'

/** Columns of every event: when it was recorded (UTC, ISO 8601), and by which run of the history pipeline. */
const recorded = { recorded_at: 'VARCHAR', history_run_id: 'VARCHAR', run_id: 'VARCHAR', dump_month: 'VARCHAR' } as const

export const eventTables = {
  run_registry_events: {
    ...recorded,
    session: 'VARCHAR',
    state: 'VARCHAR',
    reason: 'VARCHAR',
    manifest_sha256: 'VARCHAR',
    row_count: 'BIGINT',
    byte_count: 'BIGINT',
    checks_passed: 'BIGINT',
    checks_warned: 'BIGINT',
    origin: 'VARCHAR',
  },
  kpi_snapshot_events: {
    ...recorded,
    manifest_sha256: 'VARCHAR',
    measured_by: 'VARCHAR',
    kpi: 'VARCHAR',
    member: 'VARCHAR',
    value: 'BIGINT',
  },
  growth_events: {
    ...recorded,
    compared_run_id: 'VARCHAR',
    span: 'VARCHAR',
    measured_by: 'VARCHAR',
    measure: 'VARCHAR',
    member: 'VARCHAR',
    value: 'BIGINT',
  },
} as const satisfies Record<string, Readonly<Record<string, ColumnType>>>

export type EventTable = keyof typeof eventTables
export type EventRow<Table extends EventTable> = Readonly<Record<keyof (typeof eventTables)[Table], SqlValue>>

/**
 * Views of the newest events, in the portable subset: of a run the newest in the registry, of a run's measurements all that the newest
 * measuring wrote, of growth the same for a run and the one it is compared with.
 */
export const latestViews = {
  run_registry_latest: { of: 'run_registry_events', by: ['run_id'] },
  kpi_snapshot_latest: { of: 'kpi_snapshot_events', by: ['run_id'] },
  growth_latest: { of: 'growth_events', by: ['run_id', 'compared_run_id', 'span'] },
} as const satisfies Record<string, { readonly of: EventTable; readonly by: readonly string[] }>

export type LatestView = keyof typeof latestViews

/** Files of an event table, sorted; none before the first event. */
export function eventFiles(lakeDir: string, table: EventTable): readonly string[] {
  const directory = tableDir(lakeDir, table)
  return namesIn(directory)
    .filter((name) => name.endsWith('.parquet') && !name.startsWith('.'))
    .toSorted()
    .map((name) => join(directory, name))
}

function tableDir(lakeDir: string, table: EventTable): string {
  return join(historyDir(lakeDir), table)
}

/**
 * Adds one file with these rows; does nothing when it is there already.
 * @param name of letters, digits, `_` and `-`
 * @returns the file, null when nothing was done
 */
export async function appendEvents<Table extends EventTable>(
  engine: DuckDbEngine,
  lakeDir: string,
  table: Table,
  { name, rows }: { readonly name: string; readonly rows: readonly EventRow<Table>[] },
): Promise<string | null> {
  const file = join(tableDir(lakeDir, table), `${name}.parquet`)
  if (rows.length === 0 || existsSync(file)) return null
  mkdirSync(dirname(file), { recursive: true })
  const columns: Readonly<Record<string, ColumnType>> = eventTables[table]
  const values = rows.map(
    (row: Readonly<Record<string, SqlValue>>) =>
      `(${Object.keys(columns)
        .map((column) => literal(row[column] ?? null))
        .join(', ')})`,
  )
  const select = Object.entries(columns).map(
    ([column, type]) => `CAST(${quoteIdentifier(column)} AS ${type}) AS ${quoteIdentifier(column)}`,
  )
  const names = Object.keys(columns).map(quoteIdentifier)
  await writeOnce(file, (temporary) =>
    engine.copyToParquet(
      { name: table, text: `SELECT ${select.join(', ')} FROM (VALUES ${values.join(', ')}) AS t(${names.join(', ')})` },
      temporary,
    ),
  )
  return file
}

/** Tells events in the names of their files that were made with other questions or other files. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** Has `write` fill a hidden file, which then gets its name, whole and on the disk. What a killed writer left is written over. */
export async function writeOnce(file: string, write: (temporary: string) => Promise<unknown>): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.tmp`)
  try {
    await write(temporary)
    syncFile(temporary)
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
  syncDirectory(dirname(file))
}

function literal(value: SqlValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  return literals(value).sql
}

/**
 * A table expression over event files, or over none, with the columns of today: an older file has NULL in a later column.
 * @param withFileName adds the column `filename`
 */
export function eventsIn(table: EventTable, files: readonly string[], withFileName = false): string {
  const columns: Readonly<Record<string, ColumnType>> = eventTables[table]
  const none = Object.entries(columns).map(([column, type]) => `CAST(NULL AS ${type}) AS ${quoteIdentifier(column)}`)
  const empty = `SELECT ${none.join(', ')} WHERE false`
  if (files.length === 0) return `(${empty})`
  return `(${empty} UNION ALL BY NAME SELECT * FROM ${parquetRows(files, { withFileName, unionByName: true }).sql})`
}

/** The text of a view of the newest events; both engines read it. */
export function latestSelect(view: LatestView): string {
  const { of, by } = latestViews[view]
  const keys = by.map(quoteIdentifier).join(', ')
  const columns = Object.keys(eventTables[of]).map((column) => `e.${quoteIdentifier(column)}`)
  const same = by.map((column) => `e.${quoteIdentifier(column)} = n.${quoteIdentifier(column)}`)
  return `SELECT ${columns.join(', ')} FROM ${historySchema}.${of} AS e JOIN (
    SELECT ${keys}, max(recorded_at || ' ' || history_run_id) AS newest FROM ${historySchema}.${of} GROUP BY ${keys}
  ) AS n ON ${same.join(' AND ')} AND e.recorded_at || ' ' || e.history_run_id = n.newest`
}

/** Who has the newest events at hand. */
export interface EventSource {
  /** In no order. */
  latest(view: LatestView): Promise<readonly SqlRow[]>
}

/** The newest events as rows, in the order of these columns. @param columns default all; a row costs by the column to hand over */
export async function latest(
  source: SqlEngine | EventSource,
  view: LatestView,
  columns: readonly string[] = Object.keys(eventTables[latestViews[view].of]),
): Promise<readonly SqlRow[]> {
  if ('latest' in source) return (await source.latest(view)).toSorted((left, right) => inOrder(left, right, columns))
  const order = columns.map((column) => `${quoteIdentifier(column)} NULLS FIRST`)
  const text = `SELECT ${identifiers(...columns).sql} FROM ${historySchema}.${view} ORDER BY ${order.join(', ')}`
  return source.query({ name: view, text })
}

function inOrder(left: SqlRow, right: SqlRow, columns: readonly string[]): number {
  for (const column of columns) {
    const order = compare(left[column] ?? null, right[column] ?? null)
    if (order !== 0) return order
  }
  return 0
}

/** NULL first, texts by code point as engines have them. */
function compare(left: SqlValue, right: SqlValue): number {
  if (left === right) return 0
  if (left === null || right === null) return left === null ? -1 : 1
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right)
  return left < right ? -1 : 1
}

function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const [one, other] = [left.charCodeAt(index), right.charCodeAt(index)]
    // Halves of a pair stand for code points above all others, and are less than some as numbers.
    if (one !== other) return isHalf(one) === isHalf(other) ? one - other : isHalf(one) ? 1 : -1
  }
  return left.length - right.length
}

function isHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
