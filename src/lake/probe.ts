/** Tries what a lake needs of its file system, so that a run does not fail at the seal or the promotion after an hour. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { messageOf, PipelineError } from '../errors.ts'
import { syncDirectory, syncFile } from './atomic-file.ts'
import { linkTarget, probePrefix } from './layout.ts'
import { namesIn } from './names-in.ts'

/** A killed probe leaves its directory; a probe takes milliseconds. */
const leftoverMs = 3_600_000

/**
 * Makes, links, locks, protects and renames files of its own in a directory, and removes them again.
 * @returns what does not work, each with the error; empty when a lake can lie there
 * @throws PipelineError when nothing can be made in the directory at all
 */
export function probeFileSystem(directory: string): readonly string[] {
  removeLeftovers(directory)
  const place = newDirectory(directory)
  try {
    return Object.entries(trials).flatMap(([what, trial]) => problemOf(what, () => trial(place)))
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** In an empty directory; each makes what it needs. */
const trials: Readonly<Record<string, (place: string) => void>> = {
  'write a file to the disk (fsync)': (place) => {
    writeFileSync(join(place, 'file'), 'probe')
    syncFile(join(place, 'file'))
  },
  'write a directory to the disk (fsync)': syncDirectory,
  'make a symbolic link': (place) => makeLink(place, 'link', 'one'),
  'rename a link over a link': (place) => {
    makeLink(place, 'active', 'one')
    makeLink(place, 'new', 'two')
    renameSync(join(place, 'new'), join(place, 'active'))
    assertSame(readlinkSync(join(place, 'active')), linkTarget('two'))
  },
  'rename a directory': (place) => {
    mkdirSync(join(place, 'staging'))
    writeFileSync(join(place, 'staging', 'file'), 'probe')
    renameSync(join(place, 'staging'), join(place, 'run'))
  },
  'take write permission from a file (chmod)': (place) => {
    const file = join(place, 'protected')
    writeFileSync(file, 'probe')
    chmodSync(file, 0o444)
    assertSame((statSync(file).mode & 0o777).toString(8), '444')
  },
  'lock a file': (place) => {
    const database = new BetterSqlite3(join(place, 'lock'))
    try {
      database.exec('BEGIN EXCLUSIVE')
    } finally {
      database.close()
    }
  },
}

function makeLink(place: string, name: string, runId: string): void {
  symlinkSync(linkTarget(runId), join(place, name))
  assertSame(readlinkSync(join(place, name)), linkTarget(runId))
}

function assertSame(found: string, wanted: string): void {
  if (found !== wanted) throw new PipelineError(`it reads as ${found} afterwards, not ${wanted}`)
}

function problemOf(what: string, trial: () => void): readonly string[] {
  try {
    trial()
    return []
  } catch (error) {
    return [`cannot ${what}: ${messageOf(error)}`]
  }
}

function newDirectory(directory: string): string {
  try {
    return mkdtempSync(join(directory, probePrefix))
  } catch (cause) {
    throw new PipelineError(`nothing can be made in ${directory}: ${messageOf(cause)}`, { cause, retryable: false })
  }
}

function removeLeftovers(directory: string): void {
  for (const name of namesIn(directory).filter((one) => one.startsWith(probePrefix))) {
    const path = join(directory, name)
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
    if (madeMs < Date.now() - leftoverMs) rmSync(path, { recursive: true, force: true })
  }
}
