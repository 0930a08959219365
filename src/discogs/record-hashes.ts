/**
 * Beside its datasets, every dump stores a hash of each record: over all values of all its rows, so that two snapshots can be compared
 * record by record without reading either. The kernel computes it (`src/kernel/assembly/record-hash.ts`).
 */
import type { ParquetColumn } from '../parquet/parquet-column.ts'
import type { Dump } from './dataset.ts'

/** A table that an ingest writes. */
export interface StoredTable {
  /** Its directory, relative to the run's. */
  readonly name: string
  readonly columns: readonly ParquetColumn[]
}

export const recordHashColumns: readonly ParquetColumn[] = [
  { name: 'id', type: 'BIGINT', nullable: false },
  { name: 'record_hash', type: 'BIGINT', nullable: false },
]

/** The datasets of a dump in their order, then its record hashes, where the kernel expects them. @param hashesName their directory */
export function storedTables(dump: Dump, hashesName = 'record_hashes'): readonly StoredTable[] {
  return [...dump.datasets, { name: hashesName, columns: recordHashColumns }]
}
