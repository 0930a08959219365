import { barList } from '../bars.ts'
import { columnChart } from '../charts.ts'
import { discogsLink, type Searched } from '../links.ts'
import { html, type Markup } from '../markup.ts'
import { entities, type Member, type Snapshot } from '../model.ts'
import { compact, monthName, percent, share, whole } from '../numbers.ts'
import { numbersOf } from '../tables.ts'
import { barOf, described, figure, unmeasured } from './parts.ts'

/** So many members have a bar of their own. */
const mostMembers = 10

/** What the releases of the newest snapshot are. */
export function composition(newest: Snapshot): Markup {
  const all = newest.kpi('rows', entities[0]?.dataset ?? '')
  const by = (kpi: string, title: string, colour: string, searched: Searched | null): Markup =>
    memberFigure(newest.members(kpi), { title, colour, all, searched })
  return html`<section aria-labelledby="composition"><h2 id="composition">Composition</h2>
<p class="note">Releases of ${monthName(newest.month)}. A release may have several genres, styles and formats, so shares of all releases may add up to more than 100 %.</p>
<div class="grid wide">${by('releases_by_genre', 'By genre', 'releases', 'genre')}${by('releases_by_format', 'By format', 'masters', 'format')}${by(
    'releases_by_country',
    'By country',
    'artists',
    'country',
  )}${by('releases_by_style', 'By style', 'labels', 'style')}${decades(newest)}${by('releases_by_data_quality', 'By data quality', 'releases', null)}</div></section>`
}

function memberFigure(
  members: readonly Member[],
  {
    title,
    colour,
    all,
    searched,
  }: { readonly title: string; readonly colour: string; readonly all: bigint | null; readonly searched: Searched | null },
): Markup {
  if (members.length === 0) return unmeasured(title)
  // One more has room where the others would stand.
  const rest = members.length > mostMembers + 1 ? members.slice(mostMembers) : []
  const others = rest.reduce((sum, { value }) => sum + value, 0n)
  const shown = (value: bigint): string => `${compact(Number(value))} · ${percent(share(value, all))}`
  const bars = [
    ...members.slice(0, members.length - rest.length).map(({ member, value }) => barOf(member, value, shown(value))),
    ...(rest.length === 0 ? [] : [{ ...barOf(`${rest.length} others`, others, compact(Number(others))), isRest: true }]),
  ]
  return figure(
    title,
    barList(bars, { title: described(title, bars), colour: `var(--${colour})` }),
    numbersOf({
      caption: title,
      columns: [{ heading: 'Name' }, { heading: 'Releases', isNumber: true }, { heading: 'Of all', isNumber: true }],
      rows: members
        .slice(0, 100)
        .map(({ member, value }) => [
          searched === null ? member : discogsLink(searched, member),
          whole(value),
          percent(share(value, all)),
        ]),
    }),
  )
}

function decades(newest: Snapshot): Markup {
  const title = 'By decade'
  const members = newest.members('releases_by_decade').toSorted((left, right) => (left.member < right.member ? -1 : 1))
  if (members.length === 0) return unmeasured(title)
  const named = members.map(({ member, value }) => ({ name: /^\d{4}$/.test(member) ? `${member}s` : member, value }))
  const bars = named.map(({ name, value }) => barOf(name, value, whole(value)))
  return figure(
    title,
    columnChart(bars, { title: described(title, bars), colour: 'var(--artists)' }),
    numbersOf({
      caption: title,
      columns: [{ heading: 'Decade' }, { heading: 'Releases', isNumber: true }],
      rows: named.map(({ name, value }) => [name, whole(value)]),
    }),
  )
}
