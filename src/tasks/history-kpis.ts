import { isDeepStrictEqual } from 'node:util'
import { datasets } from '../discogs/catalogue.ts'
import { PipelineError } from '../errors.ts'
import { measuredBy, measureKpis } from '../history/kpis.ts'
import { recordKpis, soundRuns, unmeasured } from '../history/measured.ts'
import type { Kpi, RegisteredRun } from '../history/records.ts'
import { writeRowHashes } from '../history/row-hashes.ts'
import { runDir } from '../lake/layout.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { openRunOnTrino } from '../serving/trino-lake.ts'
import { DuckDbEngine } from '../sql/duckdb.ts'
import type { EngineName } from '../sql/engine.ts'
import { engineNames } from '../sql/open.ts'
import { registerReadable } from '../sql/run-views.ts'
import { runTask } from '../task-process.ts'
import { isRebuild, recorderOf, spillDirectory, withHistory } from './history/with-history.ts'

/** Measures every sound snapshot that was not measured with the same questions before, on each engine that is set. */
export async function kpis(context: TaskContext): Promise<TaskResult> {
  return withHistory(context, async (engine) => {
    const by = measuredBy()
    const runs = await unmeasured(engine, {
      runs: await soundRuns(engine),
      measuredBy: by,
      again: isRebuild(context),
      historyRunId: context.runId,
    })
    let rows = 0
    for (const run of runs) {
      const measured = await measure(context, run)
      await recordKpis(engine, recorderOf(context), { run, kpis: measured, measuredBy: by })
      context.reached(`measured ${run.runId}`)
      rows += measured.length
    }
    return { rows: { kpi_snapshot_events: rows }, ...(runs.length === 0 ? { note: 'every snapshot has been measured' } : {}) }
  })
}

/** @throws PipelineError when two engines find different numbers */
async function measure(context: TaskContext, run: RegisteredRun): Promise<readonly Kpi[]> {
  const answers = new Map<EngineName, readonly Kpi[]>()
  for (const name of engineNames(context.settings.sqlEngine)) answers.set(name, await measureOn(context, run, name))
  if (!answers.has('duckdb')) await measureOnDuckDb(context, run, async () => [])
  const [first = [], second = first] = answers.values()
  const different = first.filter((kpi, index) => !isDeepStrictEqual(kpi, second[index]))
  if (different.length === 0 && first.length === second.length) return first
  const named = different.slice(0, 5).map(({ kpi, member }) => (member === null ? kpi : `${kpi} of ${member}`))
  throw new PipelineError(`history: run ${run.runId}: DuckDB and Trino differ in ${different.length} KPIs: ${named.join(', ')}`)
}

async function measureOn(context: TaskContext, run: RegisteredRun, name: EngineName): Promise<readonly Kpi[]> {
  const onQuestion = (done: number, total: number, kpi: string): void =>
    context.progress({ done, total, unit: 'steps', message: `${run.runId}: ${kpi}` })
  const { trino } = context.settings
  if (name === 'duckdb' || trino === null)
    return measureOnDuckDb(context, run, (engine, missing) => measureKpis(engine, missing, onQuestion))
  const { engine, missing } = await openRunOnTrino({ lakeDir: context.lakeDir, trino, signal: context.signal }, run.runId)
  await using _ = engine
  return await measureKpis(engine, new Set(missing), onQuestion)
}

/** Also keeps what a later snapshot is compared with, while the files are in the cache. */
async function measureOnDuckDb(
  context: TaskContext,
  run: RegisteredRun,
  ask: (engine: DuckDbEngine, missing: ReadonlySet<string>) => Promise<readonly Kpi[]>,
): Promise<readonly Kpi[]> {
  await using engine = await DuckDbEngine.open({ signal: context.signal, tempDirectory: spillDirectory(context) })
  const problems = await registerReadable(engine, runDir(context.lakeDir, run.runId), datasets)
  for (const [name, problem] of problems) context.log(`${run.runId}: ${name} cannot be read (${problem}): its KPIs have no value`)
  const found = await ask(engine, new Set(problems.keys()))
  await writeRowHashes(engine, context.lakeDir, run)
  return found
}

if (import.meta.main) await runTask(kpis)
