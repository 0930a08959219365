import { gainsAndLosses, lineChart } from '../charts.ts'
import { html, type Markup } from '../markup.ts'
import { entities, type Entity, type Snapshot } from '../model.ts'
import { monthName, whole } from '../numbers.ts'
import { numbersOf } from '../tables.ts'
import { asNumber, capitalised, figure, unmeasured } from './parts.ts'

/** Rows of the four entities over the months, and what came and went. */
export function growth(snapshots: readonly Snapshot[]): Markup {
  return html`<section aria-labelledby="growth"><h2 id="growth">Growth</h2>
<p class="note">${snapshots.length === 1 ? 'One month so far.' : `${snapshots.length} months; of each the newest valid snapshot. The axes of counts do not start at 0.`}</p>
<div class="grid four">${entities.map((entity) => rowsFigure(snapshots, entity))}</div>
${snapshots.length < 2 ? null : changes(snapshots)}</section>`
}

function changes(snapshots: readonly Snapshot[]): Markup {
  return html`<ul class="legend" aria-label="Colours of the following charts"><li class="added">added</li><li class="removed">removed, below the line</li><li class="plain">each bar since the snapshot before</li></ul>
<div class="grid four">${entities.map((entity) => changesFigure(snapshots, entity))}</div>`
}

function rowsFigure(snapshots: readonly Snapshot[], entity: Entity): Markup {
  const values = snapshots.map(({ month, kpi }) => ({ month, value: kpi('rows', entity.dataset) }))
  const name = capitalised(entity.name)
  if (values.every(({ value }) => value === null)) return unmeasured(name)
  const ends = values.filter(({ value }) => value !== null)
  const summary = `${name}: ${whole(ends[0]?.value ?? null)} in ${monthName(ends[0]?.month ?? '')}, ${whole(ends.at(-1)?.value ?? null)} in ${monthName(ends.at(-1)?.month ?? '')}`
  return figure(
    name,
    lineChart(values.map(asNumber), { title: summary, colour: `var(--${entity.name})` }),
    numbersOf({
      caption: `${name} by month`,
      columns: [{ heading: 'Month' }, { heading: name, isNumber: true }],
      rows: values.toReversed().map(({ month, value }) => [month, whole(value)]),
    }),
  )
}

function changesFigure(snapshots: readonly Snapshot[], entity: Entity): Markup {
  const name = `${capitalised(entity.name)} added and removed`
  const measured = snapshots.flatMap((snapshot) => {
    const [added, removed, changed] = ['ids_added', 'ids_removed', 'ids_changed'].map((measure) =>
      snapshot.growth('previous', measure, entity),
    )
    return added === undefined || added === null || removed === undefined || removed === null
      ? []
      : [{ month: snapshot.month, since: snapshot.since('previous') ?? '', added, removed, changed: changed ?? null }]
  })
  if (measured.length === 0) return unmeasured(name)
  const newest = measured.at(-1)
  const summary = `${name}; ${monthName(newest?.month ?? '')}: ${whole(newest?.added ?? null)} added, ${whole(newest?.removed ?? null)} removed since ${monthName(newest?.since ?? '')}`
  return figure(
    name,
    gainsAndLosses(
      measured.map(({ month, since, added, removed }) => ({ month, since, added: Number(added), removed: Number(removed) })),
      summary,
    ),
    numbersOf({
      caption: `${name} since the snapshot before`,
      columns: [
        { heading: 'Month' },
        { heading: 'Since' },
        { heading: 'Added', isNumber: true },
        { heading: 'Removed', isNumber: true },
        { heading: 'Changed', isNumber: true },
      ],
      rows: measured
        .toReversed()
        .map(({ month, since, added, removed, changed }) => [month, since, whole(added), whole(removed), whole(changed)]),
    }),
  )
}
