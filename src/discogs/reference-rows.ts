/** Puts the rows of the reference mapping (`extract.ts`) into column buffers: for records that the scanner does not take. */
import type { Column } from '../parquet/columns.ts'
import type { Element } from '../xml/element.ts'
import type { Dump } from './dataset.ts'
import { rowsOf, viewRecord } from './extract.ts'

/** The columns of one dataset while rows are put into them. */
export interface DatasetRows {
  readonly columns: readonly Column[]
  rows: number
}

/** @param datasets the buffers of the dump's datasets, in their order */
export function referenceRows(dump: Dump, datasets: readonly DatasetRows[]): (element: Element, id: bigint) => void {
  const extract = dump.datasets.map(rowsOf)
  return (element, id) => {
    const record = viewRecord(dump, element, id)
    for (const [index, target] of datasets.entries()) {
      for (const row of extract[index]?.(record) ?? []) {
        for (const [at, value] of row.entries()) if (value !== null) target.columns[at]?.put(target.rows, value)
        target.rows++
      }
    }
  }
}
