/**
 * The history as its tasks have it: the newest events at hand, and an engine only for who asks for one, as opening it takes longer than most
 * tasks do. What the newest events are is kept beside them as JSON, `.<view>.json`, so that their files are read by the engine once.
 * Those files are the truth: whatever of them is not in the JSON as it lies on the disk is read again.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import type { SqlRow, SqlValue } from '../sql/engine.ts'
import { identifiers } from '../sql/quote.ts'
import {
  appendEvents,
  type EventRow,
  type EventSource,
  type EventTable,
  eventFiles,
  eventsIn,
  eventTables,
  type LatestView,
  latestViews,
} from './events.ts'
import { historyDir } from './places.ts'

/** Raised when an older reader would misread the JSON. */
const formatVersion = 1

interface EventFile {
  /** Name, size and time of its last change: a file that is another one has others. */
  readonly identity: string
  /** None of a file all of whose events are superseded. */
  readonly rows: readonly SqlRow[]
}

export class History implements EventSource, AsyncDisposable {
  readonly lakeDir: string
  readonly #open: () => Promise<DuckDbEngine>
  readonly #views = new Map<LatestView, View>()
  #engine: Promise<DuckDbEngine> | null = null

  /** @param open is asked once, by the first who needs it */
  constructor(lakeDir: string, open: () => Promise<DuckDbEngine>) {
    this.lakeDir = lakeDir
    this.#open = open
  }

  engine(): Promise<DuckDbEngine> {
    this.#engine ??= this.#open()
    return this.#engine
  }

  /** In no order. */
  async latest(view: LatestView): Promise<readonly SqlRow[]> {
    return (await this.#view(view)).rows()
  }

  /** Adds one file with these rows, and to what is the newest; does nothing when it is there already. */
  async append<Table extends EventTable>(
    table: Table,
    events: { readonly name: string; readonly rows: readonly EventRow<Table>[] },
  ): Promise<void> {
    const file = events.rows.length === 0 ? null : await appendEvents(await this.engine(), this.lakeDir, table, events)
    if (file === null) return
    const view = (Object.keys(latestViews) as LatestView[]).find((one) => latestViews[one].of === table)
    if (view !== undefined) (await this.#view(view)).add(file, events.rows)
  }

  async #view(name: LatestView): Promise<View> {
    const found = this.#views.get(name) ?? new View(this.lakeDir, name)
    this.#views.set(name, found)
    await found.readNew(() => this.engine())
    return found
  }

  /** Keeps what was found for later processes. Of those that append only one is at work at a time; others may find the same at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const view of this.#views.values()) view.save()
    // Whoever asked for one that could not be opened knows why.
    const engine = await this.#engine?.catch(() => null)
    await engine?.[Symbol.asyncDispose]()
  }
}

/** The newest events of one table. */
class View {
  readonly #name: LatestView
  readonly #columns: readonly string[]
  readonly #lakeDir: string
  readonly #files: Map<string, EventFile>
  #isChanged = false
  #latest: readonly SqlRow[] | null = null

  constructor(lakeDir: string, name: LatestView) {
    this.#name = name
    this.#lakeDir = lakeDir
    this.#columns = Object.keys(eventTables[latestViews[name].of])
    this.#files = this.#load()
  }

  /** Those of other processes, and those that were there before. */
  async readNew(engine: () => Promise<DuckDbEngine>): Promise<void> {
    const present = new Map(eventFiles(this.#lakeDir, latestViews[this.#name].of).map((file) => [basename(file), file]))
    const known = [...this.#files].every(([name, { identity }]) => {
      const file = present.get(name)
      return file !== undefined && identityOf(file) === identity
    })
    // What the events of a file that is gone had superseded is in none of the others.
    if (!known) this.#files.clear()
    const unread = [...present.values()].filter((file) => !this.#files.has(basename(file)))
    if (unread.length === 0) return
    const read = await readEvents(await engine(), latestViews[this.#name].of, unread)
    for (const file of unread) this.add(file, read.get(file) ?? [])
  }

  add(file: string, rows: readonly SqlRow[]): void {
    this.#files.set(basename(file), { identity: identityOf(file), rows })
    this.#isChanged = true
    this.#latest = null
  }

  rows(): readonly SqlRow[] {
    this.#latest ??= newest(
      [...this.#files.values()].flatMap(({ rows }) => rows),
      latestViews[this.#name].by,
    )
    return this.#latest
  }

  /** It is no truth of its own: what cannot be written, on a full disk say, is read from the event files again, and fails nothing. */
  save(): void {
    const temporary = join(historyDir(this.#lakeDir), `.${this.#name}.json.tmp`)
    try {
      if (this.#isChanged) this.#write(temporary)
    } catch {
      // Or another task, which has found the same events, was at it at the same time.
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
    this.#isChanged = false
  }

  #write(temporary: string): void {
    const latest = new Set(this.rows())
    const files = [...this.#files].map(([name, { identity, rows }]): KeptFile => {
      const kept = rows.filter((row) => latest.has(row))
      return { name, identity, rowCount: kept.length, values: packed(kept, this.#columns) }
    })
    writeFileSync(temporary, JSON.stringify({ formatVersion, columns: this.#columns, files }))
    renameSync(temporary, this.#file())
  }

  #load(): Map<string, EventFile> {
    try {
      const kept = JSON.parse(readFileSync(this.#file(), 'utf8')) as Kept
      if (kept.formatVersion !== formatVersion || kept.columns.join() !== this.#columns.join()) return new Map()
      return new Map(kept.files.map((file) => [file.name, { identity: file.identity, rows: unpacked(file, this.#columns) }]))
    } catch {
      // None yet, or half of one.
      return new Map()
    }
  }

  #file(): string {
    return join(historyDir(this.#lakeDir), `.${this.#name}.json`)
  }
}

interface Kept {
  readonly formatVersion: number
  readonly columns: readonly string[]
  readonly files: readonly KeptFile[]
}

type Plain = string | number | null

interface KeptFile {
  readonly name: string
  readonly identity: string
  readonly rowCount: number
  /** Columns in their order: the one value that all rows have, or a list of as many as there are rows. */
  readonly values: readonly (Plain | readonly Plain[])[]
}

function packed(rows: readonly SqlRow[], columns: readonly string[]): KeptFile['values'] {
  return columns.map((column) => {
    const [first = null, ...others] = rows.map((row) => plain(row[column] ?? null))
    return others.every((value) => value === first) ? first : [first, ...others]
  })
}

function unpacked({ rowCount, values }: KeptFile, columns: readonly string[]): readonly SqlRow[] {
  return Array.from({ length: rowCount }, (_, index) => {
    const row: Record<string, SqlValue> = {}
    for (const [place, column] of columns.entries()) {
      const value = values[place] ?? null
      row[column] = typeof value === 'object' && value !== null ? (value[index] ?? null) : value
    }
    return row
  })
}

/** Counts come as bigint from the engine, and as whatever holds them exactly from JSON. */
function plain(value: SqlValue): Plain {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return typeof value === 'boolean' ? String(value) : value
}

function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return `${found?.size} ${found?.mtimeMs}`
}

/** As {@link latestSelect} has it. */
function newest(rows: readonly SqlRow[], by: readonly string[]): readonly SqlRow[] {
  const keyOf = (row: SqlRow): string => by.map((column) => row[column]).join('\0')
  const timeOf = (row: SqlRow): string => `${row['recorded_at']} ${row['history_run_id']}`
  const latest = new Map<string, string>()
  for (const row of rows) {
    const [key, time] = [keyOf(row), timeOf(row)]
    if (time > (latest.get(key) ?? '')) latest.set(key, time)
  }
  return rows.filter((row) => latest.get(keyOf(row)) === timeOf(row))
}

/** @returns rows by file */
async function readEvents(
  engine: DuckDbEngine,
  table: EventTable,
  files: readonly string[],
): Promise<ReadonlyMap<string, readonly SqlRow[]>> {
  const columns = Object.keys(eventTables[table])
  const text = `SELECT ${identifiers(...columns).sql}, filename FROM ${eventsIn(table, files, true)}`
  const { rows } = await engine.table({ name: 'events', text })
  const found = new Map<string, SqlRow[]>(files.map((file) => [file, []]))
  for (const values of rows)
    found.get(String(values.at(-1)))?.push(Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null])))
  return found
}
