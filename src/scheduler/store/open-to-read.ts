/** Opens the state for somebody who may only read it. */
import { readFileSync, statSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import { hasCode } from '../../errors.ts'

/** Where SQLite has, in the header of a file, the journal modes of those who write and read it; 1 is a rollback journal (fileformat2, "File format version numbers"). */
const journalModesAt = 18

/**
 * While nobody has a database open that keeps a write-ahead log, its reader makes the files beside it, and removes them. Whoever may not do
 * that gets a copy of the file in memory: without a log beside it, it is whole.
 */
export function openToRead(file: string, { timeoutMs }: { readonly timeoutMs: number }): BetterSqlite3.Database {
  const database = new BetterSqlite3(file, { readonly: true, timeout: timeoutMs })
  try {
    database.pragma('schema_version')
    return database
  } catch (error) {
    database.close()
    const copy = isRefusal(error) ? wholeCopy(file) : null
    if (copy === null) throw error
    return new BetterSqlite3(copy)
  }
}

/** Whether the trouble is that this user may not write the database, or not make files beside it. */
export function isRefusal(error: unknown): boolean {
  if (['EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code))) return true
  return error instanceof BetterSqlite3.SqliteError && /^SQLITE_(?:READONLY|CANTOPEN)/.test(error.code)
}

/** @returns null when somebody has begun to write */
function wholeCopy(file: string): Buffer | null {
  const { mtimeMs } = statSync(file)
  if (hasLog(file)) return null
  const copy = readFileSync(file)
  if (hasLog(file) || statSync(file).mtimeMs !== mtimeMs) return null
  return Buffer.from(copy).fill(1, journalModesAt, journalModesAt + 2)
}

/** Readers leave an empty one behind. */
function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
}
