/** Which columns of a table fit the width of a terminal, and what becomes of it when they do not. */
import { stripVTControlCharacters } from 'node:util'

export const gap = '  '

/** Columns never get narrower than this to make a table fit. */
export const leastCells = 8

export interface Column {
  readonly name: string
  /** Of its cell in a row. */
  readonly index: number
  readonly isNumber: boolean
  /** Whether its cells may be cut. */
  readonly isElastic: boolean
  /** Whether it may be left out. */
  readonly isOptional: boolean
  /** In cells of the terminal. */
  readonly width: number
}

/** Columns as wide as their texts. */
export function columnsOf(headings: readonly string[], rows: readonly (readonly string[])[]): readonly Column[] {
  return headings.map((heading, index) => {
    const [, marks = '', name = ''] = /^([!?]?>?)(.*)$/s.exec(heading) ?? []
    const width = rows.reduce((widest, row) => Math.max(widest, cellsOf(row[index] ?? '')), cellsOf(name))
    return {
      name,
      index,
      isNumber: marks.endsWith('>'),
      isElastic: marks === '',
      isOptional: marks.startsWith('?'),
      width,
    }
  })
}

/** @returns null when not even the narrowest columns that must be there fit */
export function columnsThatFit(columns: readonly Column[], width: number): readonly Column[] | null {
  const least = columns.map((column) => (column.isElastic ? Math.min(column.width, leastCells) : column.width))
  if (total(least) <= width) return narrowed(columns, width)
  const left = columns.findLast(({ isOptional }) => isOptional)
  return left === undefined
    ? null
    : columnsThatFit(
        columns.filter((column) => column !== left),
        width,
      )
}

/** Takes from the widest of those that may be cut until all fit. */
function narrowed(columns: readonly Column[], width: number): readonly Column[] {
  const widths = columns.map((column) => column.width)
  for (let excess = total(widths) - width; excess > 0; excess--) {
    const widest = Math.max(...widths.filter((_, index) => columns[index]?.isElastic))
    const cut = columns.findLastIndex(({ isElastic }, index) => isElastic && widths[index] === widest)
    widths[cut] = widest - 1
  }
  return columns.map((column, index) => ({ ...column, width: widths[index] ?? column.width }))
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one, 0) + gap.length * (widths.length - 1)
}

/** A row after the other, each on as many lines as it takes; those after the first one are indented. */
export function blocks(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  return rows.map((row) => block(columns, row, width)).join('\n')
}

function block(columns: readonly Column[], row: readonly string[], width: number): string {
  const lines: string[] = []
  for (const { name, index, isElastic, isNumber, isOptional } of columns) {
    const text = row[index] ?? ''
    if (text === '') continue
    const named = name !== '' && (isNumber || isOptional) ? `${name} ${text}` : text
    const piece = isElastic ? cutTo(named, width - gap.length) : named
    const line = lines.at(-1)
    if (line !== undefined && cellsOf(line) + gap.length + cellsOf(piece) <= width)
      lines[lines.length - 1] = `${line}${gap}${piece}`
    else lines.push(line === undefined ? piece : `${gap}${piece}`)
  }
  return lines.join('\n')
}

/** One with colours is left as it is: those are states, and short. */
function cutTo(text: string, cells: number): string {
  if (cellsOf(text) <= cells || text.includes('\u001b')) return text
  let cut = text
  while (cellsOf(cut) >= cells) cut = cut.slice(0, -1)
  return `${cut}…`
}

const wideCharacter =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const noCharacter = /^[\p{Mark}\p{Cf}]$/u

/** Cells of a terminal that a text takes: East Asian characters take two, combining ones and colours none. */
export function cellsOf(text: string): number {
  let cells = 0
  for (const character of stripVTControlCharacters(text)) {
    if (character > '\x7e' && noCharacter.test(character)) continue
    cells += character > '\u10ff' && wideCharacter.test(character) ? 2 : 1
  }
  return cells
}
