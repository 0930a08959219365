/** The Parquet files of one dump's datasets while they are written: visible all at once, or not at all. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredTable } from '../../discogs/record-hashes.ts'
import { replaceDirectory, syncDirectory } from '../../lake/atomic-file.ts'
import { dataFileName } from '../../lake/layout.ts'
import type { StagedDataset, StagedFile } from '../../lake/stage-report.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { ColumnFile } from '../../parquet/column-file.ts'
import type { ColumnType } from '../../parquet/columns.ts'
import { PileSet } from '../../parquet/piles.ts'
import type { ColumnToEncode, EncodedJob } from './messages.ts'
import type { BatchDataset, RowBatch } from './row-batch.ts'

/** A row group ends with the slice that brings it to so many rows, or so many bytes of values before compression. */
const rowGroupRows = 100_000
const rowGroupBytes = 16 * 1024 * 1024

const fileBytes = 512 * 1024 * 1024

/** So many bytes of columns may wait for being encoded before more rows are taken. */
const backlogBytes = 28 * 1024 * 1024

export interface WritersOptions {
  readonly kernel: Kernel
  readonly runId: string
  /** Encodes a column somewhere else; it stays as it is until then. Who writes the pages frees their memory. */
  readonly encode: (column: ColumnToEncode) => Promise<Omit<EncodedJob, 'kind'>>
  /** A file ends with the row group that brings it to so many bytes. Default 512 MiB. */
  readonly fileBytes?: number
}

export class DatasetWriters implements AsyncDisposable {
  readonly #directory: string
  readonly #writers: readonly DatasetWriter[]

  /** Starts a directory a dataset below `directory`, in a temporary place that a killed try may have left filled. */
  constructor(directory: string, datasets: readonly StoredTable[], options: WritersOptions) {
    this.#directory = directory
    this.#writers = datasets.map((dataset) => new DatasetWriter(directory, dataset, options))
  }

  /** Appends the rows of all datasets; resolves when there is room for more. The batch stays as it is. */
  async append(batch: Pick<RowBatch, 'datasets'>): Promise<void> {
    for (const [index, writer] of this.#writers.entries()) writer.append(batch.datasets[index])
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
    // Each as soon as its last row group is written: the disk works while the workers encode the others.
    const staged = await Promise.all(this.#writers.map((writer) => writer.finish(metadata)))
    for (const { name, temporary } of this.#writers) replaceDirectory(temporary, join(this.#directory, name))
    syncDirectory(this.#directory)
    return Object.fromEntries(this.#writers.map(({ name }, index) => [name, staged[index] as StagedDataset]))
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
  /** The row group to come. */
  #group: PileSet
  /** Bytes of columns given to the encoder and not written yet. */
  backlog = 0
  readonly #dataset: StoredTable
  readonly #options: WritersOptions
  readonly #files: ColumnFile[] = []
  #rows = 0
  /** Settles when all row groups so far are written. */
  #written: Promise<void> = Promise.resolve()
  #failure: unknown = null

  constructor(directory: string, dataset: StoredTable, options: WritersOptions) {
    this.name = dataset.name
    this.temporary = join(directory, `.tmp-${dataset.name.replace('/', '-')}`)
    this.#dataset = dataset
    this.#options = options
    this.#group = this.#newGroup()
    rmSync(this.temporary, { recursive: true, force: true })
    mkdirSync(this.temporary, { recursive: true })
  }

  append(rows: BatchDataset | undefined): void {
    if (rows === undefined || rows.rows === 0) return
    this.#group.append(rows.columns)
    this.#rows += rows.rows
    if (this.#rows >= rowGroupRows || this.#group.byteLength >= rowGroupBytes) this.flush()
  }

  /** Ends the row group. */
  flush(): void {
    const rows = this.#rows
    if (rows === 0) return
    const group = this.#group
    const bytes = group.byteLength
    this.backlog += bytes
    this.#rows = 0
    this.#group = this.#newGroup()
    const encoded = Promise.all(
      group.addresses.map((pile, index) => this.#options.encode({ ...typeOf(this.#dataset.columns[index]), pile })),
    )
    const before = this.#written
    const write = async (): Promise<void> => {
      const columns = await encoded
      group[Symbol.dispose]()
      await before
      const file = await this.#file()
      this.#write(file, columns, rows)
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

  /** Waits for the last row group, then closes and syncs all files. */
  async finish(metadata: Readonly<Record<string, string>>): Promise<StagedDataset> {
    await this.settled()
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

  #write(file: ColumnFile, columns: readonly Omit<EncodedJob, 'kind'>[], rows: number): void {
    const { kernel } = this.#options
    file.appendRowGroup(
      columns.map(({ encoded, address, length }) => ({ ...encoded, pages: kernel.bytes(address, length) })),
      rows,
    )
    for (const { address } of columns) kernel.exports.free(address)
  }

  #newGroup(): PileSet {
    return new PileSet(this.#options.kernel, this.#dataset.columns)
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

/** Of a column's declaration, what goes to another thread. */
function typeOf(column: ColumnType | undefined): ColumnType {
  if (column === undefined) throw new Error('more piles than columns')
  return { type: column.type, nullable: column.nullable }
}
