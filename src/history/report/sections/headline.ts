import { html, type Markup } from '../markup.ts'
import { entities, type Entity, type Snapshot } from '../model.ts'
import { monthName, percent, share, signed, size, whole } from '../numbers.ts'
import { table } from '../tables.ts'
import { capitalised } from './parts.ts'

/** The newest snapshot in four numbers. */
export function headline(newest: Snapshot): Markup {
  return html`<section aria-labelledby="now"><h2 id="now">${monthName(newest.month)}</h2>
<p class="note">Snapshot <code>${newest.run.runId}</code>, ${whole(newest.run.rows)} rows in ${size(newest.run.bytes)}${comparedWith(newest)}.</p>
<div class="grid">${entities.map((entity) => tile(newest, entity))}</div>${facts(newest)}</section>`
}

function comparedWith(newest: Snapshot): Markup {
  const [compared, since] = [newest.compared('previous'), newest.since('previous')]
  return compared === null || since === null ? html`` : html`, compared with <code>${compared}</code> of ${monthName(since)}`
}

function tile(newest: Snapshot, entity: Entity): Markup {
  const [added, removed] = [newest.growth('previous', 'ids_added', entity), newest.growth('previous', 'ids_removed', entity)]
  const unknown = newest.compared('previous') === null ? 'no earlier snapshot' : 'change not measured'
  const delta =
    added === null || removed === null ? unknown : `${signed(added - removed)} since ${monthName(newest.since('previous') ?? '')}`
  return html`<div class="card tile ${entity.name}"><div class="label">${capitalised(entity.name)}</div>
<div class="big">${whole(newest.kpi('rows', entity.dataset))}</div><div class="delta">${delta}</div></div>`
}

const distinctNames = [
  ['artist', 'artist names'],
  ['label', 'label names'],
  ['genre', 'genres'],
  ['style', 'styles'],
] as const

/** Numbers that need no chart. */
function facts(newest: Snapshot): Markup {
  const known: readonly (readonly string[])[] = [
    ...distinctNames.map(([member, name]) => [`Distinct ${name}`, whole(newest.kpi('distinct_norms', member))] as const),
    ['Tracks per release, median', whole(newest.kpi('tracks_per_release', 'median'))],
    ['Tracks per release, 95th percentile', whole(newest.kpi('tracks_per_release', 'p95'))],
    ['Share of the largest label', percent(newest.kpi('top_label_share_bp', 'top_1'))],
    ['Share of the ten largest labels', percent(newest.kpi('top_label_share_bp', 'top_10'))],
  ]
  const orphans = linkNames.map(([member, name]) => [
    name,
    whole(newest.kpi('links', member)),
    whole(newest.kpi('orphans', member)),
    percent(share(newest.kpi('orphans', member), newest.kpi('links', member))),
  ])
  return html`<div class="grid pair"><div>${table({
    caption: 'Figures of this snapshot',
    columns: [{ heading: 'Figure' }, { heading: 'Value', isNumber: true }],
    rows: known,
  })}</div><div>${table({
    caption: 'Links, and those that point at nothing',
    columns: [
      { heading: 'Link' },
      { heading: 'Links', isNumber: true },
      { heading: 'Orphans', isNumber: true },
      { heading: 'Share', isNumber: true },
    ],
    rows: orphans,
  })}</div></div>`
}

const linkNames = [
  ['release_to_master', 'Release → master'],
  ['release_to_label', 'Release → label'],
  ['release_to_artist', 'Release → artist'],
  ['alias_to_artist', 'Alias → artist'],
] as const
