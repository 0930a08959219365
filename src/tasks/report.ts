import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { datasets } from '../discogs/catalogue.ts'
import type { Dataset } from '../discogs/dataset.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { reportsDir, runDir } from '../lake/layout.ts'
import { readManifest } from '../lake/manifest.ts'
import { activeRunId, resolveActive } from '../lake/pointer.ts'
import { rollback } from '../lake/promotion.ts'
import type { CheckResult, TaskContext, TaskResult } from '../scheduler/context.ts'
import { activeSchema, followPointer, openRunOnTrino, seesOther } from '../serving/trino-lake.ts'
import type { EngineName } from '../sql/engine.ts'
import { engineNames, openEngine } from '../sql/open.ts'
import { trinoFailure, type TrinoSettings } from '../sql/trino.ts'
import { countRows } from '../sql/trino-sync.ts'
import { runTask } from '../task-process.ts'
import { type Check, type Finding, runChecks, type RunOptions, unmeasured } from './checks/check.ts'
import { keyChecks } from './checks/keys.ts'
import { readFooter } from './checks/parquet-footer.ts'
import { consistencyChecks, orphanChecks } from './checks/references.ts'
import { criticalFailures, describeFailures, summary, writeTimedResults } from './checks/results.ts'
import { type CheckScope, type OpenDirectory, openOnDuckDb, withScope } from './checks/scope.ts'
import { stagedDataset } from './checks/stage-reports.ts'
import { ledgerFor } from './ledger.ts'
import { nullRatioChecks } from './checks/values.ts'

/** Held against `discogs`, which consumers read: no fault of the data, so nothing is rolled back for it. */
const activeCheck = 'active.rows'

/** Checks asked at once on a server: more of them only take its memory. */
const trinoAtOnce = 3

/** Ids to be looked up are sent to where the references are read; Trino, which has no statistics of the tables, would send all references about. */
const session = { join_distribution_type: 'BROADCAST' }

/** The run's own snapshot; whether it is published is asked once, at the start. */
interface Subject {
  readonly directory: string
  readonly isActive: boolean
}

/**
 * Asks the run's snapshot for its sanity, through every engine that serves it, and with two of them for the same answers. A critical
 * failure moves the pointer back if the run is published, unless the parameter `rollback_on_failure` is `false`; an engine that cannot
 * be asked, or shows something else than the lake holds, fails the task and moves nothing.
 */
export async function report(context: TaskContext): Promise<TaskResult> {
  const { note, ...subject } = subjectOf(context)
  if (note !== null) context.log(note)
  const engines = engineNames(context.settings.sqlEngine)
  await assertReachable(context, engines)
  const answers = new Map<EngineName, readonly CheckResult[]>()
  for (const engine of engines) {
    const results = await sanityOf(context, subject, engine)
    answers.set(engine, results)
    context.recordChecks(results.map((result) => ({ ...result, checkName: `${engine}_sanity.${result.checkName}` })))
    const name = `${engine}_sanity_${subject.isActive ? 'active' : 'run'}_${timestamp(context.now())}.csv`
    const file = join(reportsDir(subject.directory), name)
    writeTimedResults(file, results)
    context.log(`${engine}: ${summary(results)}, written to ${file}`)
  }
  const failures = [...answers.values()].flatMap(criticalFailures)
  const ofData = failures.filter(({ checkName }) => checkName !== activeCheck)
  if (ofData.length > 0) await giveUp(context, describeFailures(ofData))
  if (failures.length > 0)
    throw new PipelineError(`report: run ${context.runId}: ${describeFailures(failures)}`, {
      hint: '`dag trino sync --active` repairs it, then `dag retry`',
    })
  assertSame(context.runId, answers)
  return note === null ? {} : { note }
}

/** @throws PipelineError that names the checks in which two engines differ, in whatever they say */
export function assertSame(runId: string, answers: ReadonlyMap<EngineName, readonly CheckResult[]>): void {
  const [duckdb, trino] = [answers.get('duckdb'), answers.get('trino')]
  if (duckdb === undefined || trino === undefined) return
  const others = new Map(trino.map((result) => [result.checkName, result]))
  const said = (result: CheckResult | undefined): object => ({ ...result, durationMs: 0 })
  const different = duckdb.filter((result) => !isDeepStrictEqual(said(result), said(others.get(result.checkName))))
  if (different.length === 0) return
  const shown = different.slice(0, 5).map(({ checkName, value, details }) => {
    const other = others.get(checkName)
    return `${checkName}: ${value} (${details}) and ${other?.value} (${other?.details})`
  })
  throw new PipelineError(
    `report: run ${runId}: DuckDB and Trino differ in ${different.length} of ${duckdb.length} checks: ${shown.join('; ')}`,
  )
}

/** A run that is not published, or not any more, is reported on as well. @throws PipelineError when it has no snapshot */
function subjectOf({ lakeDir, runId }: TaskContext): Subject & { readonly note: string | null } {
  const directory = runDir(lakeDir, runId)
  readManifest(directory)
  const active = activeRunId(lakeDir)
  if (active === runId) return { directory, isActive: true, note: null }
  return {
    directory,
    isActive: false,
    note: `run ${runId} is not published (active is ${active ?? 'not set'}): this report is on its own snapshot`,
  }
}

/** Nothing is measured, and nothing moved, before every engine answers. */
async function assertReachable({ settings }: TaskContext, engines: readonly EngineName[]): Promise<void> {
  for (const sqlEngine of engines) {
    await using engine = await openEngine({ ...settings, sqlEngine })
    await engine.query('SELECT 1 AS one')
  }
}

async function sanityOf(context: TaskContext, { directory, isActive }: Subject, sqlEngine: EngineName): Promise<CheckResult[]> {
  const { trino } = context.settings
  if (sqlEngine === 'duckdb' || trino === null)
    return withScope({ context, directory, open: openOnDuckDb }, async (scope) => runChecks(sanityChecks(scope), context))
  const open = openOnTrino(context, trino, isActive)
  return withScope({ context, directory, open }, async (scope) => {
    await assertShown(scope, trino)
    const options = { atOnce: trinoAtOnce, onError: engineFault(scope.problems) }
    return runChecks([...sanityChecks(scope), ...(isActive ? [activeRows(scope)] : [])], context, options)
  })
}

/** The run's own schema, never `active`: a query there may meet the files of two runs (docs/trino.md). Registers a published run as such, too. */
function openOnTrino({ lakeDir, runId, signal }: TaskContext, trino: TrinoSettings, published: boolean): OpenDirectory {
  return async (_directory) => {
    const { engine, missing } = await openRunOnTrino({ lakeDir, trino, signal }, runId, { published, session })
    return { engine, problems: new Map(missing.map((name) => [name, 'no directory'])) }
  }
}

/** @throws PipelineError when the server shows other rows than the files hold: then it says nothing about the data */
async function assertShown(scope: CheckScope, trino: TrinoSettings): Promise<void> {
  const { context, directory, reports } = scope
  const differences: string[] = []
  for (const [dataset, count] of await countedRows(scope)) {
    const staged = stagedDataset(reports, dataset)
    if (count === BigInt(staged.rows)) continue
    const files = await Promise.all(staged.files.map(({ path }) => readFooter(join(directory, path)).catch(() => null)))
    const held = files.reduce((sum, footer) => sum + (footer?.rows ?? 0), 0)
    if (BigInt(held) !== count) differences.push(`${dataset.name}: ${count} instead of ${held}`)
  }
  if (differences.length > 0) throw seesOther({ lakeDir: context.lakeDir, trino }, differences)
}

/** Rows of every dataset that can be counted: what is wrong with another one, its checks say. */
async function countedRows({ counts, problems }: CheckScope): Promise<ReadonlyMap<Dataset, bigint>> {
  const shown = datasets.filter(({ name }) => !problems.has(name))
  const counted = await Promise.allSettled(shown.map(async (dataset) => [dataset, (await counts(dataset)).rows] as const))
  return new Map(counted.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])))
}

/** What a server answers to bad data, and to a table that the run does not have; every other error is its own and ends the task. */
function engineFault(problems: CheckScope['problems']): NonNullable<RunOptions['onError']> {
  return (check: Check, error: unknown): Finding => {
    const isOfData =
      trinoFailure(error)?.errorName === 'HIVE_BAD_DATA' || [...problems.keys()].some((name) => messageOf(error).includes(name))
    if (isOfData) return unmeasured(check, error)
    throw new PipelineError(`report: ${check.name}: ${messageOf(error)}`, {
      cause: error,
      hint: 'nothing was moved; `dag retry` asks again',
    })
  }
}

/** What consumers see through `active` against the run's own schema. */
function activeRows(scope: CheckScope): Check {
  const measure = async (): Promise<Finding> => {
    const own = new Map([...(await countedRows(scope))].map(([{ name }, count]) => [name, count]))
    const active = await countRows(scope.engine, activeSchema, [...own.keys()])
    const { runId, lakeDir } = scope.context
    const moved = resolveActive(lakeDir)?.runId
    if (moved !== runId) return { value: null, ok: true, details: `active is ${moved ?? 'not set'} by now` }
    const different = [...own.keys()].filter((name) => own.get(name) !== active.get(name))
    const details = different.map((name) => `${name}: ${active.get(name)} instead of ${own.get(name)}`).join(', ')
    return { value: different.length, ok: different.length === 0, details }
  }
  return { name: activeCheck, severity: 'CRITICAL', dataset: null, expected: '0 tables with other rows', measure }
}

function sanityChecks(scope: CheckScope): readonly Check[] {
  return [
    ...rowChecks(scope),
    ...keyChecks(scope),
    // Real months have orphans; rows of them were shown before this run was sealed, by `check.references`.
    ...orphanChecks(scope, { sampleWarnings: false }),
    ...nullRatioChecks(scope),
    ...consistencyChecks(scope),
  ]
}

/** Rows as the engine sees them against rows as written: Trino reads a table it cannot find as an empty one. */
function rowChecks({ counts, reports }: CheckScope): readonly Check[] {
  return datasets.map((dataset) => {
    const measure: Check['measure'] = async () => {
      const { rows: value } = await counts(dataset)
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

/** Moves the pointer back if the run is published and that is not switched off, and fails. */
async function giveUp(context: TaskContext, reason: string): Promise<never> {
  const { lakeDir, runId } = context
  const fail = (outcome: string, cause?: unknown): never => {
    throw new PipelineError(`report: run ${runId}: ${reason}; ${outcome}`, { retryable: false, cause })
  }
  const active = activeRunId(lakeDir)
  if (active !== runId) return fail(`it is not published: active is ${active ?? 'not set'} and stays so`)
  if (context.params['rollback_on_failure'] === 'false') return fail('it stays published, since rollback_on_failure is false')
  try {
    rollback({
      lakeDir,
      onlyFrom: runId,
      ledger: ledgerFor(context),
      who: `task ${context.taskId}`,
      reason,
      now: () => context.now(),
      reached: (step) => context.reached(step),
    })
  } catch (cause) {
    return fail(`it is still published, rolling back failed: ${messageOf(cause)}`, cause)
  }
  const { trino } = context.settings
  if (trino !== null) context.log(await followPointer(lakeDir, trino, context.signal))
  return fail(`rolled back, active is ${resolveActive(lakeDir)?.runId ?? 'not set'}`)
}

/** UTC, `YYYYMMDD_HHmmss`. */
function timestamp(now: Date): string {
  const [date, time] = now.toISOString().slice(0, 19).split('T')
  return `${date?.replaceAll('-', '')}_${time?.replaceAll(':', '')}`
}

if (import.meta.main) await runTask(report)
