/** What the commands print: tables for people, JSON for programs. */
import { relative } from 'node:path'
import { styleText } from 'node:util'
import Table from 'cli-table3'
import { exitCodes } from '../errors.ts'
import { blocks, cellsOf, type Column, columnsOf, columnsThatFit, gap, leastCells } from './table-layout.ts'
import { inGroups } from '../sql/each-of.ts'

type Style = Parameters<typeof styleText>[0]

/** Styles text for a terminal; plain elsewhere and with NO_COLOR. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout, validateStream: true })
}

/** Prints a line. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

let isOutputNeeded = true

/** Ends the process when nobody reads its output any more (`dag runs | head`, a closed terminal): called once, at the start. */
export function endWithOutput(): void {
  const onError = ({ code }: NodeJS.ErrnoException): void => {
    if (isOutputNeeded) process.exit(code === 'EPIPE' ? exitCodes.success : exitCodes.failed)
  }
  process.stdout.on('error', onError)
  process.stderr.on('error', onError)
}

/** Until it is disposed of, the process goes on when its output is lost. */
export function outliveOutput(): Disposable {
  isOutputNeeded = false
  return {
    [Symbol.dispose]: () => {
      isOutputNeeded = true
    },
  }
}

/** A path from here, unless it lies far away. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') ? path : fromHere || '.'
}

/** Prints a value as JSON; 64-bit integers beyond the safe ones as text. */
export function printJson(value: unknown): void {
  process.stdout.write(`${jsonText(value, 2)}\n`)
}

/** A value as JSON, on one line unless it is indented; 64-bit integers beyond the safe ones as text. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? jsonInteger(one) : one), indent)
}

function jsonInteger(value: bigint): number | string {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

/** No borders: nothing but space between the columns. */
const sides = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'] as const
const inner = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'] as const
const borderless = { ...Object.fromEntries([...sides, ...inner].map((side) => [side, ''])), middle: gap }

export type Cell = string | number | null

/**
 * A table for the terminal. Marks at the beginning of a heading: `!` never cut (identifiers), `?` left out where there is no room, `>` a
 * number, aligned to the right and never cut. The others are cut, the widest first. Where that is not enough, each row becomes a block.
 */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], width = terminalWidth()): string {
  const texts = rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))))
  const natural = columnsOf(headings, texts)
  const columns = columnsThatFit(natural, width)
  if (columns === null) return blocks(natural, texts, width)
  const head = columns.map(({ name }) => styled('dim', name))
  const body = texts.map((row) => columns.map(({ index }) => row[index] ?? ''))
  const isWhole = columns.every((one) => one.width === natural[one.index]?.width) && !body.some((row) => row.some(hasLines))
  if (isWhole) return [head, ...body].map((row) => padded(row, columns)).join('\n')
  const style = { 'padding-left': 0, 'padding-right': 0, head: [], border: [] }
  const colAligns = columns.map(({ isNumber }) => (isNumber ? ('right' as const) : ('left' as const)))
  const options = { chars: borderless, style, colAligns, colWidths: columns.map((column) => column.width) }
  // Piece by piece: the time that cli-table3 takes grows with the square of the rows.
  return [[head], ...inGroups(body, 100)].map((some) => laidOut(some, options)).join('\n')
}

function hasLines(text: string): boolean {
  return text.includes('\n')
}

/** A row of which nothing must be cut. */
function padded(row: readonly string[], columns: readonly Column[]): string {
  const cells = columns.map(({ width, isNumber }, index) => {
    const text = row[index] ?? ''
    const space = ' '.repeat(Math.max(0, width - cellsOf(text)))
    return isNumber ? space + text : text + space
  })
  return cells.join(gap).trimEnd()
}

function laidOut(rows: readonly string[][], options: Table.TableConstructorOptions): string {
  const result = new Table(options)
  result.push(...rows)
  return result
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Whether a table of so many columns can be read at this width at all. */
export function canFit(columns: number, width = terminalWidth()): boolean {
  return columns * (leastCells + gap.length) <= width
}

/** Columns of the terminal; without one nothing is cut. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY
}

/** On one line, and without anything a terminal would obey. */
export function oneLine(text: string): string {
  return text.replaceAll(/\r\n|\r|\n/g, '↵').replaceAll(/\p{Cc}/gu, '·')
}

const marks: Readonly<Record<string, readonly [string, Style]>> = {
  success: ['✔', 'green'],
  failed: ['✖', 'red'],
  upstream_failed: ['⊘', 'red'],
  running: ['▶', 'cyan'],
  skipped: ['–', 'yellow'],
  cancelled: ['■', 'yellow'],
  interrupted: ['!', 'yellow'],
  retry_wait: ['↻', 'yellow'],
  deferred: ['⏲', 'yellow'],
}

/** The mark of a state in its colour. */
export function stateMark(state: string): string {
  const [mark, style] = marks[state] ?? ['·', 'dim']
  return styled(style, mark)
}

/** A state with its mark and colour. */
export function shownState(state: string): string {
  const [mark, style] = marks[state] ?? ['·', 'dim']
  return styled(style, `${mark} ${state}`)
}

/** A state and why it is so; reasons may begin with the state themselves. */
export function shownEnd(state: string, reason: string | null): string {
  const why = reason?.startsWith(`${state}: `) === true ? reason.slice(state.length + 2) : reason
  return `${shownState(state)}${why === null ? '' : `: ${why}`}`
}

/** `1.2 s`, `3 min 04 s`, `2 h 05 min`. */
export function duration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (number: number): string => String(number).padStart(2, '0')
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
    : `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

/** The time between two instants of the state, empty while either is missing. */
export function between(startedAt: string | null, endedAt: string | null): string {
  return startedAt === null || endedAt === null ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt))
}

/** `1 234 567` for people. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US').replaceAll(',', ' ')
}

/** Rows of all datasets together. */
export function totalRows(rows: Readonly<Record<string, number>>): string {
  return grouped(Object.values(rows).reduce((sum, count) => sum + count, 0))
}

/** `12.3 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}
