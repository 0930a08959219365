import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { reportsDir } from '../lake/layout.ts'
import { resolveActive } from '../lake/pointer.ts'
import { rollback } from '../lake/promotion.ts'
import type { CheckResult, TaskContext, TaskResult } from '../scheduler/context.ts'
import type { EngineName, SqlEngine } from '../sql/engine.ts'
import { engineNames, openEngine } from '../sql/open.ts'
import { runTask } from '../task-process.ts'
import { type Check, runChecks } from './checks/check.ts'
import { rowCount } from './checks/drift.ts'
import { keyChecks } from './checks/keys.ts'
import { consistencyChecks, orphanChecks } from './checks/references.ts'
import { criticalFailures, describeFailures, summary, writeTimedResults } from './checks/results.ts'
import { type CheckScope, withScope } from './checks/scope.ts'
import { stagedDataset } from './checks/stage-reports.ts'
import { nullRatioChecks } from './checks/values.ts'

/**
 * Asks the published snapshot for its sanity, through every engine that serves it. A critical failure moves the pointer back,
 * unless the parameter `rollback_on_failure` is `false`; an engine that cannot be opened fails the task and moves nothing.
 */
export async function report(context: TaskContext): Promise<TaskResult> {
  const directory = activeDirectory(context)
  const engines = engineNames(context.settings.sqlEngine)
  await assertReachable(context, engines)
  const failures: CheckResult[] = []
  for (const engine of engines) {
    const results = await sanityOf(context, directory, engine)
    context.recordChecks(results.map((result) => ({ ...result, checkName: `${engine}_sanity.${result.checkName}` })))
    const file = join(reportsDir(directory), `${engine}_sanity_active_${timestamp(context.now())}.csv`)
    writeTimedResults(file, results)
    context.log(`${engine}: ${summary(results)}, written to ${file}`)
    failures.push(...criticalFailures(results))
  }
  if (failures.length > 0) await giveUp(context, describeFailures(failures))
  return {}
}

/** Where the pointer leads, read once: it must be this run, and from here on its own directory is read. */
function activeDirectory({ lakeDir, runId }: TaskContext): string {
  const active = resolveActive(lakeDir)
  if (active?.runId === runId) return active.dir
  throw new PipelineError(`report: active is ${active?.runId ?? 'not set'}, not run ${runId}`, {
    hint: 'promote the run first',
    retryable: false,
  })
}

/** Nothing is measured, and nothing moved, before every engine answers. */
async function assertReachable({ settings }: TaskContext, engines: readonly EngineName[]): Promise<void> {
  for (const sqlEngine of engines) {
    await using engine = await openEngine({ ...settings, sqlEngine })
    await engine.query('SELECT 1 AS one')
  }
}

async function sanityOf(context: TaskContext, directory: string, sqlEngine: EngineName): Promise<CheckResult[]> {
  const open = async (options: Parameters<typeof openEngine>[1]): Promise<SqlEngine> =>
    openEngine({ ...context.settings, sqlEngine }, options)
  return withScope({ context, directory, open }, async (scope) => runChecks(sanityChecks(scope), context))
}

function sanityChecks(scope: CheckScope): readonly Check[] {
  return [
    ...rowChecks(scope),
    ...keyChecks(scope),
    ...orphanChecks(scope),
    ...nullRatioChecks(scope),
    ...consistencyChecks(scope),
  ]
}

/** Rows as the engine sees them against rows as written: Trino reads a table it cannot find as an empty one (trino.md §0). */
function rowChecks({ engine, reports }: CheckScope): readonly Check[] {
  return datasets.map((dataset) => {
    const measure: Check['measure'] = async () => {
      const value = await rowCount(engine, dataset)
      const { rows } = stagedDataset(reports, dataset)
      return { value, ok: value === BigInt(rows), details: `${rows} rows were written` }
    }
    return {
      name: `rows.${dataset.name}`,
      severity: 'CRITICAL',
      dataset: dataset.name,
      expected: 'as many as were written',
      measure,
    }
  })
}

/** Moves the pointer back unless that is switched off, and fails. */
async function giveUp(context: TaskContext, reason: string): Promise<never> {
  const { lakeDir, runId } = context
  const fail = (outcome: string, cause?: unknown): never => {
    throw new PipelineError(`report: run ${runId}: ${reason}; ${outcome}`, { retryable: false, cause })
  }
  if (context.params['rollback_on_failure'] === 'false') return fail('it stays published, since rollback_on_failure is false')
  const active = resolveActive(lakeDir)
  if (active?.runId !== runId) return fail(`active is ${active?.runId ?? 'not set'} by now and stays so`)
  try {
    rollback({
      lakeDir,
      onlyFrom: runId,
      ledger: context.ledger(),
      who: `task ${context.taskId}`,
      reason,
      now: () => context.now(),
      reached: (step) => context.reached(step),
    })
  } catch (cause) {
    return fail(`it is still published, rolling back failed: ${messageOf(cause)}`, cause)
  }
  return fail(`rolled back, active is ${resolveActive(lakeDir)?.runId ?? 'not set'}`)
}

/** UTC, `YYYYMMDD_HHmmss`. */
function timestamp(now: Date): string {
  const [date, time] = now.toISOString().slice(0, 19).split('T')
  return `${date?.replaceAll('-', '')}_${time?.replaceAll(':', '')}`
}

if (import.meta.main) await runTask(report)
