import { sparkline } from '../charts.ts'
import { html, type Markup } from '../markup.ts'
import type { Snapshot } from '../model.ts'
import { percent, points } from '../numbers.ts'
import { table } from '../tables.ts'
import { asNumber } from './parts.ts'

const coverageNames = [
  ['master', 'a master'],
  ['year', 'a year'],
  ['country', 'a country'],
  ['barcode', 'a barcode'],
  ['genre', 'a genre'],
  ['style', 'a style'],
  ['video', 'a video'],
  ['tracklist', 'a tracklist'],
  ['credit_artist', 'credits with an artist id'],
] as const

/** How complete the entries are, over the months. */
export function coverage(snapshots: readonly Snapshot[]): Markup {
  const rows = coverageNames.flatMap(([member, name]) => {
    const values = snapshots.map(({ month, kpi }) => ({ month, value: kpi('coverage_bp', member) }))
    const known = values.flatMap(({ value }) => (value === null ? [] : [value]))
    return known.length === 0 ? [] : [coverageRow(name, values, known)]
  })
  const body =
    rows.length === 0
      ? html`<div class="empty">Coverage has not been measured.</div>`
      : table({
          caption: 'Share of releases that have …',
          columns: [
            { heading: 'Releases with' },
            { heading: 'Newest', isNumber: true },
            { heading: 'Gained', isNumber: true },
            { heading: 'Over time' },
          ],
          rows,
        })
  return html`<section aria-labelledby="coverage"><h2 id="coverage">Coverage</h2>
<p class="note">How much of what a release can have is filled in, and how many percentage points were gained from the first month to the newest. Each line has a scale of its own.</p>${body}</section>`
}

function coverageRow(
  name: string,
  values: readonly { readonly month: string; readonly value: bigint | null }[],
  known: readonly bigint[],
): readonly (Markup | string)[] {
  const [first = 0n, last = 0n] = [known[0], known.at(-1)]
  const title = `Share of releases with ${name}, from ${percent(first)} to ${percent(last)}`
  const newest = values.at(-1)?.value ?? null
  return [
    name,
    percent(newest),
    known.length < 2 ? '–' : points(last - first),
    sparkline(values.map(asNumber), { title, colour: 'var(--releases)' }),
  ]
}
