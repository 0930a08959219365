/** One starter of a server, one fetcher of a program at a time, in all processes. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite3 from 'better-sqlite3'

const pollMs = 200

export interface LockOptions {
  /** Called once when somebody else holds the lock. */
  readonly onWait: () => void
  readonly signal: AbortSignal | undefined
}

/** Runs `work` while nobody else holds `file`. The kernel drops the lock with its process, so none is ever stale (as in lake/lock.ts). */
export async function withLock<Result>(
  file: string,
  { onWait, signal }: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  mkdirSync(dirname(file), { recursive: true })
  const database = new BetterSqlite3(file, { timeout: 0 })
  try {
    for (let isTold = false; !isTaken(database); isTold = true) {
      if (!isTold) onWait()
      await sleep(pollMs, undefined, { signal })
    }
    return await work()
  } finally {
    database.close()
  }
}

function isTaken(database: BetterSqlite3.Database): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false
    throw error
  }
}
