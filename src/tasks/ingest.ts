import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { dumpNamed } from '../discogs/catalogue.ts'
import type { Dump } from '../discogs/dataset.ts'
import { recordHashVersion } from '../discogs/record-hash-version.ts'
import { storedTables } from '../discogs/record-hashes.ts'
import { PipelineError } from '../errors.ts'
import { Kernel } from '../kernel/kernel.ts'
import { type FileIdentity, identityOf, isSameFile } from '../lake/input-file.ts'
import { limitOf } from '../lake/partial.ts'
import { recordHashesPath, reportsDir, stagingDir } from '../lake/layout.ts'
import { writeStageReport } from '../lake/stage-report.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { XmlError } from '../xml/xml-error.ts'
import { type DumpFile, findDumpFile, inputOf } from './dump-file.ts'
import { CoreBudget } from './ingest/core-budget.ts'
import { DatasetWriters } from './ingest/dataset-writers.ts'
import type { ColumnToEncode, EncodedJob, ReadSlice } from './ingest/messages.ts'
import { IngestProgress } from './ingest/progress.ts'
import { Quarantine } from './ingest/quarantine.ts'
import { DumpReader } from './ingest/read-dump.ts'
import { SliceSource } from './ingest/slice-source.ts'
import { WorkerPool } from './ingest/worker-pool.ts'
import { lackOfIds } from './old-shapes.ts'

/** XML that one worker reads at a time: large enough that what a slice costs on the way is nothing. */
const sliceBytes = 1 << 20

/** More workers than this cannot be fed by one thread that inflates. */
const maxWorkers = 8

/** Ingests one dump (`args[0]`) into its datasets in the run's staging directory; `--workers N` sets the number of threads. */
export async function ingest(context: TaskContext): Promise<TaskResult> {
  const { dump, workers } = parseArguments(context.args)
  const month = context.params['dump_month'] ?? ''
  const source = findDumpFile(context.rawDir, month, dump.name)
  const directory = stagingDir(context.lakeDir, context.runId)
  const read = identityOf(source.path)
  mkdirSync(reportsDir(directory), { recursive: true })
  context.log(`reading ${source.path}, ${source.bytes} bytes`)

  using quarantine = new Quarantine(reportsDir(directory), dump, source.path, Number(context.params['quarantine_cap'] ?? 0))
  using progress = new IngestProgress(context, source.bytes)
  const onRead = (bytes: number): void => progress.setBytes(bytes)
  const kernel = new Kernel()
  await using slices = new SliceSource({
    kernel,
    path: source.path,
    root: dump.root,
    record: dump.record,
    sliceBytes,
    signal: context.signal,
    onRead,
  })
  await using pool = new WorkerPool(workers, { kernel: kernel.share, dump: dump.name })
  const tables = storedTables(dump, recordHashesPath(dump.name))
  const reader = new DumpReader({ kernel, datasets: tables, pool, source: slices, limit: limitOf(context.params) })
  // The first worker begins alone: threads that start together start late together.
  pool.limit = 1
  using budget = new CoreBudget(workers, (share) => (pool.limit = share))
  const encode = async (column: ColumnToEncode): Promise<EncodedJob> =>
    await pool.run<'encode'>('encode', () => ({ kind: 'encode', column }))
  await using writers = new DatasetWriters(directory, tables, { kernel, runId: context.runId, encode })
  using _ = onAbort(context.signal, (reason) => pool.stop(reason))
  try {
    for await (const slice of reader.read()) {
      budget.share()
      if (progress.records === 0) context.log(`first records ${Math.round(performance.now())} ms after the process began`)
      assertIds(slice, dump, month, progress)
      take(slice, quarantine, progress)
      await writers.append(slice.batch)
    }
    if (progress.records === 0) throw new XmlError('the XML holds no record', reader.xmlBytes)
  } catch (error) {
    context.signal.throwIfAborted()
    throw located(error, dump, source, progress.records)
  }
  // Of a file that was read in part nobody knows the hash.
  const sha256 = reader.isCut ? null : slices.sha256
  assertUntouched(source, read)
  if (sha256 !== null) assertSameHash(source, sha256)
  const staged = await writers.commit({ run_id: context.runId, ...(sha256 === null ? {} : { source_sha256: sha256 }) })
  const { [recordHashesPath(dump.name)]: recordHashes = { rows: 0, files: [] }, ...datasets } = staged
  writeStageReport(directory, `ingest_${dump.name}`, {
    dump: dump.name,
    source: {
      file: source.name,
      bytes: source.bytes,
      sha256,
      ...(reader.isCut ? { firstRecords: progress.records } : {}),
      verification: sha256 === null || source.expectedSha256 === null ? 'unverified' : 'verified',
      ...(source.download === null ? {} : { download: source.download }),
    },
    ...(slices.isGenerated ? { generated: true } : {}),
    read: { mtimeMs: read.mtimeMs, ctimeMs: read.ctimeMs, inode: read.inode },
    records: progress.records,
    quarantined: quarantine.count,
    quarantineCap: Number(context.params['quarantine_cap'] ?? 0),
    datasets,
    recordHashes: { version: recordHashVersion(), ...recordHashes },
    census: reader.census(),
  })
  const files = Object.values(staged).flatMap((table) => table.files)
  if (reader.isCut) context.log(`the dump goes on: limit=${progress.records} ends here, and its sha256 is not known`)
  context.log(`read ${progress.records} records, ${quarantine.count} of them quarantined, ${reader.unusual} by sax`)
  return {
    rows: Object.fromEntries(Object.entries(datasets).map(([name, { rows }]) => [name, rows])),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    inputs: [inputOf(context.rawDir, source.path, { ...read, sha256 })],
  }
}

function parseArguments(args: readonly string[]): { readonly dump: Dump; readonly workers: number } {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { workers: { type: 'string' } } })
  const { workers = String(Math.min(availableParallelism(), maxWorkers)) } = values
  if (!/^[1-9]\d?$/.test(workers)) {
    throw new PipelineError(`--workers ${workers}: a number from 1 to 99 is expected`, { retryable: false })
  }
  return { dump: dumpNamed(positionals[0]), workers: Number(workers) }
}

/** Calls back when the task must end, as long as the scope lasts. */
function onAbort(signal: AbortSignal, stop: (reason: unknown) => void): Disposable {
  const listener = (): void => stop(signal.reason)
  signal.addEventListener('abort', listener)
  if (signal.aborted) listener()
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) }
}

/** @throws PipelineError when the first record shows that no record of the dump has an id: a quarantine would fill with all of them */
function assertIds({ findings }: ReadSlice, dump: Dump, month: string, progress: IngestProgress): void {
  const [first] = findings.rejected
  if (progress.records > 0 || first?.record !== 1) return
  const lack = lackOfIds(dump, month, Buffer.from(first.bytes))
  if (lack !== null) throw lack
}

/** Notes what a slice held besides rows. @throws XmlError when the document ends there */
function take({ findings }: ReadSlice, quarantine: Quarantine, progress: IngestProgress): void {
  for (const { record, bytes, ...rejected } of findings.rejected) {
    quarantine.add({ ...rejected, record: progress.records + record, bytes: Buffer.from(bytes) })
  }
  progress.addRecords(findings.records)
  if (findings.failure !== null) throw new XmlError(findings.failure.reason, findings.failure.offset)
}

/** Says which file and record a broken stream or a malformed document broke at. */
function located(error: unknown, dump: Dump, source: DumpFile, records: number): unknown {
  if (error instanceof XmlError) {
    const where = `ingest ${dump.name}: ${source.path}, after record ${records}, at byte ${error.offset} of the XML`
    return new PipelineError(`${where}: ${error.message}`, {
      hint: error.message.startsWith('the encoding is ')
        ? 'convert the dump to UTF-8, its declaration included'
        : 'the file is incomplete or not a Discogs dump: download it again',
      retryable: false,
      cause: error,
    })
  }
  if (!(error instanceof PipelineError) || !error.message.startsWith('inflating ')) return error
  const { hint, retryable } = error
  return new PipelineError(`ingest ${dump.name}, after record ${records}: ${error.message}`, {
    ...(hint && { hint }),
    retryable,
    cause: error.cause,
  })
}

/** Else nobody could tell later which file it was. */
function assertUntouched({ dump, path }: DumpFile, read: FileIdentity): void {
  if (isSameFile(identityOf(path), read)) return
  throw new PipelineError(`ingest ${dump}: ${path} was changed or replaced while it was read`, {
    hint: 'the next try reads it again',
  })
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
