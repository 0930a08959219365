/**
 * What the stages of a run wrote, in their own words: `_reports/ingest_<dump>.json` and `_reports/build_warehouse.json`. Checks compare
 * the files with it, and the seal takes sources and row counts from it. Reading is a module of its own (`read-stage-reports.ts`): the
 * library that it validates with would slow the start of the stages.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { writeJson } from './atomic-file.ts'
import type { FileIdentity } from './input-file.ts'
import { recordHashesPath, reportsDir } from './layout.ts'

/** A file a stage has written. */
export interface StagedFile {
  /** Relative to the run directory: `<dataset>/<file>`. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

export interface StagedDataset {
  readonly rows: number
  readonly files: readonly StagedFile[]
}

/** The hashes of a dump's records: one row for each record that was not rejected. */
export interface StagedRecordHashes extends StagedDataset {
  /** Hashes of different versions say nothing about each other. */
  readonly version: string
}

/** The dump file a stage has read. */
export interface StagedSource {
  /** Without its directory. */
  readonly file: string
  readonly bytes: number
  /** Null when only the first records were read. */
  readonly sha256: string | null
  /** How many, when there are more. */
  readonly firstRecords?: number
  /** `verified` when a CHECKSUM file agreed. */
  readonly verification: 'verified' | 'unverified'
  /** Of a file that `dag download` or the download task has brought. */
  readonly download?: StagedDownload
}

/** Where a dump came from. */
export interface StagedDownload {
  /** The manifest of its month, relative to the raw directory, which tells the rest: `2026-04/_download.json`. */
  readonly manifest: string
  readonly url: string
  readonly etag: string | null
}

export interface StagedPath {
  readonly path: string
  readonly count: number
  readonly status: 'mapped' | 'ignored' | 'unknown'
}

/** What one stage says. Stages may add keys of their own; they are kept. */
export interface StageReport {
  readonly datasets: Readonly<Record<string, StagedDataset>>
  /** This and `source`: of an ingest only, both or none. */
  readonly dump?: string
  readonly source?: StagedSource
  /** Of an ingest: the dump carries the mark of generated ones. */
  readonly generated?: true
  /** Of an ingest: what else tells the dump file from another one. */
  readonly read?: Omit<FileIdentity, 'bytes'>
  /** Records read, rejected ones included. */
  readonly records?: number
  readonly quarantined?: number
  readonly quarantineCap?: number
  readonly census?: readonly StagedPath[]
  readonly recordHashes?: StagedRecordHashes
  readonly [key: string]: unknown
}

/** Stage reports are told from the other JSON files in `_reports` by their name. */
export const stageReportName = /^(?:ingest|build)_[a-z0-9_]+$/

/** Writes `_reports/<name>.json`, atomically and durably. @param name `ingest_<dump>` or `build_…` */
export function writeStageReport(runDirectory: string, name: string, report: StageReport): void {
  if (!stageReportName.test(name))
    throw new PipelineError(`${JSON.stringify(name)} names no stage report: ingest_… or build_… is expected`, {
      retryable: false,
    })
  mkdirSync(reportsDir(runDirectory), { recursive: true })
  const path = join(reportsDir(runDirectory), `${name}.json`)
  assertNoProblems(path, contradictions(report))
  writeJson(path, report)
}

/** @throws PipelineError, not retryable, that lists them */
export function assertNoProblems(path: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  throw new PipelineError(`the stage report ${path} is not valid: ${problems.join('; ')}`, { retryable: false })
}

/** What single fields cannot tell: sums, places, and that a dump comes with its source. */
export function contradictions(report: StageReport): readonly string[] {
  const { datasets, dump, source, recordHashes } = report
  const problems = recordHashes === undefined ? [] : hashProblems(report, recordHashes)
  if ((dump === undefined) !== (source === undefined)) problems.push('source: dump and source come together')
  for (const [name, dataset] of Object.entries(datasets)) problems.push(...fileProblems(`datasets.${name}`, name, dataset))
  return problems
}

function hashProblems({ dump, records, quarantined = 0 }: StageReport, hashes: StagedRecordHashes): string[] {
  if (dump === undefined) return ['recordHashes: they belong to a dump']
  const problems = fileProblems('recordHashes', recordHashesPath(dump), hashes)
  const accepted = (records ?? 0) - quarantined
  if (hashes.rows !== accepted) problems.push(`recordHashes: ${hashes.rows} rows for ${accepted} accepted records`)
  return problems
}

function fileProblems(what: string, directory: string, { rows, files }: StagedDataset): string[] {
  const problems: string[] = []
  const sum = files.reduce((total, file) => total + file.rows, 0)
  if (sum !== rows) problems.push(`${what}: ${rows} rows, but its files have ${sum}`)
  for (const { path } of files)
    if (!path.startsWith(`${directory}/`)) problems.push(`${what}: ${path} lies in another directory than ${directory}`)
  return problems
}
