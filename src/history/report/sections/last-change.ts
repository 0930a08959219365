import { barList } from '../bars.ts'
import { html, type Markup } from '../markup.ts'
import { entities, type Entity, type Member, type Snapshot } from '../model.ts'
import { signed, whole } from '../numbers.ts'
import { numbersOf, table } from '../tables.ts'
import { barOf, capitalised, described, figure } from './parts.ts'

const mostGrown = 8
const mostChips = 40

/** What the newest snapshot has that the one before had not, and the other way round. */
export function lastChange(newest: Snapshot): Markup {
  const title = html`<h2 id="change">What changed last month</h2>`
  if (newest.compared('previous') === null)
    return html`<section aria-labelledby="change">${title}<div class="empty">There is no earlier snapshot to compare with yet. The next month's run fills this part.</div></section>`
  return html`<section aria-labelledby="change">${title}
<p class="note">Ids, not counts, were compared: a month that adds as much as it removes shows both.</p>
${idTable(newest)}
<div class="grid wide">${newMembers('New genres', newest.grown('new_genre'))}${newMembers('New styles', newest.grown('new_style'))}</div>
<div class="grid wide">${grownMost('Labels that grew most', newest.grown('label_growth'), 'labels')}${grownMost(
    'Countries that grew most',
    newest.grown('country_growth'),
    'artists',
  )}${grownMost('Formats that grew most', newest.grown('format_growth'), 'masters')}</div></section>`
}

function idTable(newest: Snapshot): Markup {
  const hasYear = newest.compared('year') !== null
  const of = (span: 'previous' | 'year', measure: string, entity: Entity): bigint | null => newest.growth(span, measure, entity)
  const year = (entity: Entity): string[] =>
    hasYear ? [signed(of('year', 'ids_added', entity)), signed(negative(of('year', 'ids_removed', entity)))] : []
  return table({
    caption: `Ids added, removed and changed since the snapshot before${hasYear ? ', and since a year before' : ''}`,
    columns: [
      { heading: 'Entity' },
      { heading: 'Added', isNumber: true },
      { heading: 'Removed', isNumber: true },
      { heading: 'Changed', isNumber: true },
      { heading: 'Now', isNumber: true },
      ...(hasYear
        ? [
            { heading: 'Added in a year', isNumber: true },
            { heading: 'Removed in a year', isNumber: true },
          ]
        : []),
    ],
    rows: entities.map((entity) =>
      [
        capitalised(entity.name),
        signed(of('previous', 'ids_added', entity)),
        signed(negative(of('previous', 'ids_removed', entity))),
        whole(of('previous', 'ids_changed', entity)),
        whole(of('previous', 'ids_after', entity)),
      ].concat(year(entity)),
    ),
  })
}

function negative(value: bigint | null): bigint | null {
  return value === null ? null : -value
}

function newMembers(title: string, members: readonly Member[]): Markup {
  const rest = members.length - mostChips
  const chips = members.slice(0, mostChips).map(({ member, value }) => html`<li><bdi>${member}</bdi> ${whole(value)}</li>`)
  const list =
    members.length === 0
      ? html`<p class="sub">None.</p>`
      : html`<ul class="chips">${chips}${rest > 0 ? html`<li>and ${whole(BigInt(rest))} more</li>` : null}</ul>`
  return html`<div class="card"><h3>${title}</h3>${list}</div>`
}

function grownMost(title: string, members: readonly Member[], colour: string): Markup {
  if (members.length === 0) return html`<div class="card"><h3>${title}</h3><p class="sub">None.</p></div>`
  const bars = members.slice(0, mostGrown).map(({ member, value }) => barOf(member, value, signed(value)))
  return figure(
    `${title}, in releases`,
    barList(bars, { title: described(title, bars), colour: `var(--${colour})` }),
    numbersOf({
      caption: title,
      columns: [{ heading: 'Name' }, { heading: 'More releases', isNumber: true }],
      rows: members.map(({ member, value }) => [member, signed(value)]),
    }),
  )
}
