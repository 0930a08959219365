/** The gate of a promotion without a scheduler: the results that the check tasks left in the run's `_reports`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { type CheckGroup, checkGroups } from '../../discogs/check-groups.ts'
import { hasCode, PipelineError } from '../../errors.ts'
import { reportsDir, runDir } from '../../lake/layout.ts'

/** Of `check_<group>.json` (results.ts) what decides. */
const shape = v.array(
  v.object({
    check_name: v.string(),
    severity: v.picklist(['CRITICAL', 'WARN', 'INFO']),
    ok: v.boolean(),
    details: v.string(),
  }),
)
type Recorded = v.InferOutput<typeof shape>

/**
 * @returns what the checks say, in one line, for the audit trail
 * @throws PipelineError, not retryable, when a group of checks has no results or a critical check has failed
 */
export function recordedVerdict(lakeDir: string, runId: string): string {
  const reports = reportsDir(runDir(lakeDir, runId))
  const groups = checkGroups.map((group) => ({ group, results: resultsOf(reports, group) }))
  const closed = groups.flatMap(({ group, results }) =>
    results === null
      ? [`check.${group} has left no results`]
      : results
          .filter(({ ok, severity }) => !ok && severity === 'CRITICAL')
          .map(({ check_name, details }) => `${check_name} failed: ${details}`),
  )
  if (closed.length > 0)
    throw new PipelineError(`the gate of run ${runId} is closed: ${closed.join('; ')}`, {
      retryable: false,
      hint: `the results are in ${reports}; a run of another session checks its own`,
    })
  const results = groups.flatMap((one) => one.results ?? [])
  const warnings = results.filter(({ ok, severity }) => !ok && severity === 'WARN').length
  return `${results.length} checks, 0 critical, ${warnings} warnings`
}

/** Null when there are none, or none that can be read: then the gate stays closed. */
function resultsOf(reports: string, group: CheckGroup): Recorded | null {
  try {
    return v.parse(shape, JSON.parse(readFileSync(join(reports, `check_${group}.json`), 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || v.isValiError(error)) return null
    throw error
  }
}
