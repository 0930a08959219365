/** One dump from a URL that somebody names, when the pages of the site cannot be read. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, PipelineError } from '../errors.ts'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import { parseChecksums } from '../lake/checksums.ts'
import { diskFailure } from './disk-failure.ts'
import type { DownloadedFile, DownloadOptions } from './download-month.ts'
import { fetchFile } from './fetch-file.ts'
import { shareOf, withLock, withSlot } from './locks.ts'
import { type MonthManifest, readMonthManifest, writeMonthManifest } from './manifest.ts'
import { monthDirectory } from './month.ts'
import { type DumpName, fileName, monthOf, parseFileName } from './names.ts'
import { recordFile } from './record-file.ts'
import type { Site } from './site.ts'

/** Five lines. */
const maxChecksumBytes = 100_000

export interface UrlOptions extends Pick<DownloadOptions, 'rawDir' | 'signal' | 'say' | 'onProgress'> {
  /** Of the file; default: what its checksum file says, here or beside it on the server. */
  readonly sha256?: string
}

/**
 * Fetches the dump at a URL into its month, resumed and verified like any other.
 * @throws PipelineError: exit 2 when the URL names no dump; no hash to compare with; what {@link fetchFile} throws
 */
export async function downloadUrl(site: Site, url: string, options: UrlOptions): Promise<DownloadedFile> {
  const wanted = dumpAt(url)
  const directory = monthDirectory(options.rawDir, monthOf(wanted.date))
  try {
    mkdirSync(directory, { recursive: true })
    const hashes = await hashesOf(site, wanted, { ...options, directory })
    return await withLock(options.rawDir, wanted.name, options, () => fetchDump(site, { ...wanted, directory, hashes }, options))
  } catch (error) {
    throw diskFailure(error, directory)
  }
}

interface NamedDump {
  readonly url: string
  readonly name: string
  readonly dump: DumpName
  /** `YYYYMMDD` */
  readonly date: string
}

interface WantedDump extends NamedDump {
  readonly directory: string
  /** By file name; has one of this dump. */
  readonly hashes: ReadonlyMap<string, string>
}

function fetchDump(
  site: Site,
  { url, name, dump, date, directory, hashes }: WantedDump,
  options: UrlOptions,
): Promise<DownloadedFile> {
  const { rawDir, signal, say, onProgress } = options
  const sha256 = hashes.get(name) ?? ''
  return withSlot(rawDir, options, async () => {
    const fetched = await fetchFile(
      site,
      { path: join(directory, name), name, url, sha256 },
      {
        signal,
        say,
        rate: shareOf(rawDir, site.bytesPerSecond),
        publishedNow: () => Promise.resolve(sha256),
        onProgress: (done, total, phase) => onProgress?.({ name, phase, done, total }),
      },
    )
    await withLock(rawDir, monthOf(date), options, async () => {
      await Promise.resolve()
      const manifest = readMonthManifest(directory) ?? manifestOf(site, date, hashes)
      writeMonthManifest(directory, manifest)
      const { size, mtimeMs } = statSync(join(directory, name))
      recordFile(directory, name, { url, bytes: size, sha256, etag: fetched.etag, verifiedAt: new Date().toISOString(), mtimeMs })
    })
    return { name, dump, outcome: 'fetched', url, ...fetched }
  })
}

/** As if the site had been asked long ago: the next download of the month asks it. */
function manifestOf({ baseUrl }: Site, date: string, hashes: ReadonlyMap<string, string>): MonthManifest {
  const published = { date, url: baseUrl, etag: null, lastModified: null, aboutBytes: {}, modified: {} }
  return {
    baseUrl,
    askedAt: new Date(0).toISOString(),
    published: { ...published, sha256: Object.fromEntries(hashes) },
    files: {},
  }
}

/** The name is the last part of the path, or of the value of `download`, as on data.discogs.com. */
function dumpAt(url: string): NamedDump {
  const { pathname, searchParams } = new URL(url)
  const name = (searchParams.get('download') ?? decodeURIComponent(pathname)).split('/').at(-1) ?? ''
  const parsed = parseFileName(name)
  if (parsed !== null && parsed.dump !== null) return { url, name, dump: parsed.dump, date: parsed.date }
  throw new PipelineError(`--url ${url}: a URL that ends in discogs_YYYYMMDD_<dump>.xml.gz is expected`, {
    exitCode: exitCodes.usage,
    retryable: false,
  })
}

interface HashOptions extends UrlOptions {
  readonly directory: string
}

async function hashesOf(site: Site, dump: NamedDump, options: HashOptions): Promise<ReadonlyMap<string, string>> {
  const { name, date, url } = dump
  if (options.sha256 !== undefined) return new Map([[name, options.sha256.toLowerCase()]])
  const file = join(options.directory, fileName({ date, dump: null }))
  const local = existsSync(file) ? parseChecksums(readFileSync(file, 'utf8'), file) : new Map<string, string>()
  if (local.has(name)) return local
  const checksumUrl = url.replace(name, fileName({ date, dump: null }))
  const { signal, say } = options
  const answer = await site
    .text(checksumUrl, { doing: `fetching ${fileName({ date, dump: null })}`, maxBytes: maxChecksumBytes, signal, say })
    .catch((cause: unknown) => {
      signal.throwIfAborted()
      throw unverifiable(dump, checksumUrl, cause)
    })
  const hashes = parseChecksums(answer?.text ?? '', checksumUrl)
  if (!hashes.has(name)) throw unverifiable(dump, checksumUrl)
  writeFileAtomically(file, answer?.text ?? '')
  return hashes
}

function unverifiable({ name }: NamedDump, checksumUrl: string, cause?: unknown): PipelineError {
  return new PipelineError(`nothing says which sha256 ${name} should have: ${checksumUrl} does not`, {
    cause,
    retryable: false,
    hint: '--sha256 gives the hash; the checksum file of the month may also lie beside the file',
  })
}
