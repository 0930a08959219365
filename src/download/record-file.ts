/** A verified file enters the manifest of its month, and what it takes the place of goes. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { readMonthManifest, type VerifiedFile, writeMonthManifest } from './manifest.ts'
import { type FileName, fileName, parseFileName } from './names.ts'

/**
 * Adds a file to the manifest. What there is of the same dump from an earlier day of the month gives way to it, parts included. Call it
 * under the lock of the month.
 * @throws PipelineError when the dump of a later day has come in between; what was fetched of this one has gone then
 */
export function recordFile(directory: string, name: string, verified: VerifiedFile): void {
  const manifest = readMonthManifest(directory)
  const file = parseFileName(name)
  if (manifest === null || file === null) return
  if (Object.keys(manifest.files).some((other) => isOfDump(other, file) && other > name)) {
    // Two files of one dump, and nobody could say which of them counts. One that lay there before is somebody's own.
    if (verified.url !== null) rmSync(join(directory, name), { force: true })
    throw superseded(name)
  }
  const isEarlier = (other: string): boolean => isOfDump(other, file) && other < name
  const parts = readdirSync(directory).filter(
    (other) => other.includes('.part') && isEarlier(other.replace(/\.part(\.json)?$/, '')),
  )
  // Removed before they are forgotten: a kill in between must not leave a second file of the dump that nobody knows of.
  for (const other of [...Object.keys(manifest.files).filter(isEarlier), ...parts])
    rmSync(join(directory, other), { force: true })
  const kept = Object.entries(manifest.files).filter(([other]) => !isEarlier(other))
  writeMonthManifest(directory, { ...manifest, files: { ...Object.fromEntries(kept), [name]: verified } })
  const part = join(directory, `${name}.part`)
  // Left by one that was killed just after it had given the file its name: it describes nothing any more.
  if (!existsSync(part)) rmSync(`${part}.json`, { force: true })
  // Of a month of several days, the dumps of an earlier one may be still to come.
  if (manifest.published.isSpread !== true) removeIdleChecksums(directory, file)
}

/** Of two names of a dump, the one with the later day is the greater one. */
function isOfDump(name: string, { dump }: FileName): boolean {
  return dump !== null && parseFileName(name)?.dump === dump
}

/** A checksum file of an earlier day would go on to ask for its dumps when the last of them has gone. */
function removeIdleChecksums(directory: string, { date }: FileName): void {
  const files = readdirSync(directory).flatMap((name) => parseFileName(name) ?? [])
  const daysWithDumps = new Set(files.flatMap((file) => (file.dump === null ? [] : [file.date])))
  const idle = files.filter((file) => file.dump === null && file.date < date && !daysWithDumps.has(file.date))
  for (const file of idle) rmSync(join(directory, fileName(file)), { force: true })
}

/** Of a file that another process, which knows of a later day, has no use for. */
export function superseded(name: string): PipelineError {
  return new PipelineError(
    `${name}: its month has come out again under a later day, and another process is fetching that: given up`,
    {
      hint: 'run the same command again: it fetches what is published now',
    },
  )
}
