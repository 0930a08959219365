/** Axes with ticks and texts of our own: few, round, and the same everywhere. */
import { monthName, tickTexts } from './numbers.ts'

/** Room that the text of a month takes with the space around it, in pixels. */
const monthWidth = 58
const tickGap = 6
/** A line of the tallest common font, such as Noto Sans, must not reach into the lowest label of the y axis. */
const rowGap = 11
/** Room below the plot for {@link rowGap} and a line of text, in pixels. */
export const roomBelow = 28
/** Widest advance of common fonts (DejaVu, Verdana), as parts of the font size. A browser may pick any of them. */
const advances = { digit: 0.65, dot: 0.38, space: 0.36, letter: 0.87 } as const
const halfMonth = 16 * 86_400_000

const axisStyle = {
  title: null,
  domain: false,
  grid: false,
  ticks: false,
  labelColor: 'var(--muted)',
  labelFontSize: 11.5,
  labelPadding: rowGap,
  labelOverlap: false,
} as const

/** The months as an x axis: the first, the last and, where there is room, the middle one are named. @param width of the axis in pixels */
export function monthAxis(months: readonly { readonly month: string }[], width: number) {
  const distinct = [...new Set(months.map(({ month }) => month))]
  const domain = monthDomain(distinct)
  const shown = namedMonths(distinct, monthPlaces(distinct, width), width)
  const times = shown.map(({ month }) => timeOf(month))
  return {
    field: 'time',
    type: 'temporal',
    scale: { type: 'utc', nice: false, domain: [...domain] },
    axis: namedAxis(shown, times, `indexof(${JSON.stringify(times)}, +datum.value)`),
  } as const
}

/** Where the months lie on a {@link monthAxis}, in pixels from its beginning. */
export function monthPlaces(months: readonly string[], width: number): readonly number[] {
  const [from, to] = monthDomain(months)
  return months.map((month) => ((timeOf(month) - from) / (to - from)) * width)
}

function monthDomain(months: readonly string[]): readonly [number, number] {
  return [timeOf(months[0] ?? '') - halfMonth, timeOf(months.at(-1) ?? '') + halfMonth]
}

/** Months at even distances, however far they are apart: bars of neighbours never overlap. Named as on a {@link monthAxis}. */
export function evenMonthAxis(months: readonly string[], width: number) {
  const places = months.map((_, index) => ((index + 0.5) / months.length) * width)
  const shown = namedMonths(months, places, width)
  const values = shown.map(({ month }) => months.indexOf(month))
  return {
    field: 'index',
    type: 'quantitative',
    scale: { zero: false, nice: false, domain: [-0.5, months.length - 0.5] },
    axis: namedAxis(shown, values, `indexof(${JSON.stringify(values)}, datum.value)`),
  } as const
}

/** @param index an expression of Vega: the place of a tick among those that are named */
function namedAxis(shown: readonly NamedMonth[], values: readonly number[], index: string) {
  return {
    ...axisStyle,
    values: [...values],
    labelExpr: chosen(
      shown.map(({ month }) => shortMonth(month)),
      index,
    ),
    labelAlign: {
      expr: chosen(
        shown.map(({ align }) => align),
        index,
      ),
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
      labelPadding: tickGap,
      grid: true,
      gridColor: 'var(--grid)',
      values: [...ticks],
      labelExpr: chosen(tickTexts(ticks), `indexof(${JSON.stringify(ticks)}, datum.value)`),
    },
  } as const
}

/** Room that the labels of these ticks take left of the plot in any common font, in pixels. */
export function roomOfTicks(ticks: readonly number[]): number {
  const widest = Math.max(...tickTexts(ticks).map(advanceOfText))
  return Math.ceil(Math.max(40, widest * axisStyle.labelFontSize) + tickGap)
}

function advanceOfText(text: string): number {
  return Array.from(text, advanceOf).reduce((sum, advance) => sum + advance, 0)
}

function advanceOf(character: string): number {
  if (/\d/.test(character)) return advances.digit
  if (character === '.') return advances.dot
  return /\s/.test(character) ? advances.space : advances.letter
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

interface NamedMonth {
  readonly month: string
  readonly align: 'left' | 'center' | 'right'
  /** Where its text begins, in pixels. */
  readonly left: number
}

/** Their texts stay within the drawing and beside each other. @param places of the months, in pixels */
function namedMonths(months: readonly string[], places: readonly number[], width: number): readonly NamedMonth[] {
  const placeOf = new Map(months.map((month, index) => [month, places[index] ?? 0]))
  const place = (month: string): NamedMonth => {
    const x = placeOf.get(month) ?? 0
    if (x < monthWidth / 2) return { month, align: 'left', left: x }
    if (x > width - monthWidth / 2) return { month, align: 'right', left: x - monthWidth }
    return { month, align: 'center', left: x - monthWidth / 2 }
  }
  const fromMiddle = (month: string): number => Math.abs((placeOf.get(month) ?? 0) - width / 2)
  const [nearest = ''] = months.toSorted((left, right) => fromMiddle(left) - fromMiddle(right))
  const shown = [...new Set([months[0] ?? '', nearest, months.at(-1) ?? ''])].map(place)
  const [first, between, last] = shown
  if (first === undefined || between === undefined || last === undefined) return shown
  return between.left - first.left < monthWidth || last.left - between.left < monthWidth ? [first, last] : shown
}

/** `Apr 2026`. */
export function shortMonth(month: string): string {
  return monthName(month).replace(/^(\p{L}{3})\p{L}*/u, '$1')
}
