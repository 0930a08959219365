/** Answers as text, written while they come. */
import { csvRows, toCsv } from '../../sql/csv.ts'
import { type AnswerTable, distinctNames, type NestedValue, type SqlValue } from '../../sql/engine.ts'
import { canFit, jsonText, oneLine, styled, table } from '../output.ts'

export const formats = ['table', 'csv', 'json', 'parquet'] as const
export type Format = (typeof formats)[number]

type Batches = AsyncIterable<AnswerTable>

/** Pieces of CSV, the heading first. */
export async function* csvPieces(batches: Batches): AsyncGenerator<string> {
  let isFirst = true
  for await (const { columns, rows } of batches) {
    if (isFirst) yield toCsv(columns, rows)
    else if (rows.length > 0) yield csvRows(rows)
    isFirst = false
  }
}

/** Pieces of JSON lines: an object a row, a row a line. */
export async function* jsonPieces(batches: Batches): AsyncGenerator<string> {
  for await (const batch of batches) {
    if (batch.rows.length > 0)
      yield objectsOf(batch)
        .map((row) => `${jsonText(row)}\n`)
        .join('')
  }
}

/** One table: the first `maxRows` rows, and how many there are. */
export async function* tablePieces(batches: Batches, maxRows: number): AsyncGenerator<string> {
  let columns: readonly string[] = []
  const shown: (readonly (SqlValue | NestedValue)[])[] = []
  let count = 0
  for await (const batch of batches) {
    columns = batch.columns
    count += batch.rows.length
    if (shown.length < maxRows) shown.push(...batch.rows.slice(0, maxRows - shown.length))
  }
  yield tableText(columns, shown, count)
}

/** Everything at once: only for `--json`, whose shape begins with the number of rows. */
export async function wholeAnswer(batches: Batches): Promise<AnswerTable> {
  let columns: readonly string[] = []
  const rows: (readonly (SqlValue | NestedValue)[])[] = []
  for await (const batch of batches) {
    columns = batch.columns
    for (const row of batch.rows) rows.push(row)
  }
  return { columns, rows }
}

/** What `--json` says of a result. */
export function tableAsJson(result: AnswerTable): object {
  return { columns: result.columns, rowCount: result.rows.length, rows: objectsOf(result) }
}

/** Prints a result as a table, or row by row when its columns do not fit. */
export function printResult({ columns, rows }: AnswerTable, maxRows: number): void {
  process.stdout.write(tableText(columns, rows.slice(0, maxRows), rows.length))
}

/** Of two columns with one name the second one is called `name_2`. */
export function objectsOf({ columns, rows }: AnswerTable): Readonly<Record<string, SqlValue | NestedValue>>[] {
  const names = distinctNames(columns)
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])))
}

function tableText(columns: readonly string[], rows: AnswerTable['rows'], count: number): string {
  const cells = rows.map((row) => row.map(shownValue))
  const headings = columns.map((name, index) => heading(name, rows, index))
  const body = canFit(columns.length)
    ? `${table(headings, cells)}\n`
    : cells.map((row, index) => recordText(index + 1, columns, row)).join('')
  const cut = count > rows.length ? `, the first ${rows.length} are shown: --max-rows shows more` : ''
  return `${columns.length === 0 ? '' : body}${styled('dim', `(${count} ${count === 1 ? 'row' : 'rows'}${cut})`)}\n`
}

/** A row of too many columns, a line for each of them. */
function recordText(number: number, columns: readonly string[], row: readonly string[]): string {
  const lines = table(
    ['!column', 'value'],
    columns.map((name, index) => [name, row[index] ?? '']),
  )
  return `${styled('dim', `row ${number}`)}\n${lines}\n\n`
}

function heading(name: string, rows: AnswerTable['rows'], index: number): string {
  const isNumeric = rows.some((row) => typeof row[index] === 'number' || typeof row[index] === 'bigint')
  // What would be a mark of the table's is part of the name here.
  const text = oneLine(name).replace(/^(?=[!?>])/, ' ')
  return isNumeric ? `>${text}` : text
}

function shownValue(value: SqlValue | NestedValue): string {
  return value === null ? styled('dim', 'NULL') : oneLine(String(value))
}
