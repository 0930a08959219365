/** The Parquet files of one dump's datasets while they are written: visible all at once, or not at all. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Dataset } from '../discogs/dataset.ts'
import type { Row } from '../discogs/extract.ts'
import { syncDirectory } from '../lake/atomic-file.ts'
import { dataFileName } from '../lake/layout.ts'
import { replaceDirectory } from '../lake/atomic-file.ts'
import { RowWriter } from '../parquet/row-writer.ts'
import type { StagedDataset } from '../lake/stage-report.ts'

interface OpenDataset {
  readonly name: string
  readonly temporary: string
  readonly writer: RowWriter
}

export class DatasetWriters implements AsyncDisposable {
  readonly #directory: string
  readonly #fileName: string
  readonly #open: readonly OpenDataset[]

  private constructor(directory: string, fileName: string, open: readonly OpenDataset[]) {
    this.#directory = directory
    this.#fileName = fileName
    this.#open = open
  }

  /** Starts one file a dataset below `directory`, in a temporary place that a killed try may have left filled. */
  static async create(directory: string, datasets: readonly Dataset[], runId: string): Promise<DatasetWriters> {
    const fileName = dataFileName(runId, 0)
    const open: OpenDataset[] = []
    for (const { name, columns } of datasets) {
      const temporary = join(directory, `.tmp-${name}`)
      rmSync(temporary, { recursive: true, force: true })
      mkdirSync(temporary, { recursive: true })
      open.push({ name, temporary, writer: await RowWriter.create(join(temporary, fileName), columns, { run_id: runId }) })
    }
    return new DatasetWriters(directory, fileName, open)
  }

  /** @param batch rows of each dataset, in the order given to {@link create} */
  async append(batch: readonly (readonly Row[])[]): Promise<void> {
    for (const [index, { writer }] of this.#open.entries()) {
      const rows = batch[index] ?? []
      if (rows.length > 0) await writer.append(rows)
    }
  }

  /** Closes and syncs all files and moves them into place. */
  async commit(): Promise<Record<string, StagedDataset>> {
    const datasets: Record<string, StagedDataset> = {}
    for (const { name, writer } of this.#open) {
      const bytes = await writer.close()
      datasets[name] = { rows: writer.rows, files: [{ path: `${name}/${this.#fileName}`, rows: writer.rows, bytes }] }
    }
    for (const { name, temporary } of this.#open) replaceDirectory(temporary, join(this.#directory, name))
    syncDirectory(this.#directory)
    return datasets
  }

  /** Removes what was written and not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { temporary, writer } of this.#open) {
      writer.abandon()
      rmSync(temporary, { recursive: true, force: true })
    }
    await Promise.resolve()
  }
}
