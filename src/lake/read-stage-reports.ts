/** Reads what the stages of a run wrote (`stage-report.ts`). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, PipelineError } from '../errors.ts'
import { recordHashesName, reportsDir } from './layout.ts'
import { namesIn } from './names-in.ts'
import { assertNoProblems, contradictions, type StageReport, stageReportName } from './stage-report.ts'

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
const hashFile = file.extend({
  path: z.string().regex(/^[^/.][^/]*\/[^/.][^/]*\/[^/.][^/]*$/, `expected ${recordHashesName}/<dump>/<file>`),
})
const stageReport = z.looseObject({
  datasets: z.record(z.string(), z.object({ rows: count, files: z.array(file) })),
  dump: z.string().exactOptional(),
  source: z
    .object({
      file: z.string(),
      bytes: count,
      sha256: sha256.nullable(),
      firstRecords: count.exactOptional(),
      verification: z.enum(['verified', 'unverified']),
      download: z.object({ manifest: z.string(), url: z.string(), etag: z.string().nullable() }).exactOptional(),
    })
    .exactOptional(),
  generated: z.literal(true).exactOptional(),
  read: z.object({ mtimeMs: z.number(), ctimeMs: z.number(), inode: z.number() }).exactOptional(),
  records: count.exactOptional(),
  quarantined: count.exactOptional(),
  quarantineCap: count.exactOptional(),
  recordHashes: z.object({ version: z.string(), rows: count, files: z.array(hashFile) }).exactOptional(),
  census: z.array(z.object({ path: z.string(), count, status: z.enum(['mapped', 'ignored', 'unknown']) })).exactOptional(),
})

/**
 * All stage reports of a run directory, staged or sealed, sorted by name.
 * @throws PipelineError, not retryable, naming the file and what is wrong with it
 */
export function readStageReports(runDirectory: string): readonly NamedStageReport[] {
  const names = namesIn(reportsDir(runDirectory)).flatMap((entry) =>
    entry.endsWith('.json') ? [entry.slice(0, -'.json'.length)] : [],
  )
  return names
    .filter((name) => stageReportName.test(name))
    .sort()
    .map((name) => readReport(join(reportsDir(runDirectory), `${name}.json`), name))
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
  if (!result.success)
    assertNoProblems(
      path,
      result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    )
  const report = result.data as StageReport
  assertNoProblems(path, contradictions(report))
  return report
}
