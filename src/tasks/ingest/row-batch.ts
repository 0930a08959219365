/** The rows of all datasets of a dump that one slice gives, in the kernel's memory: filled by a worker, emptied by the main thread. */
import type { StoredTable } from '../../discogs/record-hashes.ts'
import type { DatasetRows } from '../../discogs/reference-rows.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { type Column, ColumnSet } from '../../parquet/columns.ts'

/** Where a batch lies, for another thread. */
export interface RowBatchAddress {
  readonly rowCounts: number
  readonly columns: number
}

export class RowBatch {
  readonly address: RowBatchAddress
  readonly datasets: readonly BatchDataset[]
  readonly #kernel: Kernel
  readonly #set: ColumnSet

  /** @param address of a batch that another thread has made for the same datasets; null makes a new one */
  constructor(kernel: Kernel, datasets: readonly StoredTable[], address: RowBatchAddress | null = null) {
    this.#kernel = kernel
    this.#set = new ColumnSet(
      kernel,
      datasets.flatMap(({ columns }) => columns),
      address?.columns ?? null,
    )
    this.address = address ?? { rowCounts: kernel.exports.allocate(4 * datasets.length) >>> 0, columns: this.#set.address }
    let first = 0
    this.datasets = datasets.map(({ columns }, index) => {
      const from = first
      first += columns.length
      return new BatchDataset(kernel, this.address.rowCounts + 4 * index, this.#set.columns.slice(from, first))
    })
    if (address === null) this.reset()
  }

  /** Makes this batch the one that the kernel's mapper fills. */
  use(): void {
    this.#kernel.exports.useColumns(this.address.rowCounts, this.address.columns)
  }

  /** Makes every row before the last one of its dataset complete. */
  pad(): void {
    for (const { columns, rows } of this.datasets) for (const column of columns) column.pad(rows)
  }

  /** Forgets all rows; keeps the memory, but not that of giant values. */
  reset(): void {
    if (this.#set.byteLength > spareBytes) this.#set.release()
    this.#set.reset()
    for (const dataset of this.datasets) dataset.rows = 0
  }
}

/** No batch keeps more memory than this for the next slice. */
const spareBytes = 8 * 1024 * 1024

export class BatchDataset implements DatasetRows {
  readonly columns: readonly Column[]
  readonly #kernel: Kernel
  readonly #counter: number

  constructor(kernel: Kernel, counter: number, columns: readonly Column[]) {
    this.#kernel = kernel
    this.#counter = counter
    this.columns = columns
  }

  get rows(): number {
    return this.#kernel.getInt32(this.#counter)
  }

  set rows(rows: number) {
    this.#kernel.setInt32(this.#counter, rows)
  }
}
