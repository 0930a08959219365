/** What the commands print: tables for people, JSON for programs. */
import { styleText } from 'node:util'
import Table from 'cli-table3'

type Style = Parameters<typeof styleText>[0]

/** Styles text for a terminal; plain elsewhere and with NO_COLOR. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout, validateStream: true })
}

/** Prints a line. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** Prints a value as JSON; 64-bit integers beyond the safe ones as text. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? jsonInteger(one) : one), 2)
  process.stdout.write(`${text}\n`)
}

function jsonInteger(value: bigint): number | string {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

const light = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
} // biome-ignore format: one line a side

/** Columns whose heading starts with `>` are aligned to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const result = new Table({
    head: headings.map((heading) => styled('dim', heading.replace(/^>/, ''))),
    chars: light,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: headings.map((heading) => (heading.startsWith('>') ? 'right' : 'left')),
  })
  for (const row of rows) result.push(row.map((cell) => (cell === null ? '' : String(cell))))
  return result
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const marks: Readonly<Record<string, readonly [string, Style]>> = {
  success: ['✔', 'green'],
  failed: ['✖', 'red'],
  upstream_failed: ['⊘', 'red'],
  running: ['▶', 'cyan'],
  skipped: ['–', 'yellow'],
  cancelled: ['■', 'yellow'],
  retry_wait: ['↻', 'yellow'],
}

/** A state with its mark and colour. */
export function shownState(state: string): string {
  const [mark, style] = marks[state] ?? ['·', 'dim']
  return styled(style, `${mark} ${state}`)
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

/** `12.3 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}
