import { discoverRuns } from '../history/discover.ts'
import type { RegisteredRun } from '../history/records.ts'
import { registeredRuns } from '../history/registry.ts'
import type { CheckResult, TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { withHistory } from './history/with-history.ts'

/**
 * Holds the registry against the lake. Neither an invalid snapshot nor one that was sealed or replaced since the registry was written stops
 * the rest: they are warnings, and left out of it.
 */
export async function checkRegistry(context: TaskContext): Promise<TaskResult> {
  const started = performance.now()
  const known = new Map((await withHistory(context, registeredRuns)).map((run) => [run.runId, run]))
  const found = discoverRuns(context.lakeDir)
  const late = found.filter((run) => known.get(run.runId)?.manifestSha256 !== run.manifestSha256)
  const invalid = found.filter(({ state }) => state === 'invalid')
  const durationMs = performance.now() - started
  const told = late.map(({ runId }) => ({ runId, reason: 'sealed or replaced meanwhile, the next history run measures it' }))
  context.recordChecks([warning('registry.complete', told, durationMs), warning('registry.invalid_runs', invalid, durationMs)])
  for (const { runId, reason } of told) context.log(`${runId}: ${reason}`)
  return { note: `${found.length} snapshots, ${invalid.length} of them invalid` }
}

function warning(checkName: string, bad: readonly Pick<RegisteredRun, 'runId' | 'reason'>[], durationMs: number): CheckResult {
  return {
    checkName,
    severity: 'WARN',
    dataset: null,
    value: String(bad.length),
    expected: '= 0',
    previous: null,
    ok: bad.length === 0,
    details: bad.map(({ runId, reason }) => (reason === null ? runId : `${runId}: ${reason}`)).join('; '),
    durationMs,
    sample: bad.slice(0, 5).map(({ runId, reason }) => ({ run_id: runId, reason })),
  }
}

if (import.meta.main) await runTask(checkRegistry)
