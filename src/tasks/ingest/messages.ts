/** What the main thread and its workers send each other. Memory is shared, but used by one of them at a time: who has the message has it. */
import type { DumpName } from '../../discogs/dataset.ts'
import type { SymbolPath } from '../../discogs/census.ts'
import type { ColumnKind } from '../../parquet/columns.ts'
import type { EncodedColumn } from '../../parquet/encode.ts'
import type { ColumnImage, PackedColumns } from '../../parquet/packed-columns.ts'
import type { SliceFindings } from './slice-reader.ts'

export interface ReaderSetup {
  /** The dump's file. */
  readonly path: string
  readonly record: string
  readonly sliceBytes: number
}

/** Asks the reader for one more slice. */
export interface SliceRequest {
  /** Memory to put a slice into, taken when it is used. */
  memory: SharedArrayBuffer | null
}

export type SliceResponse =
  | { readonly kind: 'slice'; readonly slice: SentSlice; readonly compressedBytes: number }
  /** The file has been read to its end. */
  | { readonly kind: 'end'; readonly sha256: string; readonly compressedBytes: number }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly stack: string
      /** Of an XmlError. */
      readonly offset: number | null
      /** Whether it is a PipelineError. */
      readonly isKnown: boolean
      readonly hint: string | undefined
    }

export interface WorkerSetup {
  readonly dump: DumpName
}

/** A slice of XML: `memory` is all of its buffer, see `Slice`. */
export interface SentSlice {
  readonly offset: number
  readonly memory: SharedArrayBuffer
  readonly length: number
  readonly isFirst: boolean
  readonly isLast: boolean
}

export interface ColumnToEncode {
  readonly type: ColumnKind
  readonly nullable: boolean
  readonly image: ColumnImage
}

export type Job =
  /** Read a slice; `spare` is memory for the rows. */
  | { readonly kind: 'read'; readonly slice: SentSlice; readonly spare: SharedArrayBuffer | null }
  | { readonly kind: 'encode'; readonly column: ColumnToEncode }

/** A slice that has been read. */
export interface ReadSlice {
  readonly kind: 'read'
  /** The slice comes back: its end may be needed once more, its memory always. */
  readonly slice: SentSlice
  readonly findings: SliceFindings
  /** Rows of each dataset. */
  readonly rows: readonly number[]
  /** The columns of all datasets, one after the other. */
  readonly packed: PackedColumns
  /** By symbol: how often it came, and with stray text. */
  readonly counts: Int32Array
  readonly strayTexts: Int32Array
  /** What the symbols stand for that this worker has learnt since its last message. */
  readonly learnt: readonly SymbolPath[]
}

export interface EncodedJob {
  readonly kind: 'encode'
  readonly encoded: EncodedColumn
}

export interface FailedJob {
  readonly kind: 'failed'
  readonly message: string
  readonly stack: string
}

export type JobResult = ReadSlice | EncodedJob | FailedJob
