/** Numbers as people read them, the same in every locale. */

/** Narrow and never broken over lines. */
const space = '\u202f'

/** `18 234 567`; a dash for what was not measured. */
export function whole(value: bigint | null): string {
  if (value === null) return '–'
  return `${value < 0n ? '−' : ''}${String(value)
    .replace('-', '')
    .replaceAll(/\B(?=(\d{3})+$)/g, space)}`
}

/** `+1 234`, `−5`, `±0`. */
export function signed(value: bigint | null): string {
  if (value === null) return '–'
  return value === 0n ? '±0' : `${value > 0n ? '+' : ''}${whole(value)}`
}

const scales = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
] as const

/** `18.2 M`, `940 k`: three digits at most. */
export function compact(value: number): string {
  const [scale, unit] = scaleOf(Math.abs(value))
  const scaled = value / scale
  return scaledText(scaled, unit, unit !== '' && Math.abs(scaled) < 99.95 ? 1 : 0)
}

/** Texts of evenly spaced ticks, in one unit and with as many decimals as tell them apart. Negative ones are written without a sign. */
export function tickTexts(ticks: readonly number[]): readonly string[] {
  const [first = 0, second = 1] = ticks
  const [scale, unit] = scaleOf(Math.max(...ticks.map(Math.abs)))
  const decimals = Math.max(0, Math.ceil(-Math.log10((second - first) / scale) - 1e-9))
  return ticks.map((tick) => (tick === 0 ? '0' : scaledText(Math.abs(tick) / scale, unit, decimals)))
}

function scaleOf(size: number): readonly [number, string] {
  return scales.find(([scale]) => size >= scale) ?? [1, '']
}

function scaledText(value: number, unit: string, decimals: number): string {
  const text = value.toFixed(decimals).replace('-', '−')
  return unit === '' ? text : `${text}${space}${unit}`
}

/** Basis points as `87.4 %`. */
export function percent(basisPoints: bigint | null): string {
  return basisPoints === null ? '–' : `${(Number(basisPoints) / 100).toFixed(1)}${space}%`
}

/** One part of all in basis points; null when it cannot be told. */
export function share(part: bigint | null, all: bigint | null): bigint | null {
  return part === null || all === null || all === 0n ? null : (part * 10_000n + all / 2n) / all
}

/** What a share has gained in percentage points: `+0.3`. */
export function points(basisPoints: bigint): string {
  const text = (Number(basisPoints) / 100).toFixed(2)
  return basisPoints === 0n ? '±0' : `${basisPoints > 0n ? '+' : ''}${text.replace('-', '−')}`
}

/** `161.3 MB`. */
export function size(bytes: bigint): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor((String(bytes).length - 1) / 3)))
  return `${(Number(bytes) / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)}${space}${units[unit]}`
}

const names = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** `April 2026` of `2026-04`; other texts as they are. */
export function monthName(month: string): string {
  const [, year, number] = /^(\d{4})-(\d{2})$/.exec(month) ?? []
  const name = names[Number(number) - 1]
  return name === undefined ? month : `${name} ${year}`
}
