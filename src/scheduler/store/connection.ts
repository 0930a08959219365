/** SQLite without awaiting: a statement is its SQL text, prepared once, a transaction is one function call. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { PipelineError } from '../../errors.ts'
import { migrate, schemaVersion, versionOf } from '../migrations/migrate.ts'
import { busyTimeoutMs, explained, isBusy, refuseEmptied } from './failure.ts'
import { isRefusal, openToRead } from './open-to-read.ts'

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
    return this.#guarded(() => this.#prepare<Row>(sql).all(...values))
  }

  /** @returns how many rows it changed, and the id of the last one inserted */
  run(sql: string, ...values: Values): { readonly changes: number; readonly insertedId: number } {
    const { changes, lastInsertRowid } = this.#guarded(() => this.#prepare(sql).run(...values))
    return { changes, insertedId: Number(lastInsertRowid) }
  }

  /** From now on every write transaction begins with `check`, which throws when this process may not write any more; null: no check. */
  fence(check: (() => void) | null): void {
    this.#fence = check
  }

  /** Runs `work` in one BEGIN IMMEDIATE transaction, or in the one that is already open. A throw rolls everything back. */
  write<Result>(work: () => Result): Result {
    if (this.#database.inTransaction) return work()
    const fenced = (): Result => {
      this.#fence?.()
      return work()
    }
    return this.#guarded(() => this.#database.transaction(fenced).immediate())
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
    return this.#database.inTransaction ? work() : this.#guarded(() => this.#database.transaction(work).deferred())
  }

  close(): void {
    this.#database.close()
  }

  /** @throws PipelineError when the file, its disk or another process is in the way */
  #guarded<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw explained(this.#database.name, error)
    }
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
  refuseEmptied(file)
  try {
    if (readonly) return new Connection(openReadonly(file), now)
    mkdirSync(stateDir, { recursive: true })
    // SQLite would open it all the same, and complain at the first write.
    for (const needed of existsSync(file) ? [stateDir, file] : [stateDir]) accessSync(needed, constants.W_OK)
    return new Connection(openWritable(file), now)
  } catch (cause) {
    const found = explained(file, cause)
    if (found instanceof PipelineError) throw found
    const hint = isRefusal(cause)
      ? `this user needs to write ${stateDir}; DAG_STATE may name another directory`
      : 'DAG_STATE names its directory'
    throw new PipelineError(`the scheduler's state ${file} cannot be opened`, { cause, hint })
  }
}

function openReadonly(file: string): BetterSqlite3.Database {
  if (!existsSync(file)) return openWritable(':memory:')
  const database = openToRead(file, { timeoutMs: busyTimeoutMs })
  if (database.memory) return migratedCopy(database)
  if (versionOf(database) === schemaVersion) return database
  database.close()
  // An older schema: brought up to date first, or refused when it is a newer one.
  openWritable(file).close()
  return openToRead(file, { timeoutMs: busyTimeoutMs })
}

/** Of a state that this user may not write: brought up to date in memory alone. */
function migratedCopy(database: BetterSqlite3.Database): BetterSqlite3.Database {
  migrate(database)
  database.pragma('query_only = ON')
  return database
}

function openWritable(file: string): BetterSqlite3.Database {
  const database = new BetterSqlite3(file, { timeout: busyTimeoutMs })
  try {
    if (file !== ':memory:') setWal(database)
    database.pragma('synchronous = FULL')
    // What a long reader has let the log grow to is given back at the next checkpoint.
    database.pragma('journal_size_limit = 16777216')
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
      if (!isBusy(error) || left === 0) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}
