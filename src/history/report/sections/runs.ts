import { monthOf, type RegisteredRun } from '../../records.ts'
import { runLink } from '../links.ts'
import { html, type Markup } from '../markup.ts'
import type { ReportModel } from '../model.ts'
import { size, whole } from '../numbers.ts'
import { table } from '../tables.ts'

/** Every run that was found, the newest first. */
export function runs(all: readonly RegisteredRun[]): Markup {
  const hasReasons = all.some(({ reason }) => reason !== null)
  return html`<section aria-labelledby="runs"><h2 id="runs">Runs</h2>
<p class="note">Every snapshot that the history has met; the name leads to its files. Invalid and excluded ones count for nothing above.</p>${table(
    {
      caption: `${all.length} ${all.length === 1 ? 'run' : 'runs'}, the newest first`,
      columns: [
        { heading: 'Run', className: 'nowrap' },
        { heading: 'Month', className: 'nowrap' },
        { heading: 'State', className: 'nowrap' },
        { heading: 'Checks', className: 'nowrap' },
        { heading: 'Rows', isNumber: true },
        { heading: 'Size', isNumber: true },
        { heading: 'Session, UTC', className: 'nowrap' },
        ...(hasReasons ? [{ heading: 'Reason', className: 'reason' }] : []),
      ],
      rows: all.map((run) => (hasReasons ? [...runRow(run), run.reason ?? ''] : runRow(run))),
    },
  )}</section>`
}

const states: Readonly<Record<string, readonly [className: string, mark: string]>> = {
  registered: ['good', '✔'],
  invalid: ['bad', '✖'],
}

function runRow(run: RegisteredRun): readonly (Markup | string)[] {
  const [className, mark] = states[run.state] ?? ['warn', '·']
  return [
    run.state === 'removed'
      ? html`<code>${run.runId}</code>`
      : html`<a href="${runLink(run.runId)}"><code>${run.runId}</code></a>`,
    monthOf(run),
    html`<span class="${className}">${mark} ${run.state}</span>`,
    verdict(run),
    whole(run.rows),
    size(run.bytes),
    run.session,
  ]
}

function verdict({ checksPassed, checksWarned }: RegisteredRun): Markup {
  const warned = checksWarned === 0n ? null : html` <span class="warn">${whole(checksWarned)} warned</span>`
  return checksPassed + checksWarned === 0n ? html`–` : html`<span>${whole(checksPassed)} passed</span>${warned}`
}

/** What is shown when no run is valid. */
export function nothingYet(model: ReportModel): Markup {
  const text =
    model.runs.length === 0
      ? 'No snapshot has been registered yet: seal a month with the main pipeline, then run the history again.'
      : 'None of the snapshots is valid. The table says why.'
  return html`<div class="empty">${text}</div>`
}
