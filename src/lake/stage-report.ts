/**
 * What the stages of a run wrote, in their own words: `_reports/ingest_<dump>.json` and `_reports/build_warehouse.json`. Checks compare
 * the files with it, and the seal takes sources and row counts from it.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import { writeJson } from './atomic-file.ts'
import { reportsDir } from './layout.ts'

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

/** The dump file a stage has read. */
export interface StagedSource {
  /** Without its directory. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** `verified` when a CHECKSUM file agreed. */
  readonly verification: 'verified' | 'unverified'
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
  /** Records read, rejected ones included. */
  readonly records?: number
  readonly quarantined?: number
  readonly quarantineCap?: number
  readonly census?: readonly StagedPath[]
  readonly [key: string]: unknown
}

/** A report as read back. */
export interface NamedStageReport extends StageReport {
  /** The file's name without `.json`: `ingest_artists`, `build_warehouse`. */
  readonly name: string
}

const count = z.int().min(0)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const file = z.object({
  path: z.string().regex(/^[^/.][^/]*\/[^/.][^/]*$/, 'expected <dataset>/<file>'),
  rows: count,
  bytes: count,
})
const stageReport = z
  .looseObject({
    datasets: z.record(z.string(), z.object({ rows: count, files: z.array(file) })),
    dump: z.string().exactOptional(),
    source: z
      .object({ file: z.string(), bytes: count, sha256, verification: z.enum(['verified', 'unverified']) })
      .exactOptional(),
    records: count.exactOptional(),
    quarantined: count.exactOptional(),
    quarantineCap: count.exactOptional(),
    census: z.array(z.object({ path: z.string(), count, status: z.enum(['mapped', 'ignored', 'unknown']) })).exactOptional(),
  })
  .superRefine(contradictions)

/** Stage reports are told from the other JSON files in `_reports` by their name. */
const reportName = /^(?:ingest|build)_[a-z0-9_]+$/

/** Writes `_reports/<name>.json`, atomically and durably. @param name `ingest_<dump>` or `build_…` */
export function writeStageReport(runDirectory: string, name: string, report: StageReport): void {
  if (!reportName.test(name))
    throw new PipelineError(`${JSON.stringify(name)} names no stage report: ingest_… or build_… is expected`, {
      retryable: false,
    })
  mkdirSync(reportsDir(runDirectory), { recursive: true })
  const path = join(reportsDir(runDirectory), `${name}.json`)
  writeJson(path, validated(path, report))
}

/**
 * All stage reports of a run directory, staged or sealed, sorted by name.
 * @throws PipelineError, not retryable, naming the file and what is wrong with it
 */
export function readStageReports(runDirectory: string): readonly NamedStageReport[] {
  const names = listed(reportsDir(runDirectory)).flatMap((entry) =>
    entry.endsWith('.json') ? [entry.slice(0, -'.json'.length)] : [],
  )
  return names
    .filter((name) => reportName.test(name))
    .sort()
    .map((name) => readReport(join(reportsDir(runDirectory), `${name}.json`), name))
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

function readReport(path: string, name: string): NamedStageReport {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new PipelineError(`reading the stage report ${path}: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'run its stage again: dag retry',
    })
  }
  return { ...validated(path, value), name }
}

function validated(path: string, value: unknown): StageReport {
  const result = stageReport.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new PipelineError(`the stage report ${path} is not valid: ${problems.join('; ')}`, { retryable: false })
}

/** What single fields cannot tell: sums, places, and that a dump comes with its source. */
function contradictions(report: Pick<StageReport, 'datasets' | 'dump' | 'source'>, context: z.RefinementCtx): void {
  const add = (message: string, ...path: string[]): void => context.addIssue({ code: 'custom', message, path })
  if ((report.dump === undefined) !== (report.source === undefined)) add('dump and source come together', 'source')
  for (const [name, { rows, files }] of Object.entries(report.datasets)) {
    const sum = files.reduce((total, file) => total + file.rows, 0)
    if (sum !== rows) add(`${rows} rows, but its files have ${sum}`, 'datasets', name)
    for (const { path } of files)
      if (!path.startsWith(`${name}/`)) add(`${path} lies in another dataset's directory`, 'datasets', name)
  }
}
