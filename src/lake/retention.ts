/** Which parts of a lake nobody needs any more, and how they go. */
import { chmodSync, lstatSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from './atomic-file.ts'
import { isRunId, runDir, runsDir, stagingDir, stagingPrefix } from './layout.ts'
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
}

/** Begins the name of what is being deleted: no reader takes it for a run. */
const trashPrefix = '.trash-'

/** What could go now, the trash first: its names must be free for what follows. Nothing is changed. */
export function findGarbage(lakeDir: string, keep: Keep): readonly Garbage[] {
  return [...trash(lakeDir), ...snapshots(lakeDir, keep), ...stagings(lakeDir, keep)]
}

/**
 * Removes it, unless it has come to be needed since it was found: asked again under the lock of all promotions, which nobody can take a
 * snapshot from the trash with. What is removed first gets another name, so that no reader meets half a snapshot.
 * @returns false when it is needed by now
 */
export function removeGarbage(lakeDir: string, garbage: Garbage, keep: Keep): boolean {
  if (garbage.kind !== 'trash') {
    const isMoved = withLakeLock(lakeDir, () => keep.exclusively(() => moveToTrash(lakeDir, garbage, keep)))
    if (!isMoved) return false
  }
  removeTree(garbage.kind === 'trash' ? garbage.path : trashPath(lakeDir, garbage.name))
  return true
}

function moveToTrash(lakeDir: string, { path, name }: Garbage, keep: Keep): boolean {
  if (!findGarbage(lakeDir, keep).some((one) => one.path === path)) return false
  // A directory without write permission cannot be renamed by everyone: its `..` would change.
  chmodSync(path, 0o755)
  renameSync(path, trashPath(lakeDir, name))
  syncDirectory(runsDir(lakeDir))
  return true
}

/** Runs that something refers to: what is read now, what a rollback may go to, what the history has registered. */
function referencedRuns(lakeDir: string, history: ReadonlySet<string>): ReadonlyMap<string, string> {
  const referenced = new Map<string, string>()
  for (const runId of history) referenced.set(runId, 'the history refers to it')
  for (const { name, runId } of prevLinks(lakeDir)) referenced.set(runId, `${name} refers to it`)
  const active = activeRunId(lakeDir)
  if (active !== null) referenced.set(active, 'it is active')
  return referenced
}

function snapshots(lakeDir: string, { newest, history, runState }: Keep): readonly Garbage[] {
  const referenced = referencedRuns(lakeDir, history)
  const sealed = sealedRuns(lakeDir).runs.toSorted((left, right) => (sortKey(left) < sortKey(right) ? 1 : -1))
  const recent = new Set(sealed.slice(0, newest).map((run) => run.runId))
  // A run that is still going on may be about to be promoted.
  const old = sealed.filter(({ runId }) => !recent.has(runId) && !referenced.has(runId) && runState(runId)?.isRunning !== true)
  return old.map(({ runId }) => entry(lakeDir, 'snapshot', runId, `not referenced, not among the newest ${newest}`))
}

function sortKey({ session, runId }: SealedRun): string {
  return `${session} ${runId}`
}

function stagings(lakeDir: string, { stagingMs, now, runState }: Keep): readonly Garbage[] {
  const names = runsDirEntries(lakeDir).filter((name) => name.startsWith(stagingPrefix))
  return names.flatMap((name) => {
    const runId = name.slice(stagingPrefix.length)
    const state = isRunId(runId) ? runState(runId) : null
    if (state?.isRunning === true) return []
    const since = state?.endedAt ?? statSync(isRunId(runId) ? stagingDir(lakeDir, runId) : join(runsDir(lakeDir), name)).mtime
    if (now.getTime() - since.getTime() < stagingMs) return []
    return [
      entry(
        lakeDir,
        'staging',
        name,
        state === null ? 'of a run that this state does not know' : 'its run has ended without a seal',
      ),
    ]
  })
}

/** Left by a deletion that was killed. */
function trash(lakeDir: string): readonly Garbage[] {
  const names = runsDirEntries(lakeDir).filter((name) => name.startsWith(trashPrefix))
  return names.map((name) => entry(lakeDir, 'trash', name, 'left by a deletion that was interrupted'))
}

function entry(lakeDir: string, kind: Garbage['kind'], name: string, reason: string): Garbage {
  const path = kind === 'snapshot' ? runDir(lakeDir, name) : join(runsDir(lakeDir), name)
  return { kind, name, path, bytes: sizeOf(path), reason }
}

function trashPath(lakeDir: string, name: string): string {
  return join(runsDir(lakeDir), `${trashPrefix}${name.replace(/^\./, '')}`)
}

/** Bytes of every file below a path. */
export function sizeOf(path: string): number {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

/** Sealed directories are read-only: even their owner may remove nothing from them. */
function removeTree(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() === true) {
    chmodSync(path, 0o755)
    for (const name of readdirSync(path)) removeTree(join(path, name))
  }
  rmSync(path, { recursive: true, force: true })
}
