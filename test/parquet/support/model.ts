/** Columns as plain values, put into column buffers, encoded, written: what readers must give back. */
import { Kernel } from '../../../src/kernel/kernel.ts'
import { ColumnFile } from '../../../src/parquet/column-file.ts'
import { type Column, ColumnSet, type ColumnType } from '../../../src/parquet/columns.ts'
import { type EncodedColumn, type EncodeOptions, encodeColumn } from '../../../src/parquet/encode.ts'
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

/** The instance of this process. */
export const kernel = new Kernel()

/** An empty column in memory that nobody gives back. */
export function createColumn(type: ColumnType): Column {
  const [column] = new ColumnSet(kernel, [type]).columns
  if (column === undefined) throw new Error('a set of one column has none')
  return column
}

export function fill(column: Column, values: readonly ModelValue[]): void {
  for (const [row, value] of values.entries()) if (value !== null) put(column, row, value)
  column.pad(values.length)
}

export function put(column: Column, row: number, value: string | bigint | number | boolean): void {
  if (column.kind !== 'VARCHAR' || typeof value !== 'string') {
    column.put(row, value)
    return
  }
  // In the midst of other bytes, as a scanner has it: the fast copy reads past the end.
  const bytes = Buffer.from(`\u00ff${value}${'\u00ff'.repeat(4)}`)
  const source = kernel.store(bytes)
  kernel.exports.putText(column.address, row, source + 2, source + bytes.length - 8)
  kernel.exports.free(source)
}

export function filled(column: ModelColumn, from = 0, to = column.values.length): Column {
  const buffer = createColumn(column)
  fill(buffer, column.values.slice(from, to))
  return buffer
}

/** Encodes the values of some rows; their memory is given back. */
export function encoded(column: ModelColumn, options: EncodeOptions = {}, from = 0, to = column.values.length): EncodedColumn {
  using set = new ColumnSet(kernel, [column])
  for (const buffer of set.columns) fill(buffer, column.values.slice(from, to))
  const [chunk] = set.columns.map((buffer) => encodeColumn(kernel, buffer, options))
  if (chunk === undefined) throw new Error('a set of one column has none')
  return chunk
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
    const chunks = columns.map((column) => encoded(column, options, from, to))
    file.appendRowGroup(chunks, to - from)
  }
  return file.close(metadata)
}

/** A number below `distinct` for each row: small ones often, large ones seldom, as names are in dumps. */
export function skewed(row: number, distinct: number): number {
  const uniform = (Math.imul(row ^ (row >>> 7), 0x9e37_79b1) >>> 0) / 2 ** 32
  return Math.floor(distinct * uniform ** 5)
}
