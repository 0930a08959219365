/** Files and directories that are either as they were or complete, whenever the process dies: temporary name, fsync, rename, fsync of the directory. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Writes to the disk which names a directory holds. */
export function syncDirectory(directory: string): void {
  syncFile(directory)
}

/** Writes a file's (or directory's) content to the disk. A descriptor opened for reading is enough: fsync(2). */
export function syncFile(file: string): void {
  const descriptor = openSync(file, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Writes `file`, which is afterwards on the disk, not in a cache. Two processes that write the same file at once do no harm:
 * the last one wins whole.
 */
export function writeFileAtomically(file: string, content: string | Uint8Array): void {
  const temporary = join(dirname(file), `${temporaryPrefix(file)}${process.pid}`)
  try {
    const descriptor = openSync(temporary, 'w')
    try {
      writeFileSync(descriptor, content)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncDirectory(dirname(file))
}

/** JSON with two spaces and a line end, keys in the order given. */
export function writeJson(file: string, value: unknown): void {
  writeFileAtomically(file, `${JSON.stringify(value, null, 2)}\n`)
}

/** Removes what a killed {@link writeFileAtomically} of `file` left beside it. Only while nobody else writes it. */
export function removeTemporaries(file: string): void {
  const directory = dirname(file)
  for (const name of readdirSync(directory)) {
    if (name.startsWith(temporaryPrefix(file))) rmSync(join(directory, name), { force: true })
  }
}

/**
 * Puts the directory `temporary`, whose files are synced already, in the place of `target`, and syncs the parent of `target`.
 * Whoever looks finds the old directory, none, or the new one, never a mixture; after a kill in between, calling it again with
 * a new `temporary` ends well.
 */
export function replaceDirectory(temporary: string, target: string): void {
  const aside = join(dirname(target), `.tmp-${basename(target)}-replaced`)
  mkdirSync(dirname(target), { recursive: true })
  syncDirectory(temporary)
  rmSync(aside, { recursive: true, force: true })
  // rename(2) replaces no directory that holds something.
  if (existsSync(target)) renameSync(target, aside)
  renameSync(temporary, target)
  syncDirectory(dirname(target))
  rmSync(aside, { recursive: true, force: true })
}

function temporaryPrefix(file: string): string {
  return `.${basename(file)}.tmp-`
}
