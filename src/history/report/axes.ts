/** Axes with ticks and texts of our own: few, round, and the same everywhere. */
import { monthName, tickTexts } from './numbers.ts'

const mostMonths = 3
const halfMonth = 16 * 86_400_000

const axisStyle = {
  title: null,
  domain: false,
  grid: false,
  ticks: false,
  labelColor: 'var(--muted)',
  labelFontSize: 11.5,
  labelPadding: 6,
  labelOverlap: false,
} as const

/** The months as an x axis: the first, the middle and the last one are named. */
export function monthAxis(months: readonly { readonly month: string }[]) {
  const distinct = [...new Set(months.map(({ month }) => month))]
  const shown = spread(distinct)
  const times = shown.map(timeOf)
  return {
    field: 'time',
    type: 'temporal',
    scale: {
      type: 'utc',
      nice: false,
      domain: [timeOf(distinct[0] ?? '') - halfMonth, timeOf(distinct.at(-1) ?? '') + halfMonth],
    },
    axis: {
      ...axisStyle,
      values: times,
      labelExpr: chosen(shown.map(shortMonth), `indexof(${JSON.stringify(times)}, +datum.value)`),
      // Their texts stay within the drawing.
      labelAlign: { expr: alignment(times) },
    },
  } as const
}

/** Values as a y axis with a line at every tick. */
export function valueAxis(field: string, ticks: readonly number[]) {
  return {
    field,
    type: 'quantitative',
    stack: null,
    scale: { zero: false, nice: false, domain: [ticks[0] ?? 0, ticks.at(-1) ?? 1] },
    axis: {
      ...axisStyle,
      grid: true,
      gridColor: 'var(--grid)',
      values: [...ticks],
      labelExpr: chosen(tickTexts(ticks), `indexof(${JSON.stringify(ticks)}, datum.value)`),
    },
  } as const
}

/** Steps of an order as an x axis; every so many are named. */
export function stepAxis(labels: readonly string[]) {
  const every = Math.ceil(labels.length / 5)
  return {
    field: 'index',
    type: 'ordinal',
    scale: { paddingInner: 0.25, paddingOuter: 0.1 },
    axis: {
      ...axisStyle,
      values: labels.flatMap((_, index) => (index % every === 0 ? [index] : [])),
      labelExpr: chosen(labels, 'datum.value'),
      labelAngle: 0,
    },
  } as const
}

/** Round numbers from at most `least` to at least `most`, about five. */
export function valueTicks(least: number, most: number): readonly number[] {
  // A single value lies in the middle.
  if (least === most && least !== 0) return valueTicks(least - Math.abs(least) / 20, most + Math.abs(most) / 20)
  const rough = (most - least || 1) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  // Counts have no halves.
  const step = Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power)
  const first = Math.floor(least / step)
  const last = Math.max(first + 1, Math.ceil(most / step))
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step)
}

/** Milliseconds of the first instant of a month, UTC. */
export function timeOf(month: string): number {
  return Date.parse(`${month}-01T00:00:00Z`)
}

/** An expression of Vega that picks one of these texts. */
function chosen(texts: readonly string[], index: string): string {
  return `${JSON.stringify(texts)}[${index}]`
}

function alignment(times: readonly number[]): string {
  if (times.length < 2) return "'center'"
  return `+datum.value === ${times[0]} ? 'left' : +datum.value === ${times.at(-1)} ? 'right' : 'center'`
}

function spread(months: readonly string[]): readonly string[] {
  const steps = Math.min(mostMonths, months.length)
  return Array.from(
    { length: steps },
    (_, index) => months[Math.round((index * (months.length - 1)) / Math.max(1, steps - 1))] ?? '',
  )
}

/** `Apr 2026`. */
function shortMonth(month: string): string {
  return monthName(month).replace(/^(\p{L}{3})\p{L}*/u, '$1')
}
