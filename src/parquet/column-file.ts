/** Writes encoded columns to one Parquet file, row group by row group. */
import { PipelineError } from '../errors.ts'
import type { EncodedColumn } from './encode.ts'
import { FileSink } from './file-sink.ts'
import { footer, rowGroup } from './footer.ts'
import { magic } from './format.ts'
import type { ParquetColumn } from './parquet-column.ts'
import type { CompactStruct } from './thrift.ts'

export class ColumnFile {
  readonly #path: string
  readonly #columns: readonly ParquetColumn[]
  readonly #sink: FileSink
  readonly #rowGroups: CompactStruct[] = []
  rows = 0

  private constructor(path: string, columns: readonly ParquetColumn[]) {
    this.#path = path
    this.#columns = columns
    this.#sink = new FileSink(path)
    this.#sink.write(Buffer.from(magic))
  }

  /** Starts a file that must not exist yet. */
  static create(path: string, columns: readonly ParquetColumn[]): ColumnFile {
    return new ColumnFile(path, columns)
  }

  /** Bytes written so far: when to go on with another file. */
  get bytes(): number {
    return this.#sink.bytes
  }

  /**
   * Writes a row group; none for 0 rows.
   * @param encoded in the order of the columns
   * @throws PipelineError when they do not fit the columns or one another
   */
  appendRowGroup(encoded: readonly EncodedColumn[], rows: number): void {
    this.#assertFits(encoded, rows)
    if (rows === 0) return
    this.#rowGroups.push(rowGroup(this.#columns, encoded, rows, this.bytes))
    this.rows += rows
    for (const { pages } of encoded) this.#sink.write(pages)
  }

  /**
   * Writes the footer and syncs the file.
   * @param metadata key-value pairs for the footer, in this order; nothing that differs between two runs over the same input
   * @returns the file's size in bytes
   */
  close(metadata: Readonly<Record<string, string>> = {}): number {
    this.#sink.write(footer({ columns: this.#columns, rows: this.rows, rowGroups: this.#rowGroups, metadata }))
    return this.#sink.finish()
  }

  /** Lets go of the file; what is in it is of no use. */
  abandon(): void {
    this.#sink.abandon()
  }

  #assertFits(encoded: readonly EncodedColumn[], rows: number): void {
    if (encoded.length !== this.#columns.length)
      throw this.#misfit(`${encoded.length} columns instead of ${this.#columns.length}`)
    for (const [index, { name, type, nullable }] of this.#columns.entries()) {
      const chunk = encoded[index]
      if (chunk?.kind !== type) throw this.#misfit(`column ${name} is of ${chunk?.kind} instead of ${type}`)
      if (chunk.required === nullable) throw this.#misfit(`column ${name} is encoded as ${nullable ? 'required' : 'optional'}`)
      if (chunk.rows !== rows) throw this.#misfit(`column ${name} has ${chunk.rows} rows instead of ${rows}`)
    }
  }

  #misfit(found: string): PipelineError {
    return new PipelineError(`writing a row group of ${this.#path}: ${found}`, { retryable: false })
  }
}
