/** Puts the rows of the reference mapping (`extract.ts`) into column buffers: for records that the scanner does not take. */
import type { AnyColumn } from '../parquet/columns.ts'
import type { Element } from '../xml/element.ts'
import type { Dump } from './dataset.ts'
import { rowsOf, viewRecord } from './extract.ts'
import type { Value } from './readers.ts'
import type { DatasetRows } from './row-mapper.ts'

/** @param datasets the buffers of the dump's datasets, in their order */
export function referenceRows(dump: Dump, datasets: readonly DatasetRows[]): (element: Element, id: bigint) => void {
  const extract = dump.datasets.map(rowsOf)
  return (element, id) => {
    const record = viewRecord(dump, element, id)
    for (const [index, target] of datasets.entries()) {
      for (const row of extract[index]?.(record) ?? []) {
        for (const [at, value] of row.entries()) putValue(target.columns[at], target.rows, value)
        target.rows++
      }
    }
  }
}

function putValue(column: AnyColumn | undefined, row: number, value: Value | null): void {
  if (value === null || column === undefined) return
  if (column.kind === 'VARCHAR') {
    const bytes = Buffer.from(String(value))
    column.put(row, bytes, 0, bytes.length)
  } else if (column.kind === 'BIGINT') column.putBig(row, BigInt(value))
  else if (column.kind === 'INT') column.put(row, Number(value))
  else column.put(row, value === true)
}
