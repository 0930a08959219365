/** A file that a run has read: what it was then, and whether it still is that file. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { hasCode, messageOf } from '../errors.ts'
import { parseChecksums } from './checksums.ts'
import { hashFile, type HashFileOptions } from './hash-file.ts'

/** While size, times and inode are the same, so is the content: it is not read again. */
export interface FileIdentity {
  readonly bytes: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly inode: number
}

export interface InputFile extends FileIdentity {
  /** Relative to the raw directory, which may be moved. */
  readonly path: string
  /** Null when it was read in part: then only {@link FileIdentity} tells it. */
  readonly sha256: string | null
  /** The file that lists its published hash, relative as well; it need not be there. Null: nowhere. */
  readonly checksums: string | null
}

export function identityOf(path: string): FileIdentity {
  const { size, mtimeMs, ctimeMs, ino } = statSync(path)
  return { bytes: size, mtimeMs, ctimeMs, inode: ino }
}

export function isSameFile(left: FileIdentity, right: FileIdentity): boolean {
  return (
    left.bytes === right.bytes && left.mtimeMs === right.mtimeMs && left.ctimeMs === right.ctimeMs && left.inode === right.inode
  )
}

/** @returns why the file must be read again, null when it need not be */
export async function whyOutdated(rawDir: string, input: InputFile, options: HashFileOptions = {}): Promise<string | null> {
  const path = join(rawDir, input.path)
  try {
    if (!(await isUnchanged(path, input, options))) return `${path} has been replaced since it was read`
    const checksums = input.checksums === null || input.sha256 === null ? null : join(rawDir, input.checksums)
    if (checksums === null || !existsSync(checksums)) return null
    const published = parseChecksums(readFileSync(checksums, 'utf8'), checksums).get(basename(path)) ?? input.sha256
    return published === input.sha256 ? null : `${path} is not the file that ${checksums} lists`
  } catch (error) {
    options.signal?.throwIfAborted()
    return hasCode(error, 'ENOENT') ? `${path} is gone` : `${path} cannot be compared: ${messageOf(error)}`
  }
}

async function isUnchanged(path: string, input: InputFile, options: HashFileOptions): Promise<boolean> {
  const found = identityOf(path)
  return isSameFile(found, input) || (found.bytes === input.bytes && (await hashFile(path, options)) === input.sha256)
}
