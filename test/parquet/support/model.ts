/** Columns as plain values, put into column buffers, encoded, written: what readers must give back. */
import { ColumnFile } from '../../../src/parquet/column-file.ts'
import { type AnyColumn, createColumn } from '../../../src/parquet/columns.ts'
import { type EncodeOptions, encodeColumn } from '../../../src/parquet/encode.ts'
import type { ParquetColumn } from '../../../src/parquet/parquet-column.ts'

export type ModelValue = string | bigint | number | boolean | null

export interface ModelColumn extends ParquetColumn {
  readonly values: readonly ModelValue[]
}

/** Values as the readers here give them back: integers as decimal digits. */
export type ReadValue = string | boolean | null

export function asRead(value: ModelValue): ReadValue {
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : value
}

export function fill(column: AnyColumn, values: readonly ModelValue[]): void {
  for (const [row, value] of values.entries()) if (value !== null) put(column, row, value)
  column.pad(values.length)
}

export function put(column: AnyColumn, row: number, value: string | bigint | number | boolean): void {
  if (column.kind === 'VARCHAR' && typeof value === 'string') {
    // In the midst of other bytes, as a scanner has it: the fast copy reads past the end.
    const bytes = Buffer.from(`\u00ff${value}${'\u00ff'.repeat(4)}`)
    column.put(row, bytes, 2, bytes.length - 8)
  } else if (column.kind === 'BIGINT' && typeof value === 'bigint') column.putBig(row, value)
  else if ((column.kind === 'BIGINT' || column.kind === 'INT') && typeof value === 'number') column.put(row, value)
  else if (column.kind === 'BOOLEAN' && typeof value === 'boolean') column.put(row, value)
  else throw new Error(`${typeof value} in a column of ${column.kind}`)
}

export function filled(column: ModelColumn, from = 0, to = column.values.length): AnyColumn {
  const buffer = createColumn(column)
  fill(buffer, column.values.slice(from, to))
  return buffer
}

export interface WriteOptions extends EncodeOptions {
  /** Rows of a row group. Default: all in one. */
  readonly groupRows?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/** Writes the columns, all of one length, to a file. @returns its size in bytes */
export function writeModel(path: string, columns: readonly ModelColumn[], options: WriteOptions = {}): number {
  const rows = columns[0]?.values.length ?? 0
  const { groupRows = Math.max(rows, 1), metadata = {} } = options
  const file = ColumnFile.create(path, columns)
  for (let from = 0; from < rows; from += groupRows) {
    const to = Math.min(from + groupRows, rows)
    const encoded = columns.map((column) => encodeColumn(filled(column, from, to), options))
    file.appendRowGroup(encoded, to - from)
  }
  return file.close(metadata)
}

/** A number below `distinct` for each row: small ones often, large ones seldom, as names are in dumps. */
export function skewed(row: number, distinct: number): number {
  const uniform = (Math.imul(row ^ (row >>> 7), 0x9e37_79b1) >>> 0) / 2 ** 32
  return Math.floor(distinct * uniform ** 5)
}
