/**
 * What the main thread and its workers send each other. Slices, columns and batches lie in the kernel's memory, and are sent as their
 * addresses. They are used by one thread at a time: who has the message has them.
 */
import type { DumpName } from '../../discogs/dataset.ts'
import type { SymbolPath } from '../../discogs/census.ts'
import type { KernelShare } from '../../kernel/kernel.ts'
import type { ColumnType } from '../../parquet/columns.ts'
import type { EncodedColumn } from '../../parquet/encode.ts'
import type { RowBatchAddress } from './row-batch.ts'
import type { SliceFindings, SymbolCounts } from './slice-reader.ts'

export interface WorkerSetup {
  readonly kernel: KernelShare
  readonly dump: DumpName
  /** Counted from 0. */
  readonly worker: number
}

/** A slice of XML: see `Slice`. Who is through with it frees its memory. */
export interface SentSlice {
  readonly offset: number
  readonly address: number
  readonly length: number
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly isRootless: boolean
}

/** A column of a row group: see `PileSet`. */
export interface ColumnToEncode extends ColumnType {
  readonly pile: number
}

export type Job =
  /** Read a slice, or its first records, into an empty batch. */
  | { readonly kind: 'read'; readonly slice: SentSlice; readonly batch: RowBatchAddress; readonly maxRecords?: number }
  | { readonly kind: 'encode'; readonly column: ColumnToEncode }

/** A slice that has been read. */
export interface ReadSlice {
  readonly kind: 'read'
  /** The slice comes back: its end may be needed once more. */
  readonly slice: SentSlice
  readonly findings: SliceFindings
  /** Which worker this is: each learns symbols in an order of its own. */
  readonly worker: number
  readonly counts: SymbolCounts
  /** What the symbols stand for that this worker has learnt since its last message. */
  readonly learnt: readonly SymbolPath[]
}

export interface EncodedJob {
  readonly kind: 'encode'
  readonly encoded: Omit<EncodedColumn, 'pages'>
  /** The pages, in the kernel's memory: buffers that wait to be written would be garbage that lives long. */
  readonly address: number
  readonly length: number
}

export interface FailedJob {
  readonly kind: 'failed'
  readonly message: string
  readonly stack: string
}

export type JobResult = ReadSlice | EncodedJob | FailedJob
