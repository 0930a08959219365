/**
 * `_download.json` in a month's directory: what the site publishes of the month, as last asked, and where each verified file came from.
 * A file whose size and modification time are those recorded is not read again. Checked by hand: a validator would slow the start of an ingest.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { writeJson } from '../lake/atomic-file.ts'
import { type DumpName, fileName, parseFileName } from './names.ts'

export const manifestName = '_download.json'
const formatVersion = 1

/** What the site publishes of a month: usually the checksum file of one day, as the site gave it. */
export interface Published {
  /** `YYYYMMDD`; of a month of several days the newest one with a checksum file. */
  readonly date: string
  /** The dumps are of several days. `sha256` has the newest file of each dump then, from the checksum files of all days. */
  readonly isSpread?: true
  readonly url: string
  readonly etag: string | null
  readonly lastModified: string | null
  /** By file name. */
  readonly sha256: Readonly<Record<string, string>>
  /** What the year page says of sizes, by file name. */
  readonly aboutBytes: Readonly<Record<string, number>>
  /** When the year page says that each file was modified, by file name. */
  readonly modified: Readonly<Record<string, string>>
}

/** A file that was compared with its checksum. */
export interface VerifiedFile {
  /** Null for a file that lay there already. */
  readonly url: string | null
  readonly bytes: number
  readonly sha256: string
  readonly etag: string | null
  /** When it was verified, ISO 8601. */
  readonly verifiedAt: string
  readonly mtimeMs: number
}

export interface MonthManifest {
  readonly baseUrl: string
  /** When the site was asked, ISO 8601. */
  readonly askedAt: string
  readonly published: Published
  readonly files: Readonly<Record<string, VerifiedFile>>
}

/** The name of a dump as it is published; of a dump that no checksum file names, the one that it should have. */
export function publishedName({ date, isSpread, sha256 }: Published, dump: DumpName): string {
  const spread = isSpread === true ? Object.keys(sha256).find((name) => parseFileName(name)?.dump === dump) : undefined
  return spread ?? fileName({ date, dump })
}

/** @returns null when there is none, or none that makes sense: then files are verified anew */
export function readMonthManifest(directory: string): MonthManifest | null {
  try {
    const value = record(JSON.parse(readFileSync(join(directory, manifestName), 'utf8')))
    if (value['format_version'] !== formatVersion) return null
    const published = record(value['published'])
    return {
      baseUrl: text(value['source']),
      askedAt: text(value['asked_at']),
      published: {
        date: text(published['date']),
        ...(published['spread'] === true ? { isSpread: true } : {}),
        url: text(published['url']),
        etag: textOrNull(published['etag']),
        lastModified: textOrNull(published['last_modified']),
        sha256: mapped(published['sha256'], text),
        aboutBytes: mapped(published['about_bytes'], number),
        // Manifests of the first version have none: then the checksum file is asked for once more.
        modified: mapped(published['modified'] ?? {}, text),
      },
      files: mapped(value['files'], verifiedFile),
    }
  } catch {
    return null
  }
}

/** Atomically and durably. */
export function writeMonthManifest(directory: string, { baseUrl, askedAt, published, files }: MonthManifest): void {
  writeJson(join(directory, manifestName), {
    format_version: formatVersion,
    source: baseUrl,
    asked_at: askedAt,
    published: {
      date: published.date,
      ...(published.isSpread === true ? { spread: true } : {}),
      url: published.url,
      etag: published.etag,
      last_modified: published.lastModified,
      sha256: published.sha256,
      about_bytes: published.aboutBytes,
      modified: published.modified,
    },
    files: mapped(files, (file) => {
      const { url, bytes, sha256, etag, verifiedAt, mtimeMs } = file as VerifiedFile
      return { url, bytes, sha256, etag, verified_at: verifiedAt, mtime_ms: mtimeMs }
    }),
  })
}

/** What is known of a file, null when it is not there or has been touched since it was verified. */
export function verifiedFileIn(directory: string, manifest: MonthManifest | null, name: string): VerifiedFile | null {
  const known = manifest?.files[name]
  const found = known === undefined ? undefined : statSync(join(directory, name), { throwIfNoEntry: false })
  return known !== undefined && found?.size === known.bytes && found.mtimeMs === known.mtimeMs ? known : null
}

function verifiedFile(value: unknown): VerifiedFile {
  const file = record(value)
  return {
    url: textOrNull(file['url']),
    bytes: number(file['bytes']),
    sha256: text(file['sha256']),
    etag: textOrNull(file['etag']),
    verifiedAt: text(file['verified_at']),
    mtimeMs: number(file['mtime_ms']),
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('an object is expected')
  return value as Readonly<Record<string, unknown>>
}

function mapped<Result>(value: unknown, convert: (one: unknown) => Result): Readonly<Record<string, Result>> {
  return Object.fromEntries(Object.entries(record(value)).map(([name, one]) => [name, convert(one)]))
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a text is expected')
  return value
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : text(value)
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('a number is expected')
  return value
}
