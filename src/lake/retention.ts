/** Which parts of a lake nobody needs any more, and how they are removed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from './atomic-file.ts'
import { isRunId, runDir, runsDir, stagingPrefix } from './layout.ts'
import { withLakeLock } from './lock.ts'
import { prevLinks, removePrevLink } from './pointer.ts'
import type { RunBook } from './run-book.ts'
import { runsDirEntries } from './sealed-runs.ts'
import { historyReason, judgeSnapshots, mandatoryReason } from './snapshot-retention.ts'
import { lastWriteMs, moveToTrash, removeTree, sizeOf, trashPath, trashPrefix } from './trash.ts'

/** What the history has of each snapshot. */
export interface HistoryNeeds {
  /** Runs that its registry names. */
  readonly registered: ReadonlySet<string>
  /** Runs whose numbers it has, or that it never measures: it does not need their files. */
  readonly measured: ReadonlySet<string>
  /** Whether that still holds. Asked inside the locks. */
  isCurrent(): boolean
}

export interface Keep {
  /** The newest so many snapshots, by session. */
  readonly newest: number
  /** The published runs of the newest so many months; null: all of them. */
  readonly published: number | null
  /** Whether unpublished snapshots that the history has measured may go. */
  readonly measured: boolean
  /** How long staging stays after its run ended, or after the last write when the run is unknown. */
  readonly stagingMs: number
  readonly now: Date
  readonly history: HistoryNeeds
  readonly book: RunBook
  /** Tests kill the process here. */
  readonly reached?: (step: RemovalStep) => void
}

/** The instants of a removal, in order. */
export const removalSteps = ['before-links', 'after-links', 'after-move'] as const
export type RemovalStep = (typeof removalSteps)[number]

export interface Garbage {
  readonly kind: 'snapshot' | 'staging' | 'trash' | 'raw'
  /** Entry of `_runs`, or of the raw directory. */
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly reason: string
  /** Snapshots that must still be there when this one goes: it is old only beside them. */
  readonly newer: readonly string[]
  /** Whether `active__prev_…` links may name it: they are removed with it. */
  readonly isPublished: boolean
}

export type Candidate = Omit<Garbage, 'bytes'>

/** Something that stays. */
export interface Kept {
  readonly kind: 'snapshot' | 'raw'
  readonly name: string
  readonly reason: string
  /** The option, or the command, that would let it go; null: none does. */
  readonly option: string | null
}

export interface Findings {
  /** The trash first: its names must be free for the rest. */
  readonly garbage: readonly Garbage[]
  readonly kept: readonly Kept[]
}

/** What could go now, and what stays. Changes nothing. */
export function findGarbage(lakeDir: string, keep: Keep): Findings {
  const { kept, candidates } = judgeSnapshots(lakeDir, keep)
  const found = [...trashIn(runsDir(lakeDir), runsDirEntries(lakeDir)), ...candidates, ...stagings(lakeDir, keep)]
  return { garbage: found.map(withBytes), kept }
}

export function withBytes(one: Candidate): Garbage {
  return { ...one, bytes: sizeOf(one.path) }
}

/** Leftovers of interrupted deletions. */
export function trashIn(directory: string, names: readonly string[]): readonly Candidate[] {
  const reason = 'left by an interrupted deletion'
  return names
    .filter((name) => name.startsWith(trashPrefix))
    .map((name) => ({ kind: 'trash', name, path: join(directory, name), reason, newer: [], isPublished: false }))
}

/**
 * Removes it, unless something has come to need it since it was found: that is asked again under the lock of all promotions. First its
 * `active__prev_…` links go, then it gets another name in one step, then it is deleted. A kill in between leaves a whole snapshot, or trash.
 * @returns false when it is needed by now, or no longer exists
 */
export function removeGarbage(lakeDir: string, garbage: Garbage, keep: Keep): boolean {
  const { kind, path } = garbage
  if (kind === 'trash') removeTree(path)
  else {
    const isMoved = withLakeLock(lakeDir, () => keep.book.exclusively(() => takeAway(lakeDir, garbage, keep)))
    if (!isMoved) return false
    keep.reached?.('after-move')
    removeTree(trashPath(path))
  }
  return true
}

/** Looks at this one thing alone: everybody who promotes, or begins a run, waits meanwhile. */
function takeAway(lakeDir: string, garbage: Garbage, keep: Keep): boolean {
  if (!existsSync(garbage.path) || isNeeded(lakeDir, garbage, keep)) return false
  keep.reached?.('before-links')
  const links = garbage.isPublished ? linksTo(lakeDir, garbage.name) : []
  for (const link of links) removePrevLink(lakeDir, link)
  if (links.length > 0) syncDirectory(lakeDir)
  keep.reached?.('after-links')
  moveToTrash(garbage.path)
  return true
}

function linksTo(lakeDir: string, runId: string): readonly string[] {
  return prevLinks(lakeDir).flatMap((link) => (link.runId === runId ? [link.name] : []))
}

function isNeeded(lakeDir: string, { kind, name, newer, isPublished }: Garbage, keep: Keep): boolean {
  if (kind === 'staging') return abandoned(lakeDir, name, keep) === null
  if (keep.book.isHistoryRunning() || !keep.history.isCurrent()) return true
  if (mandatoryReason(lakeDir, name, keep) !== null || historyReason(name, isPublished, keep) !== null) return true
  if (!isPublished && linksTo(lakeDir, name).length > 0) return true
  return !newer.every((runId) => existsSync(runDir(lakeDir, runId)))
}

function stagings(lakeDir: string, keep: Keep): readonly Candidate[] {
  const names = runsDirEntries(lakeDir).filter((name) => name.startsWith(stagingPrefix))
  return names.flatMap((name) => {
    const reason = abandoned(lakeDir, name, keep)
    const path = join(runsDir(lakeDir), name)
    return reason === null ? [] : [{ kind: 'staging', name, path, reason, newer: [], isPublished: false }]
  })
}

/** A staged run of a dump month that somebody may still resume; null when there is none. */
export function stagedRunOf(lakeDir: string, month: string, keep: Keep): string | null {
  const names = runsDirEntries(lakeDir).filter((name) => name.startsWith(`${stagingPrefix}${month}__`))
  const staged = names.find((name) => abandoned(lakeDir, name, keep) === null)
  return staged?.slice(stagingPrefix.length) ?? null
}

/** Why nobody will resume the run of a staging directory; null while somebody may, and when it no longer exists. */
function abandoned(lakeDir: string, name: string, { stagingMs, now, book }: Keep): string | null {
  const runId = name.slice(stagingPrefix.length)
  const state = isRunId(runId) ? book.runState(runId) : null
  if (state?.isRunning === true) return null
  const sinceMs = state?.endedAt?.getTime() ?? lastWriteMs(join(runsDir(lakeDir), name))
  if (sinceMs === null || now.getTime() - sinceMs < stagingMs) return null
  return state === null ? 'of a run that this state does not know' : 'its run has ended without a seal'
}
