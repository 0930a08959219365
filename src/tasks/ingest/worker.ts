/** A worker thread of an ingest: reads slices and encodes columns, one job after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { dumpNamed } from '../../discogs/catalogue.ts'
import { type SymbolPath, symbolPath } from '../../discogs/census.ts'
import { storedTables } from '../../discogs/record-hashes.ts'
import { Kernel } from '../../kernel/kernel.ts'
import { zstdChunkBytes } from '../../parquet/pages.ts'
import type { PileEncoder } from '../../parquet/piles.ts'
import { GarbageCollector } from '../../collect-garbage.ts'
import type { EncodedJob, Job, JobResult, ReadSlice, WorkerSetup } from './messages.ts'
import { paddingBytes } from '../../xml/slices.ts'
import { RowBatch } from './row-batch.ts'
import { SliceReader } from './slice-reader.ts'

const setup = workerData as WorkerSetup
const dump = dumpNamed(setup.dump)
const tables = storedTables(dump)
const kernel = new Kernel(setup.kernel)
const reader = new SliceReader(kernel, dump)
const garbage = new GarbageCollector('major', 10 * 1024 * 1024)
/** Symbols that the main thread knows of. */
let told = 0
let encoder: PileEncoder | null = null

parentPort?.on('message', (job: Job) => void work(job))

async function work(job: Job): Promise<void> {
  try {
    send(job.kind === 'read' ? read(job) : await encode(job))
  } catch (error) {
    const { message, stack = message } = error as Error
    send({ kind: 'failed', message, stack })
  }
}

function send(result: JobResult): void {
  parentPort?.postMessage(result)
}

function read({ slice, batch, maxRecords }: Extract<Job, { kind: 'read' }>): ReadSlice {
  const bytes = kernel.bytes(slice.address, slice.length + paddingBytes)
  const findings = reader.read({ ...slice, bytes }, new RowBatch(kernel, tables, batch), maxRecords)
  return { kind: 'read', slice, findings, worker: setup.worker, counts: reader.takeCounts(), learnt: learnt() }
}

function learnt(): SymbolPath[] {
  const first = told
  told = reader.symbols.size
  return Array.from({ length: told - first }, (_, index) => symbolPath(dump, reader.symbols, first + index))
}

async function encode({ column }: Extract<Job, { kind: 'encode' }>): Promise<EncodedJob> {
  // Loaded after the first slice: it is not needed to begin.
  encoder ??= new (await import('../../parquet/piles.ts')).PileEncoder(kernel)
  const { pages, ...encoded } = encoder.encode(column.pile, column)
  // What zlib made the pages in: the last piece of each is seldom full.
  garbage.discarded(pages.length + zstdChunkBytes * encoded.dataPages)
  return { kind: 'encode', encoded, address: kernel.store(pages), length: pages.length }
}
