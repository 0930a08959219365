/** Writes rows to one Parquet file through @dsnp/parquetjs: ZSTD, data pages v1, statistics of numbers only. */
import type { WriteStream } from 'node:fs'
// Not the package's index: that loads an S3 client and more, for 16 MB and 60 ms a process.
import { ParquetSchema } from '@dsnp/parquetjs/dist/lib/schema.js'
import { ParquetWriter } from '@dsnp/parquetjs/dist/lib/writer.js'
import { FileSink } from './file-sink.ts'
import { registerZstd } from './zstd.ts'

/** A column as Parquet sees it. */
export interface ParquetColumn {
  readonly name: string
  readonly type: 'BIGINT' | 'INT' | 'BOOLEAN' | 'VARCHAR'
  readonly nullable: boolean
}

export type ParquetValue = string | bigint | number | boolean

const parquetTypes = { BIGINT: 'INT64', INT: 'INT32', BOOLEAN: 'BOOLEAN', VARCHAR: 'UTF8' } as const

/** A row group ends at this many rows, or when its texts reach this many characters: that bounds memory. */
const rowGroupRows = 1_500
const rowGroupCharacters = 512 * 1024
const pageRows = 500

/**
 * The schema of a file. Texts carry no statistics: the library orders them by UTF-16 code unit, Parquet by byte
 * (parquet.thrift, ColumnOrder), and wrong bounds would hide rows.
 */
export function parquetSchema(columns: readonly ParquetColumn[]): ParquetSchema {
  registerZstd()
  const fields = columns.map(({ name, type, nullable }) => {
    const statistics = type !== 'VARCHAR' && type !== 'BOOLEAN'
    return [
      name,
      {
        type: parquetTypes[type],
        optional: nullable,
        compression: 'ZSTD' as const,
        ...(statistics ? {} : { statistics: false as const }),
      },
    ]
  })
  return new ParquetSchema(Object.fromEntries(fields))
}

export class RowWriter {
  readonly #sink: FileSink
  readonly #columns: readonly ParquetColumn[]
  readonly #writer: ParquetWriter
  #characters = 0
  #rows = 0

  private constructor(sink: FileSink, columns: readonly ParquetColumn[], writer: ParquetWriter) {
    this.#sink = sink
    this.#columns = columns
    this.#writer = writer
  }

  /** @param metadata key-value pairs for the footer; nothing that differs between two runs over the same input */
  static async create(
    file: string,
    columns: readonly ParquetColumn[],
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<RowWriter> {
    const options = { rowGroupSize: rowGroupRows, pageSize: pageRows, useDataPageV2: false, pageIndex: false }
    const sink = new FileSink(file)
    // The library calls `write` and `end` only; its type asks for the overloads of fs.WriteStream.
    const writer = await ParquetWriter.openStream(parquetSchema(columns), sink as unknown as WriteStream, options)
    for (const [key, value] of Object.entries(metadata)) writer.setMetadata(key, value)
    return new RowWriter(sink, columns, writer)
  }

  get rows(): number {
    return this.#rows
  }

  /** Appends rows whose values stand in the order of the columns. */
  async append(rows: readonly (readonly (ParquetValue | null)[])[]): Promise<void> {
    for (const row of rows) {
      const record: Record<string, ParquetValue> = {}
      for (const [index, { name }] of this.#columns.entries()) {
        const value = row[index]
        if (value === null || value === undefined) continue
        if (typeof value === 'string') this.#characters += value.length
        record[name] = value
      }
      this.#rows++
      if (this.#characters >= rowGroupCharacters) this.#writer.setRowGroupSize(1)
      await this.#writer.appendRow(record)
      if (this.#characters < rowGroupCharacters && this.#rows % rowGroupRows !== 0) continue
      this.#characters = 0
      this.#writer.setRowGroupSize(rowGroupRows)
      this.#sink.check()
    }
  }

  /** Writes the footer and syncs the file. @returns its size in bytes */
  async close(): Promise<number> {
    await this.#writer.close()
    return this.#sink.finish()
  }

  /** Lets go of the file; what is in it is of no use. */
  abandon(): void {
    this.#sink.abandon()
  }
}
