/** Finds out what the site publishes of a month, with as few requests as can be. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { exitCodes, PipelineError } from '../errors.ts'
import { removeTemporaries, writeFileAtomically } from '../lake/atomic-file.ts'
import type { Headers } from './answer.ts'
import { parseChecksums } from '../lake/checksums.ts'
import { NotPublishedError } from './failure.ts'
import { type ListedDay, type ListOptions, listYear, listYears } from './listing.ts'
import { withLock } from './locks.ts'
import {
  type MonthManifest,
  manifestName,
  type Published,
  publishedName,
  readMonthManifest,
  writeMonthManifest,
} from './manifest.ts'
import { dumpNames, fileName } from './names.ts'
import type { Site } from './site.ts'

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
 * The manifest of a month, brought up to date: one request for the year page, and another one for the checksum file unless the page shows
 * each file of the day as it did before. The page alone tells both that files were replaced and that the month came out anew.
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
    const byMonth = Map.groupBy(await listYear(site, year, options), ({ month }) => month)
    for (const [month, days] of byMonth) if (await hasWholeMonth(site, days, options)) return month
  }
  throw new PipelineError(`no month of ${site.baseUrl} is complete`, { exitCode: exitCodes.notFound, retryable: false })
}

/** @param days of one month, newest first */
async function hasWholeMonth(site: Site, days: readonly ListedDay[], options: MonthOptions): Promise<boolean> {
  const whole = days.filter(({ isWhole }) => isWhole)
  for (const day of whole) if (isComplete(await publishedOf(site, day, options), options)) return true
  const listed = new Set(days.flatMap(({ files }) => files.map(({ dump }) => dump)))
  if (whole.length > 0 || !dumpNames.every((dump) => listed.has(dump))) return false
  const spread = await spreadOf(site, days, options)
  return spread !== null && isComplete(spread, options)
}

async function ask(site: Site, month: string, options: MonthOptions): Promise<MonthManifest> {
  const directory = monthDirectory(options.rawDir, month)
  const known = readMonthManifest(directory)
  const now = new Date()
  if (known?.baseUrl === site.baseUrl && isFresh(known, now, options)) return known
  const { published, texts } = await newestOf(site, month, options)
  const manifest = { baseUrl: site.baseUrl, askedAt: now.toISOString(), published, files: known?.files ?? {} }
  if (options.isDryRun !== true) keep(directory, manifest, texts)
  return manifest
}

/** A checksum file that does not name all four dumps is not believed: it may be mended any moment. */
function isFresh({ askedAt, published }: MonthManifest, now: Date, { freshMs }: MonthOptions): boolean {
  if (!namesAll(published)) return false
  const ageMs = now.getTime() - Date.parse(askedAt)
  // A clock that was put back makes no answer fresh.
  return freshMs !== undefined && ageMs >= 0 && ageMs <= freshMs
}

function keep(directory: string, manifest: MonthManifest, checksums: Answered['texts']): void {
  const files = checksums.map(({ date, text }) => ({ path: join(directory, fileName({ date, dump: null })), text }))
  for (const { path, text } of files) writeFileAtomically(path, text)
  writeMonthManifest(directory, manifest)
  const known = join(directory, fileName({ date: manifest.published.date, dump: null }))
  for (const written of [known, ...files.map(({ path }) => path), join(directory, manifestName)]) removeTemporaries(written)
}

/** Pages are kept beside the months, so that asking again costs an answer without a body. */
function pagesIn({ rawDir, isDryRun }: MonthOptions): Pick<ListOptions, 'pagesDir'> {
  return isDryRun === true ? {} : { pagesDir: join(rawDir, '.pages') }
}

interface Answered {
  readonly published: Published
  /** Checksum files by day, but for those that are known. */
  readonly texts: readonly { readonly date: string; readonly text: string }[]
}

/**
 * A month may have been published twice: the newest day that is listed whole and whose checksum file names all four dumps counts. Without
 * such a day, the newest of each dump, whatever its day.
 */
async function newestOf(site: Site, month: string, options: MonthOptions): Promise<Answered> {
  const year = month.slice(0, 4)
  const listed = await listYear(site, year, { ...options, ...pagesIn(options) })
  const days = listed.filter((day) => day.month === month)
  const whole = days.filter(({ isWhole }) => isWhole)
  const spread = whole.length === 0 ? await spreadOf(site, days, options) : null
  if (spread !== null) return spread
  const candidates = whole.length > 0 ? whole : days.filter(hasChecksums).slice(0, 1)
  let newest: Answered | null = null
  for (const day of candidates) {
    const answer = await publishedOf(site, day, options)
    if (isComplete(answer, options)) return answer
    newest ??= answer
  }
  if (newest !== null) return newest
  const isPast = isOver(month, listed)
  throw days.length === 0 ? unlisted(month, site.yearUrl(year), isPast) : incomplete(month, site.yearUrl(year), { days, isPast })
}

/**
 * A month whose dumps are of several days, as in October 2019: the newest file of each dump, with the hashes of all checksum files.
 * @param days newest first
 * @returns null when all is of one day, or there is no checksum file
 */
async function spreadOf(site: Site, days: readonly ListedDay[], options: MonthOptions): Promise<Answered | null> {
  if (days.length < 2) return null
  const answers: Answered[] = []
  for (const day of days.filter(hasChecksums)) answers.push(await publishedOf(site, day, options))
  const [newest] = answers
  if (newest === undefined) return null
  const hashes = Object.assign({}, ...answers.toReversed().map(({ published }) => published.sha256)) as Published['sha256']
  const listed = days.flatMap(({ files }) => files)
  const files = dumpNames.flatMap((dump) => listed.find((file) => file.dump === dump) ?? [])
  options.say(`the dumps are of several days: ${files.map(({ name }) => name).join(', ')}`)
  const named = files.flatMap(({ name }) => (hashes[name] === undefined ? [] : [[name, hashes[name]] as const]))
  const published = { ...newest.published, etag: null, lastModified: null, ...shownOf({ files }) }
  const sha256 = Object.fromEntries(named)
  return { published: { ...published, isSpread: true, sha256 }, texts: answers.flatMap(({ texts }) => texts) }
}

function hasChecksums({ files }: ListedDay): boolean {
  return files.some(({ dump }) => dump === null)
}

function isComplete({ published }: Answered, { say }: MonthOptions): boolean {
  const isNamed = namesAll(published)
  if (!isNamed) say(`${published.url} does not name all four dumps`)
  return isNamed
}

/** The checksum file names all four dumps. */
function namesAll(published: Published): boolean {
  return dumpNames.every((dump) => published.sha256[publishedName(published, dump)] !== undefined)
}

/** Forgets all that would spare the next download from asking for the checksum file of the month. What was verified stays so. */
export function doubtAnswer(directory: string): void {
  const known = readMonthManifest(directory)
  if (known === null) return
  const published = { ...known.published, etag: null, lastModified: null, modified: {} }
  writeMonthManifest(directory, { ...known, askedAt: new Date(0).toISOString(), published })
}

/** Asks for the checksum file of a day, unless the page shows the day as it did when it was last asked for. */
async function publishedOf(site: Site, day: ListedDay, options: MonthOptions): Promise<Answered> {
  const known = knownOf(site, day, options)
  const shown = shownOf(day)
  if (known !== null && isShownAsBefore(known, day, shown)) return { published: known, texts: [] }
  const name = fileName({ date: day.date, dump: null })
  const url = site.fileUrl(name)
  const { signal, say } = options
  const headers = known === null ? {} : conditions(known)
  const answer = await site.text(url, { doing: `fetching ${name}`, maxBytes: maxChecksumBytes, signal, say, headers })
  if (answer === null) {
    // Only a conditional request is answered with 304.
    if (known === null) throw new PipelineError(`fetching ${name}: ${url} answered 304 though nothing was known`)
    return { published: { ...known, ...shown }, texts: [] }
  }
  const { text, etag, lastModified } = answer
  const sha256 = Object.fromEntries(parseChecksums(text, url))
  return { published: { date: day.date, url, etag, lastModified, sha256, ...shown }, texts: [{ date: day.date, text }] }
}

/** What the site said of this day when it was last asked, null when it was not, or its checksum file is not at hand any more. */
function knownOf(site: Site, { month, date }: ListedDay, { rawDir }: MonthOptions): Published | null {
  const directory = monthDirectory(rawDir, month)
  const known = readMonthManifest(directory)
  const isOfDay = known?.baseUrl === site.baseUrl && known.published.date === date && known.published.isSpread !== true
  return isOfDay && namesAll(known.published) && existsSync(join(directory, fileName({ date, dump: null })))
    ? known.published
    : null
}

type Shown = Pick<Published, 'aboutBytes' | 'modified'>

function shownOf({ files }: Pick<ListedDay, 'files'>): Shown {
  const sizes = files.flatMap(({ name, aboutBytes }) => (aboutBytes === null ? [] : [[name, aboutBytes] as const]))
  const times = files.flatMap(({ name, modified }) => (modified === null ? [] : [[name, modified] as const]))
  return { aboutBytes: Object.fromEntries(sizes), modified: Object.fromEntries(times) }
}

/** A page that does not tell when each file was modified says nothing. */
function isShownAsBefore({ aboutBytes, modified }: Published, { files }: ListedDay, shown: Shown): boolean {
  const isTold = files.every(({ name }) => shown.modified[name] !== undefined)
  return isTold && isDeepStrictEqual(shown, { aboutBytes, modified })
}

function conditions({ etag, lastModified }: Published): Headers {
  if (etag !== null) return { 'if-none-match': etag }
  return lastModified === null ? {} : { 'if-modified-since': lastModified }
}

/** Dumps have been published up to three weeks late, once in the month after. */
const lateMs = 62 * 86_400_000

function isOver(month: string, listed: readonly ListedDay[]): boolean {
  return listed.some((day) => day.month > month) || Date.now() - Date.parse(`${month}-01`) > lateMs
}

function unlisted(month: string, url: string, isPast: boolean): PipelineError {
  return new NotPublishedError(`${url} lists no file of ${month}`, {
    isPast,
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: '`dag download --list` shows the months that are there',
  })
}

interface IncompleteMonth {
  readonly days: readonly ListedDay[]
  readonly isPast: boolean
}

function incomplete(month: string, url: string, { days, isPast }: IncompleteMonth): PipelineError {
  const names = days.flatMap(({ files }) => files).map(({ name }) => name)
  return new NotPublishedError(`${month} is not complete: ${url} lists ${names.join(', ')}, no checksum file`, {
    isPast,
    hint: 'the checksum file usually appears last: try later; without it nothing can be verified',
  })
}
