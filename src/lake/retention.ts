/** Which parts of a lake nobody needs any more, and how they go. */
import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import { syncDirectory } from './atomic-file.ts'
import { isRunId, runDir, runsDir, stagingPrefix } from './layout.ts'
import { withLakeLock } from './lock.ts'
import { activeRunId, prevLinks } from './pointer.ts'
import { runsDirEntries, type SealedRun, sealedRuns } from './sealed-runs.ts'

export interface Keep {
  /** The newest so many snapshots, by session. */
  readonly newest: number
  /** Staging of a run that has ended, and of one that nobody knows, stays so long. */
  readonly stagingMs: number
  readonly now: Date
  /** Runs that the history refers to. */
  readonly history: ReadonlySet<string>
  /** Whether that is still all it refers to, and it cannot come to refer to more meanwhile. Asked inside the locks. */
  readonly isHistoryCurrent: () => boolean
  /** What the scheduler knows of a run: whether it goes on, and when it ended; null when it does not know it. */
  readonly runState: (runId: string) => { readonly isRunning: boolean; readonly endedAt: Date | null } | null
  /** Runs `work` while no run can begin or be resumed. Taken inside the lock of the lake, as a promotion does. */
  readonly exclusively: <Result>(work: () => Result) => Result
}

export interface Garbage {
  readonly kind: 'snapshot' | 'staging' | 'trash'
  /** Entry of `_runs`. */
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly reason: string
  /** Of a snapshot: the newest ones, which stay. While they are there it is none of them. */
  readonly newer: readonly string[]
}

type Candidate = Omit<Garbage, 'bytes'>

/** Begins the name of what is being deleted: no reader takes it for a run. */
const trashPrefix = '.trash-'

/** What could go now, the trash first: its names must be free for what follows. Nothing is changed. */
export function findGarbage(lakeDir: string, keep: Keep): readonly Garbage[] {
  const found = [...trash(lakeDir), ...snapshots(lakeDir, keep), ...stagings(lakeDir, keep)]
  return found.map((one) => Object.assign({ bytes: sizeOf(one.path) }, one))
}

/**
 * Removes it, unless it has come to be needed since it was found: asked again under the lock of all promotions, which nobody can take a
 * snapshot from the trash with. What is removed first gets another name, so that no reader meets half a snapshot.
 * @returns false when it is needed by now, or has gone by itself
 */
export function removeGarbage(lakeDir: string, garbage: Garbage, keep: Keep): boolean {
  if (garbage.kind !== 'trash') {
    const isMoved = withLakeLock(lakeDir, () => keep.exclusively(() => moveToTrash(lakeDir, garbage, keep)))
    if (!isMoved) return false
  }
  removeTree(garbage.kind === 'trash' ? garbage.path : trashPath(lakeDir, garbage.name))
  return true
}

/** Looks at this one thing alone: everybody who promotes, or begins a run, waits meanwhile. */
function moveToTrash(lakeDir: string, garbage: Garbage, keep: Keep): boolean {
  const { path, name } = garbage
  if (!existsSync(path) || isNeeded(lakeDir, garbage, keep)) return false
  // A directory without write permission cannot be renamed by everyone: its `..` would change.
  chmodSync(path, 0o755)
  renameSync(path, trashPath(lakeDir, name))
  syncDirectory(runsDir(lakeDir))
  return true
}

function isNeeded(lakeDir: string, { kind, name, newer }: Garbage, keep: Keep): boolean {
  if (kind === 'staging') return abandoned(lakeDir, name, keep) === null
  if (!keep.isHistoryCurrent() || isReferenced(name, referencedRuns(lakeDir, keep.history), keep)) return true
  return !newer.every((runId) => existsSync(runDir(lakeDir, runId)))
}

/** Runs that something refers to: what is read now, what a rollback may go to, what the history has registered. */
function referencedRuns(lakeDir: string, history: ReadonlySet<string>): ReadonlySet<string> {
  const active = activeRunId(lakeDir)
  const previous = prevLinks(lakeDir).map(({ runId }) => runId)
  return new Set([...history, ...previous, ...(active === null ? [] : [active])])
}

/** A run that is still going on may be about to be promoted. */
function isReferenced(runId: string, referenced: ReadonlySet<string>, { runState }: Keep): boolean {
  return referenced.has(runId) || runState(runId)?.isRunning === true
}

function snapshots(lakeDir: string, keep: Keep): readonly Candidate[] {
  const referenced = referencedRuns(lakeDir, keep.history)
  const sealed = sealedRuns(lakeDir).runs.toSorted((left, right) => (sortKey(left) < sortKey(right) ? 1 : -1))
  const newer = sealed.slice(0, keep.newest).map((run) => run.runId)
  const old = sealed.slice(keep.newest).filter(({ runId }) => !isReferenced(runId, referenced, keep))
  const reason = `not referenced, not among the newest ${keep.newest}`
  return old.map(({ runId }) => ({ kind: 'snapshot', name: runId, path: runDir(lakeDir, runId), reason, newer }))
}

function sortKey({ session, runId }: SealedRun): string {
  return `${session} ${runId}`
}

function stagings(lakeDir: string, keep: Keep): readonly Candidate[] {
  const names = runsDirEntries(lakeDir).filter((name) => name.startsWith(stagingPrefix))
  return names.flatMap((name) => {
    const reason = abandoned(lakeDir, name, keep)
    return reason === null ? [] : [{ kind: 'staging', name, path: join(runsDir(lakeDir), name), reason, newer: [] }]
  })
}

/** Why nobody will go on with a staging directory; null while somebody may, and when it is gone. */
function abandoned(lakeDir: string, name: string, { stagingMs, now, runState }: Keep): string | null {
  const runId = name.slice(stagingPrefix.length)
  const state = isRunId(runId) ? runState(runId) : null
  if (state?.isRunning === true) return null
  const sinceMs = state?.endedAt?.getTime() ?? lastWriteMs(join(runsDir(lakeDir), name))
  if (sinceMs === null || now.getTime() - sinceMs < stagingMs) return null
  return state === null ? 'of a run that this state does not know' : 'its run has ended without a seal'
}

/** Left by a deletion that was killed. */
function trash(lakeDir: string): readonly Candidate[] {
  const names = runsDirEntries(lakeDir).filter((name) => name.startsWith(trashPrefix))
  const reason = 'left by a deletion that was interrupted'
  return names.map((name) => ({ kind: 'trash', name, path: join(runsDir(lakeDir), name), reason, newer: [] }))
}

function trashPath(lakeDir: string, name: string): string {
  return join(runsDir(lakeDir), `${trashPrefix}${name.replace(/^\./, '')}`)
}

/** Bytes of every file below a path. What vanishes meanwhile counts for nothing. */
export function sizeOf(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true) return stats?.size ?? 0
  return namesIn(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

/** When anything below a path was written last; null when it is gone. */
function lastWriteMs(path: string): number | null {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  if (!stats.isDirectory()) return stats.mtimeMs
  return namesIn(path).reduce((latest, name) => Math.max(latest, lastWriteMs(join(path, name)) ?? 0), stats.mtimeMs)
}

/** Sealed directories are read-only: even their owner may remove nothing from them. */
function removeTree(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    unlessGone(() => chmodSync(path, 0o755))
    for (const name of namesIn(path)) removeTree(join(path, name))
  }
  rmSync(path, { recursive: true, force: true })
}

function namesIn(directory: string): readonly string[] {
  return unlessGone(() => readdirSync(directory)) ?? []
}

/** Another process may write, seal or remove the same thing at the same time. */
function unlessGone<Result>(work: () => Result): Result | null {
  try {
    return work()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}
