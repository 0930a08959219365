/** The `active` link and the `active__prev_…` links: reading them, and the single steps of moving them. */
import { type Dirent, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import { syncDirectory } from './atomic-file.ts'
import { activeLink, linkTarget, newActivePrefix, prevLinkPrefix, runDir, runIdOfTarget } from './layout.ts'

export interface ActiveRun {
  readonly runId: string
  /** The sealed directory itself, not a path through the link: what is read below it stays of one run. */
  readonly dir: string
}

/** A link that keeps a run that was active. */
export interface PrevLink {
  readonly name: string
  readonly runId: string
}

/**
 * The published run, by one readlink(2): whoever reads below `dir` never mixes two runs.
 * @returns null when nothing was published yet
 * @throws PipelineError naming the link: it is no link, points outside the lake's runs, or at a run that is gone
 */
export function resolveActive(lakeDir: string): ActiveRun | null {
  const runId = activeRunId(lakeDir)
  if (runId === null) return null
  const dir = runDir(lakeDir, runId)
  if (!isDirectory(dir)) {
    throw new PipelineError(`${activeLink(lakeDir)} points at ${linkTarget(runId)}, which does not exist`, {
      hint: '`dag promote <run>` publishes another run',
      retryable: false,
    })
  }
  return { runId, dir }
}

/** The run that `active` names, whether it exists or not; null without the link. @throws PipelineError when it is no link of ours */
export function activeRunId(lakeDir: string): string | null {
  const link = activeLink(lakeDir)
  const target = targetOf(link)
  if (target === null) return null
  const runId = runIdOfTarget(target)
  if (runId === null) {
    throw new PipelineError(`${link} points at ${target}, expected _runs/<run_id>`, {
      hint: 'move this link away, then promote a run',
      retryable: false,
    })
  }
  return runId
}

/**
 * Makes `active` name this run: a link under a temporary name, moved over the old one by rename(2), so `active` is never missing.
 * The caller syncs the lake directory ({@link swapActive} does both).
 */
export function moveActive(lakeDir: string, runId: string): void {
  const temporary = newLink(lakeDir, runId)
  try {
    renameSync(temporary, activeLink(lakeDir))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** {@link moveActive}, and the move is on the disk afterwards. Only under the lake's lock. */
export function swapActive(lakeDir: string, runId: string): void {
  moveActive(lakeDir, runId)
  syncDirectory(lakeDir)
}

let counter = 0

function newLink(lakeDir: string, runId: string): string {
  for (;;) {
    counter += 1
    const temporary = join(lakeDir, `${newActivePrefix}${process.pid}-${counter}`)
    try {
      symlinkSync(linkTarget(runId), temporary)
      return temporary
    } catch (error) {
      // Left by a killed process of the same id, which recovery has not met yet.
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
}

/** Removes what killed processes left of links they were making. Only under the lake's lock. @returns their names */
export function removeNewLinks(lakeDir: string): readonly string[] {
  const names = newLinks(lakeDir)
  for (const name of names) rmSync(join(lakeDir, name), { force: true })
  return names
}

/** Links being made, or left by killed processes. */
export function newLinks(lakeDir: string): readonly string[] {
  return entriesOf(lakeDir).flatMap(({ name }) => (name.startsWith(newActivePrefix) ? [name] : []))
}

/** A name for the next prev link that no entry of the lake has: `active__prev_<YYYYMMDD_HHmmssSSS>`, UTC, `_2` and so on after it. */
export function freePrevLinkName(lakeDir: string, now: Date): string {
  const [date = '', time = ''] = now.toISOString().split('T')
  const name = `${prevLinkPrefix}${date.replaceAll('-', '')}_${time.replaceAll(/[:.Z]/g, '')}`
  let free = name
  for (let suffix = 2; lstatSync(join(lakeDir, free), { throwIfNoEntry: false }) !== undefined; suffix += 1)
    free = `${name}_${suffix}`
  return free
}

/** Keeps a run that is about to be replaced. The caller syncs the lake directory. */
export function createPrevLink(lakeDir: string, { name, runId }: PrevLink): void {
  symlinkSync(linkTarget(runId), join(lakeDir, name))
}

/** Takes a prev link back, if it is there. The caller syncs the lake directory. */
export function removePrevLink(lakeDir: string, name: string): void {
  rmSync(join(lakeDir, name), { force: true })
}

/** All prev links, newest first. What is no link of ours is left out. */
export function prevLinks(lakeDir: string): readonly PrevLink[] {
  const links = entriesOf(lakeDir).flatMap((entry) => {
    const target = entry.isSymbolicLink() && entry.name.startsWith(prevLinkPrefix) ? targetOf(join(lakeDir, entry.name)) : null
    const runId = target === null ? null : runIdOfTarget(target)
    return runId === null ? [] : [{ name: entry.name, runId }]
  })
  return links.toSorted((left, right) => compareLinkNames(right.name, left.name))
}

// Numbers compare as numbers: …_10 was made after …_9. Made when it is needed: that takes as long as the rest of `dag status` does.
let linkNameOrder: Intl.Collator | null = null

/** Below 0 when the prev link `left` was made before `right`. */
export function compareLinkNames(left: string, right: string): number {
  linkNameOrder ??= new Intl.Collator('en', { numeric: true })
  return linkNameOrder.compare(left, right)
}

function entriesOf(lakeDir: string): readonly Dirent[] {
  try {
    return readdirSync(lakeDir, { withFileTypes: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw new PipelineError(`listing the lake ${lakeDir}: ${messageOf(error)}`, { cause: error })
  }
}

/** What a link holds; null when there is nothing of that name. */
function targetOf(link: string): string | null {
  try {
    return readlinkSync(link)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null
    const isNoLink = hasCode(cause, 'EINVAL')
    throw new PipelineError(`reading ${link}: ${isNoLink ? 'it is no symbolic link' : messageOf(cause)}`, {
      cause,
      hint: isNoLink ? 'move it away, then promote a run' : 'DISCOGS_DATA_LAKE must be a directory that this user may read',
      retryable: false,
    })
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
