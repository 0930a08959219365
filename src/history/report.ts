/** The history as one page: a single file that needs no network, opens by double click, and is the same for the same numbers. */
import { createHash } from 'node:crypto'
import { html, type Markup, trusted } from './report/markup.ts'
import { type ReportInput, reportModel, type ReportModel } from './report/model.ts'
import { monthName } from './report/numbers.ts'
import { composition } from './report/sections/composition.ts'
import { coverage } from './report/sections/coverage.ts'
import { growth } from './report/sections/growth.ts'
import { headline } from './report/sections/headline.ts'
import { lastChange } from './report/sections/last-change.ts'
import { nothingYet, runs } from './report/sections/runs.ts'
import { style } from './report/style.ts'
import { originMark, originOf } from './report-origin.ts'

export type { ReportInput } from './report/model.ts'

/** @returns a whole HTML document */
export function renderReport(input: ReportInput): string {
  const model = reportModel(input)
  const newest = model.snapshots.at(-1)
  const month = newest === undefined ? '' : `, ${monthName(newest.month)}`
  return `${
    html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${styleHash()}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">
${trusted(originMark(originOf(input)))}
<title>Discogs history${month}</title>
<style>${trusted(style)}</style></head>
<body><header><h1>How the record catalogue grows</h1>
<p class="note">The monthly Discogs dumps, snapshot by snapshot. Made ${model.generatedAt}.</p></header>
<main>${body(model)}</main>
<footer>Counts are of rows and ids in the snapshots; shares are rounded to a tenth of a percent. “–” was not measured.</footer>
</body></html>`.html
  }\n`
}

function body(model: ReportModel): readonly Markup[] {
  const newest = model.snapshots.at(-1)
  if (newest === undefined) return model.runs.length === 0 ? [nothingYet(model)] : [nothingYet(model), runs(model.runs)]
  return [
    headline(newest),
    lastChange(newest),
    growth(model.snapshots),
    composition(newest),
    coverage(model.snapshots),
    runs(model.runs),
  ]
}

/** The one style sheet the page's policy allows. */
function styleHash(): string {
  return `sha256-${createHash('sha256').update(style).digest('base64')}`
}
