import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dumpNamed } from '../discogs/catalogue.ts'
import { Census } from '../discogs/census.ts'
import type { Dump } from '../discogs/dataset.ts'
import { recordIdOf, type Row, rowsOf, viewRecord } from '../discogs/extract.ts'
import { PipelineError } from '../errors.ts'
import { reportsDir, stagingDir } from '../lake/layout.ts'
import { writeStageReport } from '../lake/stage-report.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import type { Element } from '../xml/element.ts'
import { inflatedChunks } from '../xml/gunzip.ts'
import { parseElement } from '../xml/parse-element.ts'
import { type Piece, RecordSplitter } from '../xml/record-splitter.ts'
import { XmlError } from '../xml/xml-error.ts'
import { boundedHeap } from './bounded-heap.ts'
import { DatasetWriters } from './dataset-writers.ts'
import { type DumpFile, findDumpFile } from './dump-file.ts'
import { IngestProgress } from './ingest-progress.ts'
import { Quarantine } from './quarantine.ts'

/** Ingests one dump (`args[0]`) into its datasets in the run's staging directory. */
export async function ingest(context: TaskContext): Promise<TaskResult> {
  const dump = dumpNamed(context.args[0])
  const source = findDumpFile(context.rawDir, context.params['dump_month'] ?? '', dump.name)
  const directory = stagingDir(context.lakeDir, context.runId)
  const quarantineCap = Number(context.params['quarantine_cap'] ?? 0)
  mkdirSync(reportsDir(directory), { recursive: true })
  context.log(`reading ${source.path}, ${source.bytes} bytes`)

  await using writers = await DatasetWriters.create(directory, dump.datasets, context.runId)
  using quarantine = new Quarantine(reportsDir(directory), dump, source.path, quarantineCap)
  const reader = new DumpReader(dump, quarantine)
  const progress = new IngestProgress(context, source.bytes)
  const collectGarbage = boundedHeap()
  const hash = createHash('sha256')
  const onCompressed = (chunk: Buffer): void => {
    hash.update(chunk)
    progress.addBytes(chunk.length)
  }
  try {
    for await (const chunk of numbered(inflatedChunks(source.path, { signal: context.signal, onCompressed }), reader)) {
      await writers.append(reader.read(chunk))
      progress.report(reader.records)
      collectGarbage(chunk.length)
    }
    await writers.append(reader.end())
  } catch (error) {
    throw located(error, dump, source, reader.records)
  }
  const sha256 = hash.digest('hex')
  assertSameHash(source, sha256)
  const datasets = await writers.commit()
  writeStageReport(directory, `ingest_${dump.name}`, {
    dump: dump.name,
    source: {
      file: source.name,
      bytes: source.bytes,
      sha256,
      verification: source.expectedSha256 === null ? 'unverified' : 'verified',
    },
    records: reader.records,
    quarantined: quarantine.count,
    quarantineCap,
    datasets,
    census: reader.census.lines(),
  })
  progress.finish(reader.records)
  const files = Object.values(datasets).flatMap((dataset) => dataset.files)
  context.log(`read ${reader.records} records, ${quarantine.count} of them quarantined`)
  return {
    rows: Object.fromEntries(Object.entries(datasets).map(([name, { rows }]) => [name, rows])),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  }
}

/** Turns inflated bytes into rows: splitter, sax, declarations. */
class DumpReader {
  readonly census: Census
  readonly #dump: Dump
  readonly #splitter: RecordSplitter
  readonly #quarantine: Quarantine
  readonly #extract: readonly ReturnType<typeof rowsOf>[]
  #records = 0

  constructor(dump: Dump, quarantine: Quarantine) {
    this.#dump = dump
    this.#quarantine = quarantine
    this.#splitter = new RecordSplitter(dump)
    this.#extract = dump.datasets.map(rowsOf)
    this.census = new Census(dump)
  }

  get dumpName(): string {
    return this.#dump.name
  }

  /** Records met so far, the rejected ones included. */
  get records(): number {
    return this.#records
  }

  /** Rows of each dataset from the records that are complete once `chunk` has come. */
  read(chunk: Buffer): Row[][] {
    return this.#collect(this.#splitter.push(chunk))
  }

  end(): Row[][] {
    return this.#collect(this.#splitter.end())
  }

  #collect(pieces: Iterable<Piece>): Row[][] {
    const batch: Row[][] = this.#extract.map(() => [])
    for (const piece of pieces) {
      if (piece.kind === 'stray-text') this.census.countStrayText()
      else this.#take(piece, batch)
    }
    return batch
  }

  #take(piece: Exclude<Piece, { kind: 'stray-text' }>, batch: Row[][]): void {
    const expected = piece.kind === 'rejected' || piece.name === this.#dump.record
    if (expected) this.#records++
    const { offset, bytes } = piece
    if (piece.kind === 'rejected') {
      this.#quarantine.add({ record: this.#records, ...piece })
      return
    }
    let element: Element
    try {
      element = parseElement(bytes)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.#quarantine.add({ record: this.#records, offset, bytes, reason: error.message, errorOffset: offset + error.offset })
      return
    }
    if (!expected) this.census.count(element)
    else this.#extractRows(element, offset, bytes, batch)
  }

  #extractRows(element: Element, offset: number, bytes: Buffer, batch: Row[][]): void {
    const id = recordIdOf(this.#dump, element)
    if (id === null) {
      this.#quarantine.add({ record: this.#records, offset, bytes, reason: 'no valid id', errorOffset: offset })
      return
    }
    this.census.count(element)
    const view = viewRecord(this.#dump, element, id)
    for (const [index, extract] of this.#extract.entries()) {
      const rows = batch[index]
      for (const row of extract(view)) rows?.push(row)
    }
  }
}

/** Says how far the records went when the gzip stream breaks. */
async function* numbered(chunks: AsyncIterable<Buffer>, reader: DumpReader): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const { hint, retryable } = error
    throw new PipelineError(`ingest ${reader.dumpName}, after record ${reader.records}: ${error.message}`, {
      ...(hint && { hint }),
      retryable,
      cause: error.cause,
    })
  }
}

/** Says which file and record a malformed document broke at. */
function located(error: unknown, dump: Dump, source: DumpFile, records: number): unknown {
  if (!(error instanceof XmlError)) return error
  return new PipelineError(
    `ingest ${dump.name}: ${source.path}, after record ${records}, at byte ${error.offset} of the XML: ${error.message}`,
    {
      hint: 'the file is incomplete or not a Discogs dump: download it again',
      retryable: false,
      cause: error,
    },
  )
}

function assertSameHash(source: DumpFile, sha256: string): void {
  if (source.expectedSha256 === null || source.expectedSha256 === sha256) return
  throw new PipelineError(
    `ingest ${source.dump}: sha256 of ${source.path} is ${sha256}, its CHECKSUM file says ${source.expectedSha256}`,
    {
      hint: 'download the dump again',
      retryable: false,
    },
  )
}

if (import.meta.main) await runTask(ingest)
