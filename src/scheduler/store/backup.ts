/** A copy of the state, whole while others write. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'
import { databaseFile } from './connection.ts'
import { explained, lockedFor, refuseEmptied } from './failure.ts'
import { openToRead } from './open-to-read.ts'

export interface BackupOptions {
  readonly replace: boolean
  /** After so long without a page the copy is given up. */
  readonly stallMs?: number
}

/**
 * SQLite's online backup, then `integrity_check` of the copy; only then it gets its name.
 * @throws PipelineError: exit 4 without a state, 3 when the file exists and may not be replaced, 5 when
 * another process keeps the state locked
 */
export async function backUpState(
  stateDir: string,
  file: string,
  { replace, stallMs = 10_000 }: BackupOptions,
): Promise<{ readonly pages: number }> {
  const source = databaseFile(stateDir)
  if (!existsSync(source))
    throw new PipelineError(`there is no state in ${stateDir} yet`, { exitCode: exitCodes.notFound, retryable: false })
  if (existsSync(file) && !replace)
    throw new PipelineError(`${file} exists`, {
      exitCode: exitCodes.conflict,
      retryable: false,
      hint: 'choose another name, or add --force',
    })
  refuseEmptied(source)
  const temporary = `${file}.${process.pid}.part`
  try {
    const { totalPages } = await copy(source, temporary, stallMs)
    assertSound(temporary)
    renameSync(temporary, file)
    return { pages: totalPages }
  } catch (cause) {
    const found = explained(source, cause)
    if (found instanceof PipelineError) throw found
    throw new PipelineError(`backing up ${source} to ${file}: ${messageOf(cause)}`, { cause })
  } finally {
    rmSync(temporary, { force: true })
  }
}

async function copy(source: string, target: string, stallMs: number): Promise<BetterSqlite3.BackupMetadata> {
  const database = openToRead(source, { timeoutMs: stallMs })
  try {
    const copied = await database.backup(target, { progress: untilStalled(source, stallMs) })
    // Of a state that is locked from the start the driver makes an empty copy, and says that it is whole.
    if (copied.totalPages === 0) throw lockedFor(source, stallMs)
    return copied
  } finally {
    database.close()
  }
}

/** The backup tries a locked state again at once, for ever. @returns what is called after each attempt */
function untilStalled(source: string, stallMs: number): (state: BetterSqlite3.BackupMetadata) => number {
  let remaining = Number.POSITIVE_INFINITY
  let movedAtMs = performance.now()
  return ({ remainingPages }) => {
    if (remainingPages === remaining) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    else movedAtMs = performance.now()
    remaining = remainingPages
    if (performance.now() - movedAtMs > stallMs) throw lockedFor(source, stallMs)
    return pagesAtOnce
  }
}

/**
 * All, in one read transaction: where this user may not write the log's index, every transaction looks like a change to SQLite, and a copy of
 * several would begin again each time, for ever.
 */
const pagesAtOnce = 0x7fffffff

function assertSound(file: string): void {
  const database = new BetterSqlite3(file)
  try {
    // A copy of one file: nothing of it may wait in a log beside it.
    database.pragma('journal_mode = DELETE')
    const found = database.pragma('integrity_check', { simple: true })
    if (found !== 'ok')
      throw new PipelineError(`the copy is damaged: ${String(found)}`, { hint: '`dag doctor` looks at the state itself' })
  } finally {
    database.close()
  }
}
