/**
 * One mover of the pointer at a time, in all processes and whatever state directory they use.
 *
 * The lock is the exclusive lock of an empty SQLite database, `_meta/lake.lock`: Node has no flock(2), SQLite locks with fcntl(2), and
 * the kernel drops such a lock with its process. So there is no stale lock to detect or to delete, and the file may stay for ever.
 * Nothing is ever written to it, so taking the lock costs no fsync.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { lockFile } from './layout.ts'

/** A promotion takes milliseconds; whoever holds the lock longer is stuck. */
const defaultTimeoutMs = 10_000

export interface LockOptions {
  /** How long to wait for another holder. */
  readonly timeoutMs?: number
}

/**
 * Runs `work` as the only mover of this lake. Not reentrant.
 * @throws PipelineError: exit 5 when another process holds the lock too long, exit 4 when there is no lake, else when it cannot be written
 */
export function withLakeLock<Result>(
  lakeDir: string,
  work: () => Result,
  { timeoutMs = defaultTimeoutMs }: LockOptions = {},
): Result {
  const database = openLock(lakeDir, timeoutMs)
  try {
    acquire(database, lakeDir, timeoutMs)
    return work()
  } finally {
    // Ends the transaction, and with it the lock.
    database.close()
  }
}

function openLock(lakeDir: string, timeoutMs: number): BetterSqlite3.Database {
  if (!existsSync(lakeDir)) {
    throw new PipelineError(`there is no lake at ${lakeDir}`, {
      exitCode: exitCodes.notFound,
      retryable: false,
      hint: 'DISCOGS_DATA_LAKE names its directory; the first run creates it',
    })
  }
  const file = lockFile(lakeDir)
  try {
    accessSync(lakeDir, constants.W_OK)
    mkdirSync(dirname(file), { recursive: true })
    // SQLite would open a file it may not write for reading, and lock nothing.
    if (existsSync(file)) accessSync(file, constants.W_OK)
    return new BetterSqlite3(file, { timeout: timeoutMs })
  } catch (cause) {
    throw new PipelineError(`the lake ${lakeDir} cannot be written: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'moving the pointer needs write permission for the lake directory and its _meta',
    })
  }
}

function acquire(database: BetterSqlite3.Database, lakeDir: string, timeoutMs: number): void {
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    const busy = cause instanceof BetterSqlite3.SqliteError && cause.code.startsWith('SQLITE_BUSY')
    if (!busy) throw new PipelineError(`locking the lake ${lakeDir}: ${messageOf(cause)}`, { cause })
    throw new PipelineError(`another promotion is running: it has held the lock of ${lakeDir} for ${timeoutMs} ms`, {
      cause,
      exitCode: exitCodes.locked,
      hint: `\`fuser ${lockFile(lakeDir)}\` names its process; the lock goes when that ends`,
    })
  }
}
