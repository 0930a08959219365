/** Deleting a directory so that no reader meets half of it: a rename out of the way, then the deletion. */
import { chmodSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import { syncDirectory } from './atomic-file.ts'

/** Begins the name of a directory that is being deleted. */
export const trashPrefix = '.trash-'

/** The name that a directory has while it is being deleted. */
export function trashPath(path: string): string {
  return join(dirname(path), `${trashPrefix}${basename(path).replace(/^\./, '')}`)
}

/** Renames a directory to its {@link trashPath}, durably. */
export function moveToTrash(path: string): void {
  // A directory without write permission cannot be renamed by everyone: its `..` would change.
  chmodSync(path, 0o755)
  renameSync(path, trashPath(path))
  syncDirectory(dirname(path))
}

/** Removes a directory tree, read-only directories included: even their owner may remove nothing from those. */
export function removeTree(path: string): void {
  try {
    removeAll(path)
  } catch (cause) {
    throw new PipelineError(`removing ${path}: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'restore write permission to its parent directory; the next `dag gc --yes` finishes the removal',
    })
  }
}

function removeAll(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    unlessGone(() => chmodSync(path, 0o755))
    for (const name of namesIn(path)) removeAll(join(path, name))
  }
  rmSync(path, { recursive: true, force: true })
}

/** Bytes of every file below a path. Files that vanish meanwhile count as empty. */
export function sizeOf(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true) return stats?.size ?? 0
  return namesIn(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

/** When anything below a path was last written; null when it no longer exists. */
export function lastWriteMs(path: string): number | null {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  if (!stats.isDirectory()) return stats.mtimeMs
  return namesIn(path).reduce((latest, name) => Math.max(latest, lastWriteMs(join(path, name)) ?? 0), stats.mtimeMs)
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
