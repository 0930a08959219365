import { PipelineError } from '../errors.ts'
import { discoverRuns } from '../history/discover.ts'
import { registeredRuns } from '../history/registry.ts'
import type { CheckResult, TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/** Holds the registry against the lake: every snapshot is in it, as it is now. An invalid one is a warning, and left out of the rest. */
export async function checkRegistry(context: TaskContext): Promise<TaskResult> {
  const started = performance.now()
  const known = new Map((await withHistory(context, registeredRuns)).map((run) => [run.runId, run]))
  const found = discoverRuns(context.lakeDir)
  const strangers = found.filter((run) => known.get(run.runId)?.manifestSha256 !== run.manifestSha256)
  const invalid = found.filter(({ state }) => state === 'invalid')
  const durationMs = performance.now() - started
  const result = (
    checkName: string,
    severity: CheckResult['severity'],
    bad: readonly { runId: string; reason: string | null }[],
  ): CheckResult => ({
    checkName,
    severity,
    dataset: null,
    value: String(bad.length),
    expected: '= 0',
    previous: null,
    ok: bad.length === 0,
    details: bad.map(({ runId, reason }) => (reason === null ? runId : `${runId}: ${reason}`)).join('; '),
    durationMs,
    sample: bad.slice(0, 5).map(({ runId, reason }) => ({ run_id: runId, reason })),
  })
  const results = [result('registry.complete', 'CRITICAL', strangers), result('registry.invalid_runs', 'WARN', invalid)]
  context.recordChecks(results)
  if (strangers.length === 0) return { note: `${found.length} snapshots, ${invalid.length} of them invalid` }
  throw new PipelineError(`the registry does not know ${strangers.map(({ runId }) => runId).join(', ')} as they are now`, {
    hint: 'a run was sealed or removed meanwhile: dag retry',
  })
}

if (import.meta.main) await runTask(checkRegistry)
