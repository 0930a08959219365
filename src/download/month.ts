/** Finds out what the site publishes of a month, with as few requests as can be. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, PipelineError } from '../errors.ts'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import { parseChecksums } from './checksums.ts'
import { type ListedDay, listYear, listYears } from './listing.ts'
import { withLock } from './locks.ts'
import { type MonthManifest, type Published, readMonthManifest, writeMonthManifest } from './manifest.ts'
import { dumpNames, fileName } from './names.ts'
import type { Headers, Site } from './site.ts'

/** Five lines. */
const maxChecksumBytes = 100_000

export interface MonthOptions {
  readonly rawDir: string
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** An answer of the site that is not older than this is good enough. */
  readonly freshMs?: number
  /** Writes nothing. */
  readonly isDryRun?: boolean
}

export function monthDirectory(rawDir: string, month: string): string {
  return join(rawDir, month)
}

/**
 * The manifest of a month, brought up to date: one conditional request for the checksum file once it is known, else the year page before it.
 * @throws PipelineError: exit 4 when the site does not list the month; no checksum file yet; whatever is wrong with page or file
 */
export async function askForMonth(site: Site, month: string, options: MonthOptions): Promise<MonthManifest> {
  if (options.isDryRun === true) return ask(site, month, options)
  mkdirSync(monthDirectory(options.rawDir, month), { recursive: true })
  // Under the lock: of several tasks that start together the first one asks, the others find its answer.
  return withLock(options.rawDir, month, options, () => ask(site, month, options))
}

/**
 * The newest month whose checksum file names all four dumps.
 * @throws PipelineError (exit 4) when there is none
 */
export async function latestMonth(site: Site, options: MonthOptions): Promise<string> {
  for (const year of await listYears(site, options)) {
    for (const day of await listYear(site, year, options)) {
      if (!day.isWhole) continue
      const published = await publishedOf(site, day, options)
      if (missingDumps(published.published).length === 0) return day.month
      options.say(`${day.month}: its checksum file does not name all four dumps`)
    }
  }
  throw new PipelineError(`no month of ${site.baseUrl} is complete`, { exitCode: exitCodes.notFound, retryable: false })
}

/** Names of dumps that the checksum file does not list. */
function missingDumps({ date, sha256 }: Published): readonly string[] {
  return dumpNames.map((dump) => fileName({ date, dump })).filter((name) => sha256[name] === undefined)
}

async function ask(site: Site, month: string, options: MonthOptions): Promise<MonthManifest> {
  const directory = monthDirectory(options.rawDir, month)
  const known = readMonthManifest(directory)
  const now = new Date()
  if (known?.baseUrl === site.baseUrl) {
    if (now.getTime() - Date.parse(known.askedAt) <= (options.freshMs ?? -1)) return known
    const again = await askAgain(site, { known, directory, options })
    if (again !== null) return keep(directory, { ...known, askedAt: now.toISOString() }, again, options)
  }
  const day = await dayOf(site, month, options)
  const manifest = { baseUrl: site.baseUrl, askedAt: now.toISOString(), files: known?.files ?? {} }
  return keep(directory, manifest, await publishedOf(site, day, options), options)
}

interface Answered {
  readonly published: Published
  /** The checksum file, null when it is the one that is known. */
  readonly text: string | null
}

/** @returns null when the checksum file is not there any more: the month has come out anew */
async function askAgain(
  site: Site,
  { known, directory, options }: { readonly known: MonthManifest; readonly directory: string; readonly options: MonthOptions },
): Promise<Answered | null> {
  const { published } = known
  const isThere = existsSync(join(directory, fileName({ date: published.date, dump: null })))
  try {
    const answer = await checksumText(site, published.date, { ...options, headers: isThere ? conditions(published) : {} })
    return answer === null
      ? { published, text: null }
      : answered(published.date, published.aboutBytes, { ...answer, url: published.url })
  } catch (error) {
    if (error instanceof PipelineError && error.exitCode === exitCodes.notFound) return null
    throw error
  }
}

function conditions({ etag, lastModified }: Published): Headers {
  if (etag !== null) return { 'if-none-match': etag }
  return lastModified === null ? {} : { 'if-modified-since': lastModified }
}

async function publishedOf(site: Site, day: ListedDay, options: MonthOptions): Promise<Answered> {
  const { date, files } = day
  const answer = await checksumText(site, date, options)
  const sizes = files.flatMap(({ name, aboutBytes }) => (aboutBytes === null ? [] : [[name, aboutBytes] as const]))
  const url = site.fileUrl(fileName({ date, dump: null }))
  return answered(date, Object.fromEntries(sizes), {
    text: answer?.text ?? '',
    etag: answer?.etag ?? null,
    lastModified: answer?.lastModified ?? null,
    url,
  })
}

function answered(
  date: string,
  aboutBytes: Readonly<Record<string, number>>,
  {
    text,
    etag,
    lastModified,
    url,
  }: { readonly text: string; readonly etag: string | null; readonly lastModified: string | null; readonly url: string },
): Answered {
  return { published: { date, url, etag, lastModified, sha256: Object.fromEntries(parseChecksums(text, url)), aboutBytes }, text }
}

function checksumText(
  site: Site,
  date: string,
  { signal, say, headers = {} }: Pick<MonthOptions, 'signal' | 'say'> & { readonly headers?: Headers },
): ReturnType<Site['text']> {
  const name = fileName({ date, dump: null })
  return site.text(site.fileUrl(name), { doing: `fetching ${name}`, maxBytes: maxChecksumBytes, signal, say, headers })
}

function keep(
  directory: string,
  manifest: Omit<MonthManifest, 'published'>,
  { published, text }: Answered,
  { isDryRun = false }: MonthOptions,
): MonthManifest {
  const kept = { ...manifest, published }
  if (isDryRun) return kept
  if (text !== null) writeFileAtomically(join(directory, fileName({ date: published.date, dump: null })), text)
  writeMonthManifest(directory, kept)
  return kept
}

/** A month may have been published twice: the newest day that is whole counts, else the newest one with a checksum file. */
async function dayOf(site: Site, month: string, options: MonthOptions): Promise<ListedDay> {
  const year = month.slice(0, 4)
  const days = (await listYear(site, year, options)).filter((day) => day.month === month)
  const day = days.find(({ isWhole }) => isWhole) ?? days.find(({ files }) => files.some(({ dump }) => dump === null))
  if (day !== undefined) return day
  const url = site.yearUrl(year)
  if (days.length === 0)
    throw new PipelineError(`${url} lists no file of ${month}`, {
      exitCode: exitCodes.notFound,
      retryable: false,
      hint: '`dag download --list` shows the months that are there',
    })
  throw new PipelineError(
    `${month} is not complete: ${url} lists ${days
      .flatMap(({ files }) => files)
      .map(({ name }) => name)
      .join(', ')}, no checksum file`,
    {
      hint: 'the checksum file usually appears last: try later; without it nothing can be verified',
    },
  )
}
