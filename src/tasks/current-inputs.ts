/** The dumps of a run must all be what lies in the raw directory now: else some are of an older upload than the others. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { whyOutdated } from '../lake/input-file.ts'
import { readStageReports } from '../lake/read-stage-reports.ts'
import type { TaskContext } from '../scheduler/context.ts'
import { checksumFileOf } from './dump-file.ts'

/** Of a report that names none: nothing is known of its file but the hash. */
const unknown = { mtimeMs: 0, ctimeMs: 0, inode: 0 }

/** @throws PipelineError, not retryable, naming each dump that was replaced or removed since it was ingested */
export async function assertCurrentInputs(context: TaskContext, directory: string): Promise<void> {
  const problems: string[] = []
  for (const { dump, source, read } of readStageReports(directory)) {
    if (dump === undefined || source === undefined) continue
    const path = `${context.params['dump_month']}/${source.file}`
    // Ingested by an older version, which let the dumps go after that.
    if (read === undefined && !existsSync(join(context.rawDir, path))) continue
    const input = { path, checksums: checksumFileOf(path), bytes: source.bytes, sha256: source.sha256, ...(read ?? unknown) }
    const reason = await whyOutdated(context.rawDir, input, { signal: context.signal })
    if (reason !== null) problems.push(`${dump}: ${reason}`)
  }
  if (problems.length === 0) return
  throw new PipelineError(`build: what was ingested is not what is there now: ${problems.join('; ')}`, {
    retryable: false,
    hint: `\`dag retry ${context.runId}\` ingests it again`,
  })
}
