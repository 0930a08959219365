/**
 * The pages of data.discogs.com. `?prefix=data%2F2026%2F` is a `<pre>` with a line a file: when it was modified, its size in words, and
 * a link `?download=data%2F2026%2F<name>` (as seen in October 2026); `?prefix=data%2F` has links `?prefix=data%2F2026%2F` to the years.
 */
import { join } from 'node:path'
import { Parser } from 'htmlparser2'
import { PipelineError } from '../errors.ts'
import { excerpt } from '../lake/checksums.ts'
import { type DumpName, dumpNames, monthOf, parseFileName } from './names.ts'
import { keptText } from './kept-text.ts'
import type { Site } from './site.ts'

/** A year has some 60 files, a line of 200 bytes each. */
const maxPageBytes = 2_000_000
const maxLinks = 5_000
/** The site's pages are six deep. The parser takes quadratic time over open elements. */
const maxDepth = 200

/** A file that a year page lists. */
export interface ListedFile {
  readonly name: string
  /** `YYYYMMDD` */
  readonly date: string
  /** Null: the checksum file. */
  readonly dump: DumpName | null
  /** As the page says it, `YYYY-MM-DD HH:MM:SS`, null when it does not. */
  readonly modified: string | null
  /** About: the page rounds to three or four digits. Null when it says none. */
  readonly aboutBytes: number | null
}

/** The files of one day. */
export interface ListedDay {
  readonly month: string
  readonly date: string
  /** The checksum file first, then by dump. */
  readonly files: readonly ListedFile[]
  /** The page lists all four dumps and the checksum file. What that file names is another question. */
  readonly isWhole: boolean
}

export interface ListOptions {
  /** Where pages are kept to be asked for conditionally; absent: nowhere. */
  readonly pagesDir?: string
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** The years that have a page, newest first. @throws PipelineError saying what was seen instead */
export async function listYears(site: Site, options: ListOptions): Promise<readonly string[]> {
  const url = site.rootUrl
  const page = await site.text(url, { ...options, doing: 'listing the years', maxBytes: maxPageBytes })
  const years = parseYears(page?.text ?? '', url)
  return years.toSorted().toReversed()
}

/** The days of a year with files, newest first; none before the first dump of a year. @throws PipelineError saying what was seen instead */
export async function listYear(site: Site, year: string, options: ListOptions): Promise<readonly ListedDay[]> {
  const url = site.yearUrl(year)
  const asking = { ...options, doing: `listing ${year}`, maxBytes: maxPageBytes }
  const text = await keptText(site, url, {
    ...asking,
    file: options.pagesDir === undefined ? null : join(options.pagesDir, `${year}.json`),
  })
  return daysOf(parseYear(text, url))
}

/** Years of the root page, as it lists them. @throws PipelineError as {@link parseYear} */
export function parseYears(html: string, url: string): readonly string[] {
  const page = readPage(html, url)
  const years = page.links.flatMap(({ target }) => {
    const match = /^data\/(20\d{2})\/$/.exec(target.searchParams.get('prefix') ?? '')
    return match?.[1] === undefined || match[1] < '2008' ? [] : [match[1]]
  })
  if (years.length === 0) throw nothingFound(page, url, 'links to years')
  return [...new Set(years)]
}

/**
 * Files of a year page, as it lists them. Links to anything but a dump of that year in its own folder are ignored: paths and URLs are made
 * from the date and the kind of a file, never from a link. The page of a year without dumps has a link up to the years, and no other.
 * @throws PipelineError, naming the URL, for a page of another kind, or with too many links
 */
export function parseYear(html: string, url: string): readonly ListedFile[] {
  const page = readPage(html, url)
  const folder = new URL(url).searchParams.get('prefix') ?? ''
  const files = new Map<string, ListedFile>()
  for (const link of page.links) {
    const path = link.target.searchParams.get('download')
    if (path === null) continue
    const name = path.startsWith(folder) ? path.slice(folder.length) : ''
    const parsed = parseFileName(name)
    if (parsed !== null && folder === `data/${parsed.date.slice(0, 4)}/`)
      files.set(name, { name, ...parsed, ...told(link.before) })
  }
  if (files.size === 0 && !isEmptyFolder(page)) throw nothingFound(page, url, 'links to dumps')
  return [...files.values()]
}

/** The site's own frame around an empty list. */
function isEmptyFolder({ links }: Page): boolean {
  return (
    links.some(({ target }) => target.searchParams.get('prefix') === 'data/') &&
    links.every(({ target }) => !target.searchParams.has('download'))
  )
}

/** Groups by day, newest first. */
export function daysOf(files: readonly ListedFile[]): readonly ListedDay[] {
  const byDate = Map.groupBy(files, ({ date }) => date)
  return [...byDate.keys()]
    .toSorted()
    .toReversed()
    .map((date) => {
      const ofDay = [null, ...dumpNames].flatMap((dump) => byDate.get(date)?.filter((file) => file.dump === dump) ?? [])
      return { month: monthOf(date), date, files: ofDay, isWhole: ofDay.length === 1 + dumpNames.length }
    })
}

interface Link {
  readonly target: URL
  /** The text of the page before the link, from the last line end on. */
  readonly before: string
}

interface Page {
  readonly links: readonly Link[]
  readonly bytes: number
  readonly title: string
  readonly text: string
}

/** Links within the site. @throws PipelineError for a page with too many links, or nested too deep */
function readPage(html: string, url: string): Page {
  const links: Link[] = []
  const text: string[] = []
  let [title, before, element, count, depth] = ['', '', '', 0, 0]
  const parser = new Parser({
    onopentag(name, { href }) {
      element = name
      if (++depth > maxDepth) throw refused(url, `its elements are nested more than ${maxDepth} deep`)
      if (name !== 'a' || href === undefined) return
      if (++count > maxLinks) throw refused(url, `it has more than ${maxLinks} links`)
      if (!URL.canParse(href, url)) return
      const target = new URL(href, url)
      if (!isForeign(target, url)) links.push({ target, before })
    },
    ontext(piece) {
      if (element === 'title') title += piece
      else if (element !== 'style' && element !== 'script') text.push(piece)
      before = (before + piece).slice(-200).split('\n').at(-1) ?? ''
    },
    onclosetag() {
      element = ''
      depth--
    },
  })
  parser.end(html)
  return { links, bytes: html.length, title: title.trim(), text: text.join('').slice(0, 2000) }
}

function isForeign(target: URL, url: string): boolean {
  const page = new URL(url)
  return target.origin !== page.origin || target.pathname !== page.pathname
}

function refused(url: string, why: string): PipelineError {
  return new PipelineError(`the page ${url} is refused: ${why}`, {
    retryable: false,
    hint: 'open the URL in a browser; if the site has changed its pages, this version cannot read them',
  })
}

function nothingFound({ bytes, title, text, links }: Page, url: string, what: string): PipelineError {
  const seen = [
    `${bytes} bytes`,
    ...(title === '' ? [] : [`the title ${excerpt(title)}`]),
    `${links.length} links`,
    text.trim() === '' ? 'no text' : `the text ${excerpt(text)}`,
  ]
  return new PipelineError(`the page ${url} has no ${what}: it has ${seen.join(', ')}`, {
    hint: 'the site may ask browsers to prove themselves, or has changed its pages: open the URL in a browser',
  })
}

const units: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

/** `2026-04-01 19:22:07             10.2 GB        `. Whether a GB is 10^9 or 2^30 bytes the page does not say: the larger is taken. */
function told(before: string): Pick<ListedFile, 'modified' | 'aboutBytes'> {
  const amount = /(\d+(?:\.\d+)?) ?([KMGT]?B)\s*$/.exec(before)
  const unit = units[amount?.[2] ?? '']
  return {
    modified: /\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}/.exec(before)?.[0] ?? null,
    aboutBytes: amount === null || unit === undefined ? null : Math.round(Number(amount[1]) * unit),
  }
}
