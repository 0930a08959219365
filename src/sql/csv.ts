import type { NestedValue, SqlValue } from './engine.ts'

/** Rows as CSV (RFC 4180, UTF-8, a line ends in CR LF). NULL is nothing at all, an empty text is `""`. */
export function toCsv(columns: readonly string[], rows: readonly (readonly (SqlValue | NestedValue)[])[]): string {
  return csvRows([columns, ...rows])
}

/** Further rows of the same file, without the heading. */
export function csvRows(rows: readonly (readonly (SqlValue | NestedValue)[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('')
}

function field(value: SqlValue | NestedValue): string {
  if (value === null) return ''
  const text = String(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
