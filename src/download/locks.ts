/**
 * Who downloads what, in all processes that share a raw directory: one at a time for each file and each manifest, two transfers in all.
 *
 * A lock is the exclusive lock of an empty SQLite database in `.locks/`, as in lake/lock.ts: the kernel drops it with its process, so a
 * kill leaves none held. Nothing is ever written to the files; they stay.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite3 from 'better-sqlite3'
import { messageOf, PipelineError } from '../errors.ts'
import { maxTransfers } from './patience.ts'

const pollMs = 100
const slots = Array.from({ length: maxTransfers }, (_, index) => `transfer-${index + 1}`)

export interface WaitOptions {
  readonly signal: AbortSignal
  /** Called once when somebody else holds it. */
  readonly onWait?: () => void
}

/** Does `work` while nobody else holds the lock of this name. */
export function withLock<Result>(
  rawDir: string,
  name: string,
  options: WaitOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  return withOneOf(rawDir, [name], options, work)
}

/** Does `work` as one of at most {@link maxTransfers}. */
export function withSlot<Result>(rawDir: string, options: WaitOptions, work: () => Promise<Result>): Promise<Result> {
  return withOneOf(rawDir, slots, options, work)
}

/**
 * Does `work` while nobody holds any of these locks, without waiting.
 * @returns null when somebody holds one
 */
export function whileFree<Result>(rawDir: string, names: readonly string[], work: () => Result): Result | null {
  using held = new DisposableStack()
  for (const name of names) {
    const lock = take(join(rawDir, '.locks'), name)
    if (lock === null) return null
    held.use(lock)
  }
  return work()
}

/** How many transfers are under way in all processes, at least one. */
function transfersUnderWay(rawDir: string): number {
  const held = slots.filter((slot) => {
    using free = take(join(rawDir, '.locks'), slot)
    return free === null
  })
  return Math.max(1, held.length)
}

/** Whether other transfers have begun or ended is looked at so often. */
const lookEveryMs = 1_000

/**
 * The share of one transfer in a limit that all transfers keep together.
 * @param bytesPerSecond null: no limit
 * @returns the bytes per second that the transfer may take now
 */
export function shareOf(rawDir: string, bytesPerSecond: number | null): () => number | null {
  if (bytesPerSecond === null) return () => null
  let [lookedAtMs, share] = [Number.NEGATIVE_INFINITY, bytesPerSecond]
  return () => {
    if (performance.now() - lookedAtMs >= lookEveryMs) {
      lookedAtMs = performance.now()
      share = bytesPerSecond / transfersUnderWay(rawDir)
    }
    return share
  }
}

async function withOneOf<Result>(
  rawDir: string,
  names: readonly string[],
  { signal, onWait = () => {} }: WaitOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const directory = join(rawDir, '.locks')
  for (let isTold = false; ; isTold = true) {
    signal.throwIfAborted()
    for (const name of names) {
      using held = take(directory, name)
      if (held !== null) return await work()
    }
    if (!isTold) onWait()
    await sleep(pollMs, undefined, { signal })
  }
}

/** @returns null when somebody holds it */
function take(directory: string, name: string): Disposable | null {
  const database = openLock(directory, name)
  try {
    // A journal would be a file, for which a full disk has no room.
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => void database.close() }
  } catch (error) {
    database.close()
    if (error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null
    throw error
  }
}

function openLock(directory: string, name: string): BetterSqlite3.Database {
  try {
    mkdirSync(directory, { recursive: true })
    return new BetterSqlite3(join(directory, name), { timeout: 0 })
  } catch (cause) {
    throw new PipelineError(`the raw directory cannot be written: ${directory}: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'DISCOGS_RAW names the raw directory',
    })
  }
}
