/** Where the page leads to: plain links, nothing is loaded. Files lie beside the page; the lake's runs three folders above. */
import { html, type Markup, printable } from './markup.ts'

/** The page with all months. */
export const latestPage = 'history_latest.html'

/** @param month `YYYY-MM` */
export function monthPage(month: string): string {
  return `history_${month}.html`
}

/** Whether a file name is that of the page of some month. */
export function isMonthPage(name: string): boolean {
  return /^history_\d{4}-\d{2}\.html$/.test(name)
}

/** The directory of a run, from the directory of the reports. */
export function runLink(runId: string): string {
  return `../../../_runs/${encodeURIComponent(runId)}/`
}

const searches = {
  genre: 'type=release&genre_exact=',
  style: 'type=release&style_exact=',
  country: 'type=release&country_exact=',
  format: 'type=release&format_exact=',
  label: 'type=label&q=',
} as const

export type Searched = keyof typeof searches

/** A name that leads to a search at Discogs. */
export function discogsLink(kind: Searched, name: string): Markup {
  const address = `https://www.discogs.com/search/?${searches[kind]}${encodeURIComponent(printable(name))}`
  return html`<a href="${address}" rel="noreferrer"><bdi>${name}</bdi></a>`
}
