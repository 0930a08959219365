/** A worker thread of an ingest: reads slices and encodes columns, one job after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { dumpNamed } from '../../discogs/catalogue.ts'
import { type SymbolPath, symbolPath } from '../../discogs/census.ts'
import { type AnyColumn, createColumn } from '../../parquet/columns.ts'
import type * as Encode from '../../parquet/encode.ts'
import { loadImage, packColumns } from '../../parquet/packed-columns.ts'
import { discarded } from './collect-garbage.ts'
import type { ColumnToEncode, EncodedJob, Job, JobResult, ReadSlice, WorkerSetup } from './messages.ts'
import { SliceReader } from './slice-reader.ts'

const dump = dumpNamed((workerData as WorkerSetup).dump)
const reader = new SliceReader(dump)
const columns = reader.datasets.flatMap((dataset) => dataset.columns)
let told = 0
let encoder: typeof Encode | null = null

parentPort?.on('message', (job: Job) => void work(job))

async function work(job: Job): Promise<void> {
  try {
    if (job.kind === 'read') {
      const result = read(job)
      send(result, [])
    } else {
      const result = await encode(job)
      send(result, [result.encoded.pages.buffer])
    }
  } catch (error) {
    const { message, stack = message } = error as Error
    send({ kind: 'failed', message, stack }, [])
  }
}

function send(result: JobResult, transfer: readonly ArrayBuffer[]): void {
  parentPort?.postMessage(result, transfer)
}

function read({ slice, spare }: Extract<Job, { kind: 'read' }>): ReadSlice {
  reader.reset()
  const findings = reader.read({ ...slice, bytes: Buffer.from(slice.memory) })
  return {
    kind: 'read',
    slice,
    findings,
    rows: reader.datasets.map(({ rows }) => rows),
    packed: packColumns(columns, spare),
    counts: reader.counts.slice(0, reader.symbols.size),
    strayTexts: reader.strayTexts.slice(0, reader.symbols.size),
    learnt: learnt(),
  }
}

function learnt(): SymbolPath[] {
  const paths: SymbolPath[] = []
  for (; told < reader.symbols.size; told++) paths.push(symbolPath(dump, reader.symbols, told))
  return paths
}

async function encode({ column }: Extract<Job, { kind: 'encode' }>): Promise<EncodedJob> {
  // Loaded after the first slice: it is not needed to begin.
  encoder ??= await import('../../parquet/encode.ts')
  const loaded = scratchColumn(column)
  loadImage(loaded, column.image)
  const encoded = encoder.encodeColumn(loaded)
  discarded(loaded.byteLength)
  return { kind: 'encode', encoded }
}

const scratch = new Map<string, AnyColumn>()

/** A column to load the next image into: its memory is used again and again. */
function scratchColumn({ type, nullable }: ColumnToEncode): AnyColumn {
  const key = `${type} ${nullable}`
  const column = scratch.get(key) ?? createColumn({ type, nullable })
  scratch.set(key, column)
  return column
}
