/** The Parquet files of one dump's datasets while they are written: visible all at once, or not at all. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Dataset } from '../../discogs/dataset.ts'
import { replaceDirectory, syncDirectory } from '../../lake/atomic-file.ts'
import { dataFileName } from '../../lake/layout.ts'
import type { StagedDataset, StagedFile } from '../../lake/stage-report.ts'
import type { ColumnFile } from '../../parquet/column-file.ts'
import type { EncodedColumn } from '../../parquet/encode.ts'
import { appendPacked, BlockPool, ColumnPile, type PackedColumns } from '../../parquet/packed-columns.ts'
import { discarded } from './collect-garbage.ts'
import type { ColumnToEncode } from './messages.ts'

/** A row group ends with the slice that brings it to so many rows, or so many bytes of values before compression. */
const rowGroupRows = 100_000
const rowGroupBytes = 16 * 1024 * 1024

const fileBytes = 512 * 1024 * 1024

/** So many bytes of columns may wait for being encoded before more rows are taken. */
const backlogBytes = 12 * 1024 * 1024

export interface WritersOptions {
  readonly runId: string
  /** Encodes a column somewhere else; its image must stay as it is until then. */
  readonly encode: (column: ColumnToEncode) => Promise<EncodedColumn>
  /** A file ends with the row group that brings it to so many bytes. Default 512 MiB. */
  readonly fileBytes?: number
}

export class DatasetWriters implements AsyncDisposable {
  readonly #directory: string
  readonly #writers: readonly DatasetWriter[]

  /** Starts a directory a dataset below `directory`, in a temporary place that a killed try may have left filled. */
  constructor(directory: string, datasets: readonly Dataset[], options: WritersOptions) {
    this.#directory = directory
    const blocks = new BlockPool()
    this.#writers = datasets.map((dataset) => new DatasetWriter(directory, dataset, blocks, options))
  }

  /**
   * Appends rows of all datasets; resolves when there is room for more.
   * @param rows of each dataset @param packed the columns of all of them
   */
  async append(rows: readonly number[], packed: PackedColumns): Promise<void> {
    appendPacked(
      this.#writers.flatMap(({ piles }) => piles),
      packed,
    )
    for (const [index, writer] of this.#writers.entries()) writer.added(rows[index] ?? 0)
    for (const writer of this.#writers) writer.throwFailure()
    let backlog = this.#writers.reduce((sum, writer) => sum + writer.backlog, 0)
    for (const writer of this.#writers) {
      if (backlog <= backlogBytes) return
      backlog -= writer.backlog
      await writer.settled()
    }
  }

  /**
   * Closes and syncs all files and moves them into place.
   * @param metadata key-value pairs for every footer; nothing that differs between two runs over the same input
   */
  async commit(metadata: Readonly<Record<string, string>>): Promise<Record<string, StagedDataset>> {
    for (const writer of this.#writers) writer.flush()
    for (const writer of this.#writers) await writer.settled()
    const datasets: Record<string, StagedDataset> = {}
    for (const writer of this.#writers) datasets[writer.name] = await writer.close(metadata)
    for (const { name, temporary } of this.#writers) replaceDirectory(temporary, join(this.#directory, name))
    syncDirectory(this.#directory)
    return datasets
  }

  /** Removes what was written and not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.#writers) writer.abandon()
    await Promise.resolve()
  }
}

class DatasetWriter {
  readonly name: string
  readonly temporary: string
  /** The columns of the row group to come. */
  piles: readonly ColumnPile[]
  /** Bytes of columns given to the encoder and not written yet. */
  backlog = 0
  readonly #dataset: Dataset
  readonly #blocks: BlockPool
  readonly #options: WritersOptions
  readonly #files: ColumnFile[] = []
  #rows = 0
  /** Settles when all row groups so far are written. */
  #written: Promise<void> = Promise.resolve()
  #failure: unknown = null

  constructor(directory: string, dataset: Dataset, blocks: BlockPool, options: WritersOptions) {
    this.name = dataset.name
    this.temporary = join(directory, `.tmp-${dataset.name}`)
    this.#dataset = dataset
    this.#blocks = blocks
    this.piles = this.#newPiles()
    this.#options = options
    rmSync(this.temporary, { recursive: true, force: true })
    mkdirSync(this.temporary, { recursive: true })
  }

  /** The columns have `rows` more. */
  added(rows: number): void {
    this.#rows += rows
    if (this.#rows >= rowGroupRows || this.#bytes() >= rowGroupBytes) this.flush()
  }

  /** Ends the row group. */
  flush(): void {
    const rows = this.#rows
    if (rows === 0) return
    const bytes = this.#bytes()
    this.backlog += bytes
    this.#rows = 0
    const piles = this.piles
    this.piles = this.#newPiles()
    const encoded = Promise.all(
      this.#dataset.columns.map(({ type, nullable }, index) =>
        this.#options.encode({ type, nullable, image: (piles[index] as ColumnPile).image() }),
      ),
    )
    const before = this.#written
    const write = async (): Promise<void> => {
      const columns = await encoded
      for (const pile of piles) pile.release()
      await before
      const file = await this.#file()
      file.appendRowGroup(columns, rows)
      discarded(columns.reduce((sum, { pages }) => sum + pages.length, 0))
      this.backlog -= bytes
    }
    this.#written = write().catch((error: unknown) => {
      this.#failure ??= error
    })
  }

  /** Waits until all row groups are written. */
  async settled(): Promise<void> {
    await this.#written
    this.throwFailure()
  }

  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }

  async close(metadata: Readonly<Record<string, string>>): Promise<StagedDataset> {
    if (this.#files.length === 0) await this.#openFile()
    const files = this.#files.map((file, index): StagedFile => {
      const bytes = file.close(metadata)
      return { path: `${this.name}/${dataFileName(this.#options.runId, index)}`, rows: file.rows, bytes }
    })
    return { rows: files.reduce((sum, { rows }) => sum + rows, 0), files }
  }

  abandon(): void {
    for (const file of this.#files) file.abandon()
    rmSync(this.temporary, { recursive: true, force: true })
  }

  #bytes(): number {
    return this.piles.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  #newPiles(): readonly ColumnPile[] {
    return this.#dataset.columns.map(() => new ColumnPile(this.#blocks))
  }

  /** The file that the next row group goes to. Full ones stay open: their footers wait for the hash of the source. */
  async #file(): Promise<ColumnFile> {
    const file = this.#files.at(-1)
    return file === undefined || file.bytes >= (this.#options.fileBytes ?? fileBytes) ? await this.#openFile() : file
  }

  async #openFile(): Promise<ColumnFile> {
    // Loaded when the first row group is written: the task starts sooner.
    const { ColumnFile } = await import('../../parquet/column-file.ts')
    const path = join(this.temporary, dataFileName(this.#options.runId, this.#files.length))
    const file = ColumnFile.create(path, this.#dataset.columns)
    this.#files.push(file)
    return file
  }
}
