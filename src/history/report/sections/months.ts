import { latestPage, monthPage } from '../links.ts'
import { html, type Markup } from '../markup.ts'
import type { Snapshot } from '../model.ts'
import { monthName } from '../numbers.ts'

/** Years that are shown unfolded. */
const mostYears = 3
const monthNumbers = Array.from({ length: 12 }, (_, index) => String(index + 1).padStart(2, '0'))

/** Every month with a snapshot, as a link to its page, a year a line. */
export function months(snapshots: readonly Snapshot[]): Markup {
  const present = new Set(snapshots.map(({ month }) => month))
  const years = [...new Set([...present].map((month) => month.slice(0, 4)))].toSorted().toReversed()
  const rows = years.map((year) => yearRow(year, present))
  const earlier = rows.slice(mostYears)
  return html`<nav class="months" aria-labelledby="months"><h2 id="months">Months</h2>
<p class="note">The newest month is shown below. Each other month has a page of its own.</p>
<div class="card">${rows.slice(0, mostYears)}${earlier.length === 0 ? null : html`<details><summary>Earlier years</summary>${earlier}</details>`}</div></nav>`
}

function yearRow(year: string, present: ReadonlySet<string>): Markup {
  const cells = monthNumbers.map((number) => {
    const month = `${year}-${number}`
    const short = monthName(month).slice(0, 3)
    return present.has(month)
      ? html`<a href="${monthPage(month)}" title="${monthName(month)}">${short}</a>`
      : html`<span title="${monthName(month)}: no snapshot">${short}</span>`
  })
  return html`<div class="year"><b>${year}</b>${cells}</div>`
}

/** From the page of a month to its neighbours and to the page with all months. */
export function neighbours(snapshots: readonly Snapshot[], month: string): Markup {
  const index = snapshots.findIndex((snapshot) => snapshot.month === month)
  const link = (snapshot: Snapshot | undefined, before: string, behind: string): Markup | null =>
    snapshot === undefined
      ? null
      : html`<a href="${monthPage(snapshot.month)}">${before}${monthName(snapshot.month)}${behind}</a>`
  return html`<nav class="toc" aria-label="Months">${link(snapshots[index - 1], '← ', '')}<a href="${latestPage}">All months</a>${link(
    snapshots[index + 1],
    '',
    ' →',
  )}</nav>`
}
