import { isDeepStrictEqual } from 'node:util'
import { messageOf, PipelineError } from '../errors.ts'
import { isAsRegistered } from '../history/discover.ts'
import type { History } from '../history/history.ts'
import { measureKpis, type MeasureOptions } from '../history/kpis.ts'
import { recordKpis, soundRuns, unmeasured } from '../history/measured.ts'
import { measuredBy } from '../history/questions.ts'
import type { Kpi, RegisteredRun } from '../history/records.ts'
import { writeRowHashes } from '../history/row-hashes.ts'
import { describeLacks, type Lacks, showSnapshot } from '../history/snapshot-tables.ts'
import { uniqueKeys } from '../history/unique-keys.ts'
import { runDir } from '../lake/layout.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import type { ServedLake } from '../serving/trino-lake.ts'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import { engineNames } from '../sql/open.ts'
import { runTask } from '../task-process.ts'
import { isRebuild, recorderOf, withHistory } from './history/with-history.ts'

/** Measures every sound snapshot that was not measured with the same questions before, on each engine that is set. */
export async function kpis(context: TaskContext): Promise<TaskResult> {
  return withHistory(context, async (history) => {
    const by = measuredBy()
    const runs = await unmeasured(history, {
      runs: await soundRuns(history),
      measuredBy: by,
      again: isRebuild(context),
      historyRunId: context.runId,
    })
    let rows = 0
    const failures: Failure[] = []
    for (const run of runs) {
      const measured = await measureWhole(context, history, run).catch((error: unknown) => {
        context.signal.throwIfAborted()
        context.log(`${run.runId}: it is not measured: ${messageOf(error)}`)
        failures.push({ run, error })
        return null
      })
      if (measured === null) continue
      await recordKpis(history, recorderOf(context), { run, kpis: measured, measuredBy: by })
      context.reached(`measured ${run.runId}`)
      rows += measured.length
    }
    throwAny(failures)
    return { rows: { kpi_snapshot_events: rows }, ...(runs.length === 0 ? { note: 'every snapshot has been measured' } : {}) }
  })
}

interface Failure {
  readonly run: RegisteredRun
  readonly error: unknown
}

/** Fails the task after the other snapshots were measured: the next history run tries again. */
function throwAny(failures: readonly Failure[]): void {
  const [first] = failures
  if (first === undefined) return
  if (failures.length === 1) throw first.error
  const named = failures.map(({ run, error }) => `${run.runId}: ${messageOf(error)}`)
  throw new PipelineError(`${failures.length} snapshots could not be measured: ${named.join('; ')}`, { cause: first.error })
}

/** @returns null when the snapshot goes away meanwhile: what was found of it then is of no snapshot */
async function measureWhole(context: TaskContext, history: History, run: RegisteredRun): Promise<readonly Kpi[] | null> {
  const isWhole = (): boolean => isAsRegistered(context.lakeDir, run)
  try {
    const measured = isWhole() ? await measure(context, history, run) : []
    if (isWhole()) return measured
  } catch (error) {
    if (context.signal.aborted || isWhole()) throw error
  }
  context.log(`${run.runId}: it was removed or replaced after it was registered, and is not measured`)
  return null
}

/** Also keeps what a later snapshot is compared with, while the files are in the cache. */
async function measure(context: TaskContext, history: History, run: RegisteredRun): Promise<readonly Kpi[]> {
  const engine = await history.engine()
  const shown = { engine, run, lacks: await showSnapshot(engine, runDir(context.lakeDir, run.runId)) }
  // What is kept is one long row after row, most questions are short: side by side both cores have something to do.
  const [answered, kept] = await Promise.allSettled([ask(context, shown), keepHashes(context, shown)])
  if (answered.status === 'rejected') throw answered.reason
  if (kept.status === 'rejected') throw kept.reason
  return answered.value
}

/** A snapshot whose tables the engine has. */
interface Shown {
  readonly engine: DuckDbEngine
  readonly run: RegisteredRun
  readonly lacks: Lacks
}

async function keepHashes(context: TaskContext, { engine, run, lacks }: Shown): Promise<void> {
  await using session = await engine.session()
  await writeRowHashes(session, context.lakeDir, run, lacks)
}

/** @throws PipelineError when two engines find different numbers */
async function ask(context: TaskContext, { engine, run, lacks }: Shown): Promise<readonly Kpi[]> {
  const { lakeDir, settings, signal } = context
  const directory = runDir(lakeDir, run.runId)
  const lacking = describeLacks(lacks)
  if (lacking !== null) context.log(`${run.runId}: ${lacking}: KPIs that need it have no value`)
  const onQuestion: MeasureOptions['onQuestion'] = (done, total, kpi) =>
    context.progress({ done, total, unit: 'steps', message: `${run.runId}: ${kpi}` })
  const options = { lacks, unique: uniqueKeys(directory), onQuestion }
  // Short ones leave a core idle between two of them.
  await using session = await engine.session()
  const answers: (readonly Kpi[])[] = []
  for (const name of engineNames(settings.sqlEngine)) {
    const { trino } = settings
    answers.push(
      name === 'duckdb' || trino === null
        ? await measureKpis(engine, { ...options, beside: [session] })
        : await measureOnTrino({ lakeDir, trino, signal }, run, options),
    )
  }
  const [first = [], second = first] = answers
  assertSame(run, first, second)
  return first
}

async function measureOnTrino(lake: ServedLake, run: RegisteredRun, options: MeasureOptions): Promise<readonly Kpi[]> {
  // Loaded where there is a server: the client would slow the start of the task.
  const { openRunOnTrino } = await import('../serving/trino-lake.ts')
  const { engine } = await openRunOnTrino(lake, run.runId)
  await using _ = engine
  return await measureKpis(engine, options)
}

function assertSame({ runId }: RegisteredRun, first: readonly Kpi[], second: readonly Kpi[]): void {
  const different = first.filter((kpi, index) => !isDeepStrictEqual(kpi, second[index]))
  if (different.length === 0 && first.length === second.length) return
  const named = different.slice(0, 5).map(({ kpi, member }) => (member === null ? kpi : `${kpi} of ${member}`))
  throw new PipelineError(`history: run ${runId}: DuckDB and Trino differ in ${different.length} KPIs: ${named.join(', ')}`)
}

if (import.meta.main) await runTask(kpis)
