/**
 * Beside its datasets, every dump stores a hash of each record: over all values of all its rows, so that two snapshots can be compared
 * record by record without reading either. The kernel computes it (`src/kernel/assembly/record-hash.ts`).
 */
import { createHash } from 'node:crypto'
import type { ParquetColumn } from '../parquet/parquet-column.ts'
import { dumps } from './catalogue.ts'
import type { Dump } from './dataset.ts'

/** Raised whenever the same values give another hash. */
const algorithmVersion = 1

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

/**
 * Hashes are comparable only under the same version: it names the algorithm and every column that is hashed, in order.
 * @example '1-3f2a9c0d1b7e'
 */
export function recordHashVersion(of: readonly Dump[] = dumps): string {
  const declared = of.map((dump) => [
    dump.name,
    dump.datasets.map((dataset) => [dataset.name, dataset.columns.map(({ name, type, source }) => [name, type, source])]),
  ])
  return `${algorithmVersion}-${createHash('sha256').update(JSON.stringify(declared)).digest('hex').slice(0, 12)}`
}
