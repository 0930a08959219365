/** The charts of the page. Colours are CSS variables, so that one drawing serves light and dark. */
import {
  evenMonthAxis,
  monthAxis,
  monthPlaces,
  roomBelow,
  roomOfTicks,
  shortMonth,
  stepAxis,
  timeOf,
  valueAxis,
  valueTicks,
} from './axes.ts'
import type { Bar } from './bars.ts'
import { draw, type Padding, type Spot } from './drawing.ts'
import type { Markup } from './markup.ts'
import { signed, whole } from './numbers.ts'

/** A value at a month, null where it was not measured. */
export interface MonthlyValue {
  /** `YYYY-MM`. */
  readonly month: string
  readonly value: number | null
}

/** What came and went since another month. */
export interface MonthlyChange {
  readonly month: string
  readonly since: string
  readonly added: number
  readonly removed: number
}

export interface ChartOptions {
  /** Says what the drawing shows, for those who cannot see it. */
  readonly title: string
  /** A CSS variable. */
  readonly colour: string
}

const width = 270
const height = 166
const columnWidth = 320
/** Points are drawn where they do not touch. */
const mostPoints = 30

/** Leaves room for the labels of the y axis, a line of labels below, and one above for the value under the pointer. */
function paddingFor(ticks: readonly number[]): Padding {
  return { left: roomOfTicks(ticks), right: 8, top: 20, bottom: roomBelow }
}

function plotWidth({ left, right }: Padding): number {
  return width - left - right
}

/** The course of a value over the months. Months without a value leave a gap. */
export function lineChart(values: readonly MonthlyValue[], { title, colour }: ChartOptions): Markup {
  const known = numbersOf(values)
  const ticks = valueTicks(Math.min(...known), Math.max(...known))
  const padding = paddingFor(ticks)
  return draw(
    { title, width, height, padding },
    {
      data: timed(values),
      mark: line(colour, 2, known.length <= mostPoints),
      encoding: {
        x: monthAxis(values, plotWidth(padding)),
        y: valueAxis('value', ticks),
      },
    },
    spotsAround(
      padding,
      monthPlaces(
        values.map(({ month }) => month),
        plotWidth(padding),
      ),
      values.map(({ month, value }) => `${shortMonth(month)}: ${whole(value === null ? null : BigInt(value))}`),
    ),
  )
}

/** Spots that share the width: each reaches half way to its neighbours. @param places in pixels of the plot */
function spotsAround(padding: Padding, places: readonly number[], texts: readonly string[]): readonly Spot[] {
  const half = (index: number): number => ((places[index] ?? 0) + (places[index + 1] ?? 0)) / 2
  return texts.map((text, index) => {
    const from = index === 0 ? 0 : half(index - 1)
    const to = index === texts.length - 1 ? plotWidth(padding) : half(index)
    return { x: padding.left + from, width: to - from, text }
  })
}

/** Added above the line, removed below it, one pair of bars a comparison. */
export function gainsAndLosses(months: readonly MonthlyChange[], title: string): Markup {
  const ends = months.flatMap(({ added, removed }) => [added, -removed])
  const ticks = valueTicks(Math.min(0, ...ends), Math.max(0, ...ends))
  const padding = paddingFor(ticks)
  const barWidth = Math.max(1.5, Math.min(26, (plotWidth(padding) / months.length) * 0.7))
  return draw(
    { title, width, height, padding },
    {
      data: {
        values: months.flatMap(({ added, removed }, index) => [
          { index, value: added, kind: 'added' },
          { index, value: -removed, kind: 'removed' },
        ]),
      },
      mark: { type: 'bar', width: barWidth },
      encoding: {
        x: evenMonthAxis(
          months.map(({ month }) => month),
          plotWidth(padding),
        ),
        y: valueAxis('value', ticks),
        color: {
          field: 'kind',
          type: 'nominal',
          legend: null,
          scale: { domain: ['added', 'removed'], range: ['var(--added)', 'var(--removed)'] },
        },
      },
    },
    months.map((one, index) => ({
      x: padding.left + (index / months.length) * plotWidth(padding),
      width: plotWidth(padding) / months.length,
      text: `${shortMonth(one.month)}: ${signed(BigInt(one.added))} ${signed(-BigInt(one.removed))} since ${shortMonth(one.since)}`,
    })),
  )
}

/** Vertical bars, one a step of an order. */
export function columnChart(columns: readonly Bar[], { title, colour }: ChartOptions): Markup {
  const ticks = valueTicks(0, Math.max(1, ...columns.map(({ value }) => value)))
  const padding = paddingFor(ticks)
  return draw(
    { title, width: columnWidth, height: 206, padding },
    {
      data: { values: columns.map(({ value }, index) => ({ index, value })) },
      mark: { type: 'bar', color: colour, cornerRadiusEnd: 2 },
      encoding: {
        x: stepAxis(columns.map(({ label }) => label)),
        y: valueAxis('value', ticks),
      },
    },
    columns.map(({ label, shown }, index) => {
      const step = (columnWidth - padding.left - padding.right) / columns.length
      return { x: padding.left + index * step, width: step, text: `${label}: ${shown}` }
    }),
  )
}

/** A line as small as a word. */
export function sparkline(values: readonly MonthlyValue[], { title, colour }: ChartOptions): Markup {
  const known = numbersOf(values)
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const margin = (most - least) * 0.1 || 1
  return draw(
    { title, width: 120, height: 24, padding: { left: 3, right: 3, top: 3, bottom: 3 } },
    {
      data: timed(values),
      mark: line(colour, 1.75, known.length === 1),
      encoding: {
        x: { field: 'time', type: 'temporal', scale: { type: 'utc' }, axis: null },
        y: {
          field: 'value',
          type: 'quantitative',
          scale: { zero: false, nice: false, domain: [least - margin, most + margin] },
          axis: null,
        },
      },
    },
  )
}

function line(color: string, strokeWidth: number, hasPoints: boolean): object {
  const point = hasPoints ? { filled: true, size: 26, color } : false
  return { type: 'line', color, strokeWidth, point, invalid: 'break-paths-show-path-domains' }
}

function timed(values: readonly MonthlyValue[]): object {
  return { values: values.map(({ month, value }) => ({ time: timeOf(month), value })) }
}

function numbersOf(values: readonly MonthlyValue[]): readonly number[] {
  return values.flatMap(({ value }) => (value === null ? [] : [value]))
}
