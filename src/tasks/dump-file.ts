/** Finds the dumps of a month and what is known of them: where they came from, which hash was published. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { isDumpFile } from '../discogs/catalogue.ts'
import type { DumpName } from '../discogs/dataset.ts'
import { parseChecksums } from '../lake/checksums.ts'
import { manifestName, readMonthManifest, type VerifiedFile, verifiedFileIn } from '../download/manifest.ts'
import type { InputFile } from '../lake/input-file.ts'
import { hasCode, messageOf, PipelineError } from '../errors.ts'

export interface DumpFile {
  readonly dump: DumpName
  /** Absolute path. */
  readonly path: string
  readonly name: string
  readonly bytes: number
  /**
   * Of the file that was downloaded, while it is untouched: the site may have published another one since, which is still on its way. Else
   * from the CHECKSUM file beside it, null when there is none or it does not list the file.
   */
  readonly expectedSha256: string | null
  /** Null when it was not downloaded here, or was touched since. */
  readonly download: DumpDownload | null
}

/** Where a dump came from; its month's manifest tells the rest. */
export interface DumpDownload {
  /** Relative to the raw directory. */
  readonly manifest: string
  readonly url: string
  readonly etag: string | null
}

/** The checksum file that was published with a dump. @param path of the dump */
export function checksumFileOf(path: string): string {
  return join(dirname(path), `${basename(path).slice(0, 'discogs_YYYYMMDD_'.length)}CHECKSUM.txt`)
}

/** A dump as a task reports that it has read it. @param path absolute */
export function inputOf(rawDir: string, path: string, read: Omit<InputFile, 'path' | 'checksums'>): InputFile {
  return { ...read, path: relative(rawDir, path), checksums: relative(rawDir, checksumFileOf(path)) }
}

/** Where the dumps of a month lie. */
export function monthDir(rawDir: string, month: string): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) {
    throw new PipelineError(`dump month ${JSON.stringify(month)} is not YYYY-MM`, { retryable: false })
  }
  return join(rawDir, month)
}

/** @throws PipelineError, not retryable, naming the directory and what lies there instead */
export function findDumpFile(rawDir: string, month: string, dump: DumpName): DumpFile {
  const directory = monthDir(rawDir, month)
  const names = listed(directory)
  const matching = names.filter((name) => isDumpFile(name, dump, month))
  const [name] = matching
  if (name === undefined) throw missing(directory, month, dump, names)
  if (matching.length > 1) {
    throw new PipelineError(
      `looking for ${dump} of ${month}: ${directory} holds ${matching.length} of them: ${matching.join(', ')}`,
      {
        hint: 'keep the one to load and move the others away',
        retryable: false,
      },
    )
  }
  const path = join(directory, name)
  const verified = verifiedFileIn(directory, readMonthManifest(directory), name)
  const expected = verified?.sha256 ?? expectedSha256(directory, names, name)
  return { dump, path, name, bytes: statSync(path).size, expectedSha256: expected, download: downloadOf(month, verified) }
}

function downloadOf(month: string, verified: VerifiedFile | null): DumpDownload | null {
  if (verified === null || verified.url === null) return null
  return { manifest: `${month}/${manifestName}`, url: verified.url, etag: verified.etag }
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw new PipelineError(`reading ${directory}: cannot be listed`, { retryable: false, cause: error })
  }
}

function missing(directory: string, month: string, dump: DumpName, names: readonly string[]): PipelineError {
  const expected = `discogs_${month.replace('-', '')}DD_${dump}.xml.gz`
  const otherMonth = names.find((name) => name.startsWith('discogs_') && name.endsWith(`_${dump}.xml.gz`))
  const found = otherMonth === undefined ? 'found none' : `found ${otherMonth}, which is of another month`
  return new PipelineError(`looking for ${dump} of ${month}: ${expected} was expected in ${directory}, ${found}`, {
    hint: 'put the dump there, set DISCOGS_RAW to the folder that holds the month folders, or choose the month with --param dump_month=YYYY-MM',
    retryable: false,
  })
}

/**
 * What `discogs_YYYYMMDD_CHECKSUM.txt` with the date of the dump says.
 * @throws PipelineError, not retryable, when it is there and is no checksum file
 */
function expectedSha256(directory: string, names: readonly string[], name: string): string | null {
  const path = checksumFileOf(join(directory, name))
  if (!names.includes(basename(path))) return null
  try {
    return parseChecksums(readFileSync(path, 'utf8'), path).get(name) ?? null
  } catch (cause) {
    throw new PipelineError(`looking for the hash of ${name}: ${messageOf(cause)}`, {
      hint: 'put the published file there, or remove it: without it the dump is loaded unverified',
      retryable: false,
      cause,
    })
  }
}
