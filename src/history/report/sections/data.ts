import { html, type Markup } from '../markup.ts'

/** The exports that lie beside the page, by name without `.csv`. */
const files = {
  history_kpis_wide_latest: 'every number, a run a line',
  history_kpis_long_latest: 'every number, a number a line, with countries, genres, styles and formats',
  growth_ids: 'ids added, removed and changed',
  growth_genres_and_styles: 'new genres and styles',
  growth_labels: 'labels that grew most',
  growth_countries: 'countries that grew most',
  growth_formats: 'formats that grew most',
} as const

/** Where the numbers of the page are to be had. */
export function data(): Markup {
  return html`<section aria-labelledby="data"><h2 id="data">Data</h2>
<p class="note">The numbers of this page as CSV files, which lie beside it. <code>dag sql</code> asks <code>discogs_history.kpi_by_month</code> and <code>discogs_history.growth_by_month</code> for more.</p>
<ul class="files card">${Object.entries(files).map(
    ([name, content]) => html`<li><a href="${name}.csv">${name}.csv</a><span>${content}</span></li>`,
  )}</ul></section>`
}
