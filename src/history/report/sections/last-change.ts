import { barList } from '../bars.ts'
import { html, type Markup } from '../markup.ts'
import { entities, type Entity, type Member, type Snapshot } from '../model.ts'
import { monthName, signed, whole } from '../numbers.ts'
import { numbersOf, table } from '../tables.ts'
import { discogsLink, type Searched } from '../links.ts'
import { barOf, capitalised, described, figure } from './parts.ts'

const mostGrown = 8
const mostChips = 40

/** What a snapshot has that the one before had not, and the other way round. */
export function lastChange(newest: Snapshot): Markup {
  const [since, year] = [newest.since('previous'), newest.since('year')]
  const title = html`<h2 id="change">${since === null ? 'What changed' : `What changed since ${monthName(since)}`}</h2>`
  if (since === null)
    return html`<section aria-labelledby="change">${title}<div class="empty">There is no earlier snapshot to compare with. A later month is compared with this one.</div></section>`
  return html`<section aria-labelledby="change">${title}
<p class="note">Ids, not counts, were compared: a month that adds as much as it removes shows both. A record is changed when any of its rows is.</p>
<div class="grid pair">${idTable(newest, 'previous', `Ids since ${monthName(since)}`)}${
    year === null ? null : idTable(newest, 'year', `Ids since ${monthName(year)}, a year before`)
  }</div>
<div class="grid wide">${newMembers('New genres', newest.grown('new_genre'), 'genre')}${newMembers('New styles', newest.grown('new_style'), 'style')}</div>
<div class="grid wide">${grownMost('Labels that grew most', newest.grown('label_growth'), 'label')}${grownMost(
    'Countries that grew most',
    newest.grown('country_growth'),
    'country',
  )}${grownMost('Formats that grew most', newest.grown('format_growth'), 'format')}</div></section>`
}

function idTable(newest: Snapshot, span: 'previous' | 'year', caption: string): Markup {
  const of = (measure: string, entity: Entity): bigint | null => newest.growth(span, measure, entity)
  return html`<div>${table({
    caption,
    columns: ['Entity', 'Added', 'Removed', 'Changed'].map((heading, index) => ({ heading, isNumber: index > 0 })),
    rows: entities.map((entity) => [
      capitalised(entity.name),
      signed(of('ids_added', entity)),
      signed(negative(of('ids_removed', entity))),
      whole(of('ids_changed', entity)),
    ]),
  })}</div>`
}

function negative(value: bigint | null): bigint | null {
  return value === null ? null : -value
}

function newMembers(title: string, members: readonly Member[], searched: Searched): Markup {
  const rest = members.length - mostChips
  const chips = members
    .slice(0, mostChips)
    .map(({ member, value }) => html`<li>${discogsLink(searched, member)} ${whole(value)}</li>`)
  const list =
    members.length === 0
      ? html`<p class="sub">None.</p>`
      : html`<ul class="chips">${chips}${rest > 0 ? html`<li>and ${whole(BigInt(rest))} more</li>` : null}</ul>`
  return html`<div class="card"><h3>${title}</h3>${list}</div>`
}

const colours = { label: 'labels', country: 'artists', format: 'masters' } as const

function grownMost(title: string, members: readonly Member[], searched: keyof typeof colours): Markup {
  if (members.length === 0) return html`<div class="card"><h3>${title}</h3><p class="sub">None.</p></div>`
  const bars = members.slice(0, mostGrown).map(({ member, value }) => barOf(member, value, signed(value)))
  return figure(
    `${title}, in releases`,
    barList(bars, { title: described(title, bars), colour: `var(--${colours[searched]})` }),
    numbersOf({
      caption: title,
      columns: [{ heading: 'Name' }, { heading: 'More releases', isNumber: true }],
      rows: members.map(({ member, value }) => [discogsLink(searched, member), signed(value)]),
    }),
  )
}
