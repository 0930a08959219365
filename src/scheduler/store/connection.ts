/** SQLite without awaiting: a statement is its SQL text, prepared once, a transaction is one function call. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { PipelineError } from '../../errors.ts'
import { migrate, schemaVersion, versionOf } from '../migrations/migrate.ts'

/** How long a writer waits for another process's transaction. They last milliseconds. */
const busyTimeoutMs = 30_000

type Value = string | number | null
/** Of the `?` of a statement, in their order, or of its `@name`s, all in one object; members that it does not name are no matter. */
type Values = readonly Value[] | readonly [Readonly<Record<string, Value>>]

export class Connection {
  readonly #database: BetterSqlite3.Database
  readonly #statements = new Map<string, BetterSqlite3.Statement>()
  #fence: (() => void) | null = null
  readonly now: () => Date

  constructor(database: BetterSqlite3.Database, now: () => Date) {
    this.#database = database
    this.now = now
  }

  /** Times in the state are ISO 8601, UTC, with milliseconds. */
  timestamp(): string {
    return this.now().toISOString()
  }

  /** @param sql a constant text: values are never part of it */
  all<Row>(sql: string, ...values: Values): Row[] {
    return this.#prepare<Row>(sql).all(...values)
  }

  /** @returns how many rows it changed, and the id of the last one inserted */
  run(sql: string, ...values: Values): { readonly changes: number; readonly insertedId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values)
    return { changes, insertedId: Number(lastInsertRowid) }
  }

  /** From now on every write transaction begins with `check`, which throws when this process may not write any more; null: no check. */
  fence(check: (() => void) | null): void {
    this.#fence = check
  }

  /** Runs `work` in one BEGIN IMMEDIATE transaction, or in the one that is already open. A throw rolls everything back. */
  write<Result>(work: () => Result): Result {
    if (this.#database.inTransaction) return work()
    const guarded = (): Result => {
      this.#fence?.()
      return work()
    }
    return this.#database.transaction(guarded).immediate()
  }

  /** The same for what means nothing after a crash of the machine: the disk is not waited for. */
  writeLightly<Result>(work: () => Result): Result {
    if (this.#database.inTransaction) return work()
    this.#database.pragma('synchronous = NORMAL')
    try {
      return this.write(work)
    } finally {
      this.#database.pragma('synchronous = FULL')
    }
  }

  /** Runs `work` on one snapshot of the state. */
  read<Result>(work: () => Result): Result {
    return this.#database.inTransaction ? work() : this.#database.transaction(work).deferred()
  }

  close(): void {
    this.#database.close()
  }

  #prepare<Row>(sql: string): BetterSqlite3.Statement<unknown[], Row> {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, known)
    // One text, one row type: who asks says which.
    return known as BetterSqlite3.Statement<unknown[], Row>
  }
}

export function databaseFile(stateDir: string): string {
  return join(stateDir, 'scheduler.db')
}

export interface ConnectOptions {
  /** Nothing can be written; without a database there is an empty one, in memory. */
  readonly readonly: boolean
  readonly now: () => Date
}

export function connect(stateDir: string, { readonly, now }: ConnectOptions): Connection {
  const file = databaseFile(stateDir)
  try {
    if (readonly) return new Connection(openReadonly(file), now)
    mkdirSync(stateDir, { recursive: true })
    return new Connection(openWritable(file), now)
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throw new PipelineError(`the scheduler's state ${file} cannot be opened`, { cause, hint: 'DAG_STATE names its directory' })
  }
}

function openReadonly(file: string): BetterSqlite3.Database {
  if (!existsSync(file)) return openWritable(':memory:')
  const database = new BetterSqlite3(file, { readonly: true, timeout: busyTimeoutMs })
  if (versionOf(database) === schemaVersion) return database
  database.close()
  // An older schema: brought up to date first, or refused when it is a newer one.
  openWritable(file).close()
  return new BetterSqlite3(file, { readonly: true, timeout: busyTimeoutMs })
}

function openWritable(file: string): BetterSqlite3.Database {
  const database = new BetterSqlite3(file, { timeout: busyTimeoutMs })
  try {
    if (file !== ':memory:') setWal(database)
    database.pragma('synchronous = FULL')
    // What a long reader has let the log grow to is given back at the next checkpoint.
    database.pragma('journal_size_limit = 16777216')
    database.pragma('foreign_keys = ON')
    migrate(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Changing the journal mode needs the file alone and does not wait for it as transactions do. */
function setWal(database: BetterSqlite3.Database): void {
  for (let left = 100; ; left -= 1) {
    try {
      database.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if (!(error instanceof BetterSqlite3.SqliteError) || !error.code.startsWith('SQLITE_BUSY') || left === 0) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}
