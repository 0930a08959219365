/** What SQLite's complaints about the state mean to whoever runs the command. */
import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'

/** How long a writer waits for another process's transaction. They last milliseconds. */
export const busyTimeoutMs = 30_000

export function isBusy(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY')
}

/** @returns the same error, unless it says that the file, its disk or another process is in the way */
export function explained(file: string, error: unknown): unknown {
  if (!(error instanceof BetterSqlite3.SqliteError)) return error
  const [, kind = ''] = /^SQLITE_([A-Z]+)/.exec(error.code) ?? []
  if (kind === 'BUSY') return lockedFor(file, busyTimeoutMs, error)
  if (kind === 'CORRUPT' || kind === 'NOTADB') return damaged(file, error)
  if (kind === 'FULL') return unwritable(file, 'its disk is full', error)
  if (kind === 'IOERR') return unwritable(file, `${messageOf(error)} (${error.code})`, error)
  return error
}

export function lockedFor(file: string, waitedMs: number, cause?: unknown): PipelineError {
  return new PipelineError(`the scheduler's state ${file} has been locked by another process for ${waitedMs / 1000} s`, {
    exitCode: exitCodes.locked,
    cause,
    hint: `\`fuser ${file}\` names who has it open`,
  })
}

function damaged(file: string, cause: unknown): PipelineError {
  return new PipelineError(`the scheduler's state ${file} is damaged`, {
    retryable: false,
    cause,
    hint: 'stop what uses it, move it and its -wal aside, and put a copy by `dag state backup` in its place; the lake is not affected',
  })
}

function unwritable(file: string, found: string, cause: unknown): PipelineError {
  return new PipelineError(`the scheduler's state ${file} cannot be read or written: ${found}`, {
    cause,
    hint: 'make room on its disk, or mend it; then `dag retry` resumes the run',
  })
}

/**
 * SQLite takes an empty file for a new database. One beside the logs or results of runs was emptied, by a full disk or by a copy that broke.
 * @throws PipelineError for such a file
 */
export function refuseEmptied(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size !== 0) return
  const directory = dirname(file)
  const left = ['logs', 'results'].filter((name) => hasEntries(join(directory, name)))
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) left.push('a write-ahead log')
  if (left.length === 0) return
  throw new PipelineError(`the scheduler's state ${file} is empty, but ${left.join(' and ')} of earlier runs are beside it`, {
    retryable: false,
    hint: 'put a copy by `dag state backup` in its place; to begin anew, remove the empty file',
  })
}

function hasEntries(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0
  } catch {
    return false
  }
}
