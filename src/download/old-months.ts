/** Which months of dumps the raw directory no longer needs, and how they are removed. */
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { isGenerated } from '../lake/generated.ts'
import type { Candidate, Garbage, Kept } from '../lake/retention.ts'
import { trashIn } from '../lake/retention.ts'
import { moveToTrash, removeTree, trashPath } from '../lake/trash.ts'
import { diskFailure } from './disk-failure.ts'
import { whileFree } from './locks.ts'
import { manifestName, readMonthManifest } from './manifest.ts'
import { monthDirectory } from './month.ts'
import { dumpNames, fileName, monthOf, parseFileName } from './names.ts'
import { monthsOnDisk } from './verify-month.ts'

/** A dump as it lies in the raw directory. */
export interface RawFile {
  readonly name: string
  readonly bytes: number
}

export interface RawKeep {
  /** The newest so many months. */
  readonly newest: number
  /** Why the pipeline still needs the dumps of a month; null when it does not. Asked again under the locks. */
  readonly neededBy: (month: string, files: readonly RawFile[]) => string | null
  /** Runs `work` while no run can begin. */
  readonly exclusively: <Result>(work: () => Result) => Result
  /** Tests kill the process here. */
  readonly reached?: (step: 'after-move') => void
}

/** Months that may go, leftovers of interrupted deletions first, and the others with the reason why they stay. */
export function judgeMonths(rawDir: string, keep: RawKeep): { candidates: readonly Candidate[]; kept: readonly Kept[] } {
  const months = monthsOnDisk(rawDir)
  const real = months.filter((month) => !isGenerated({ params: { dump_month: month } }))
  const newest = new Set((real.length === 0 ? months : real).slice(-keep.newest))
  const verdicts = months.map((month) => {
    const kept = (reason: string, option: string | null): Kept => ({ kind: 'raw', name: month, reason, option })
    if (newest.has(month)) return kept(`one of the newest ${keep.newest} months of dumps`, '--raw-months')
    const reason = neededNow(rawDir, month, keep) ?? heldReason(rawDir, month)
    return reason === null ? candidateOf(rawDir, month) : kept(reason, null)
  })
  const trash = existsSync(rawDir) ? trashIn(rawDir, readdirSync(rawDir)) : []
  return {
    candidates: [...trash, ...verdicts.filter((one) => 'newer' in one)],
    kept: verdicts.filter((one) => 'option' in one),
  }
}

function candidateOf(rawDir: string, month: string): Candidate {
  const reason = 'its dumps are in a sealed snapshot'
  return { kind: 'raw', name: month, path: monthDirectory(rawDir, month), reason, newer: [], isPublished: false }
}

/**
 * Removes a month's directory: it gets another name in one step while no download holds the month and no run can begin, then it is deleted.
 * @returns false when something has come to need it, or it no longer exists
 */
export function removeMonth(rawDir: string, { name: month, path }: Garbage, keep: RawKeep): boolean {
  try {
    const isMoved = whileFree(rawDir, locksOf(rawDir, month), () => keep.exclusively(() => takeAway(rawDir, month, keep)))
    if (isMoved !== true) return false
    keep.reached?.('after-move')
    removeTree(trashPath(path))
    return true
  } catch (error) {
    throw diskFailure(error, path)
  }
}

function takeAway(rawDir: string, month: string, keep: RawKeep): boolean {
  const path = monthDirectory(rawDir, month)
  if (!existsSync(path) || existsSync(trashPath(path)) || neededNow(rawDir, month, keep) !== null) return false
  moveToTrash(path)
  return true
}

function neededNow(rawDir: string, month: string, keep: RawKeep): string | null {
  const directory = monthDirectory(rawDir, month)
  try {
    // A link is somebody's own arrangement.
    if (!lstatSync(directory).isDirectory()) return 'it is not a directory'
    const names = readdirSync(directory)
    const problem = unusual(names, month)
    if (problem !== null) return problem
    const files = names.filter((name) => (parseFileName(name)?.dump ?? null) !== null)
    return keep.neededBy(
      month,
      files.map((name) => ({ name, bytes: statSync(join(directory, name)).size })),
    )
  } catch (error) {
    const failure = diskFailure(error, directory)
    if (failure instanceof PipelineError) return failure.message
    throw failure
  }
}

/** Files that no download leaves behind when it is done. */
function unusual(names: readonly string[], month: string): string | null {
  const part = names.find((name) => name.endsWith('.part'))
  if (part !== undefined) return `it holds the unfinished download ${part}`
  const foreign = names.find((name) => name !== manifestName && !name.startsWith('.') && !isOfMonth(name, month))
  return foreign === undefined ? null : `it holds ${foreign}, which is no dump of the month`
}

function isOfMonth(name: string, month: string): boolean {
  const parsed = parseFileName(name.replace(/\.part\.json$/, ''))
  return parsed !== null && monthOf(parsed.date) === month
}

/** Looks without creating any lock file. */
function heldReason(rawDir: string, month: string): string | null {
  const present = locksOf(rawDir, month).filter((name) => existsSync(join(rawDir, '.locks', name)))
  return whileFree(rawDir, present, () => true) === true ? null : 'a download holds it'
}

/** The locks that downloads of a month take: the month's, and those of the files that are there or published. */
function locksOf(rawDir: string, month: string): readonly string[] {
  const directory = monthDirectory(rawDir, month)
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => parseFileName(name)?.dump != null) : []
  const date = readMonthManifest(directory)?.published.date
  const published = date === undefined ? [] : dumpNames.map((dump) => fileName({ date, dump }))
  return [month, ...new Set([...names, ...published].toSorted())]
}
