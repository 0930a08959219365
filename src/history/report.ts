/** The history as pages: each a single file that needs no network, opens by double click, and is the same for the same numbers. */
import { createHash } from 'node:crypto'
import { html, type Markup, trusted } from './report/markup.ts'
import { type ReportInput, reportModel, type ReportModel } from './report/model.ts'
import { monthName } from './report/numbers.ts'
import { composition } from './report/sections/composition.ts'
import { coverage } from './report/sections/coverage.ts'
import { data } from './report/sections/data.ts'
import { growth } from './report/sections/growth.ts'
import { headline } from './report/sections/headline.ts'
import { lastChange } from './report/sections/last-change.ts'
import { months, neighbours } from './report/sections/months.ts'
import { nothingYet, runs } from './report/sections/runs.ts'
import { style } from './report/style.ts'
import { originMark, originOf } from './report-origin.ts'

export type { ReportInput } from './report/model.ts'

/** The page with all months. @returns a whole HTML document */
export function renderReport(input: ReportInput): string {
  const model = reportModel(input)
  const newest = model.snapshots.at(-1)
  return documentOf({
    title: `Discogs history${newest === undefined ? '' : `, ${monthName(newest.month)}`}`,
    heading: 'How the record catalogue grows',
    note: `The monthly Discogs dumps, snapshot by snapshot. Made ${model.generatedAt}.`,
    origin: originOf(input),
    body: body(model),
  })
}

/** The page of one month. @param input as `monthInputs` chooses it */
export function renderMonth(input: ReportInput, month: string): string {
  const { snapshots, generatedAt } = reportModel(input)
  const snapshot = snapshots.find((one) => one.month === month)
  return documentOf({
    title: `Discogs history, ${monthName(month)}`,
    heading: `The record catalogue in ${monthName(month)}`,
    note: `One month of the Discogs dumps. Made ${generatedAt}.`,
    origin: originOf(input),
    body: [
      neighbours(snapshots, month),
      ...(snapshot === undefined ? [] : [headline(snapshot), lastChange(snapshot), composition(snapshot)]),
    ],
  })
}

interface Page {
  readonly title: string
  readonly heading: string
  readonly note: string
  /** Tells what the page was made from. */
  readonly origin: string
  readonly body: readonly Markup[]
}

function documentOf({ title, heading, note, origin, body: content }: Page): string {
  return `${
    html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${styleHash()}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">
${trusted(originMark(origin))}
<title>${title}</title>
<style>${trusted(style)}</style></head>
<body><header><h1>${heading}</h1>
<p class="note">${note}</p></header>
<main>${content}</main>
<footer>Counts are of rows and ids in the snapshots; shares are rounded to a tenth of a percent. “–” was not measured.</footer>
</body></html>`.html
  }\n`
}

function body(model: ReportModel): readonly Markup[] {
  const newest = model.snapshots.at(-1)
  if (newest === undefined) return model.runs.length === 0 ? [nothingYet(model)] : [nothingYet(model), runs(model.runs)]
  return [
    contents,
    ...(model.snapshots.length < 2 ? [] : [months(model.snapshots)]),
    headline(newest),
    lastChange(newest),
    growth(model.snapshots),
    composition(newest),
    coverage(model.snapshots),
    runs(model.runs),
    data(),
  ]
}

const contents = html`<nav class="toc" aria-label="Contents"><a href="#now">Newest month</a><a href="#change">Changes</a><a href="#growth">Growth</a><a href="#composition">Composition</a><a href="#coverage">Coverage</a><a href="#runs">Runs</a><a href="#data">Data</a></nav>`

/** The one style sheet the page's policy allows. */
function styleHash(): string {
  return `sha256-${createHash('sha256').update(style).digest('base64')}`
}
