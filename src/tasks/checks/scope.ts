/** What checks are about: one run directory, its reports, and engines that read it. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { compatibilityViews, datasets } from '../../discogs/catalogue.ts'
import { PipelineError } from '../../errors.ts'
import { reportsDir } from '../../lake/layout.ts'
import { describePartial, limitOf } from '../../lake/partial.ts'
import type { TaskContext } from '../../scheduler/context.ts'
import { DuckDbEngine, type DuckDbOptions } from '../../sql/duckdb.ts'
import type { SqlEngine } from '../../sql/engine.ts'
import { registerReadable } from '../../sql/run-views.ts'
import type { Check } from './check.ts'
import { measure, type Measurements } from './measurements.ts'
import { type NamedStageReport, readStageReports } from '../../lake/read-stage-reports.ts'

/** A run as an engine sees it. */
export interface OpenRun {
  readonly engine: SqlEngine
  /** Datasets that cannot be read, and why. */
  readonly problems: ReadonlyMap<string, string>
}

export interface CheckScope extends OpenRun, Measurements {
  readonly directory: string
  readonly context: TaskContext
  readonly reports: readonly NamedStageReport[]
  /** Opens another run; it is closed with the scope. */
  readonly openRun: (directory: string) => Promise<OpenRun>
}

/** The checks of one group. Which there are follows from the catalogue and the stage reports alone. */
export type ListChecks = (scope: CheckScope) => readonly Check[] | Promise<readonly Check[]>

export interface ScopeOptions {
  readonly context: TaskContext
  readonly directory: string
  readonly open: OpenDirectory
}

/** Opens an engine in which the datasets of a run directory are tables under their own names. */
export type OpenDirectory = (directory: string, options: DuckDbOptions) => Promise<OpenRun>

/** Reads files where they lie; of a run that is not sealed yet, too. */
export const openOnDuckDb: OpenDirectory = async (directory, options) => {
  await using resources = new AsyncDisposableStack()
  const engine = resources.use(await DuckDbEngine.open(options))
  const problems = await registerReadable(engine, directory, datasets, compatibilityViews)
  resources.move()
  return { engine, problems }
}

/** Opens a scope, hands it to `use`, and closes all that was opened. */
export async function withScope<T>(
  { context, directory, open }: ScopeOptions,
  use: (scope: CheckScope) => Promise<T>,
): Promise<T> {
  // Reports stay writable after the seal: the one place below a run where an engine may always spill.
  const spill = join(reportsDir(directory), `.tmp-${context.taskId}`)
  await using resources = new AsyncDisposableStack()
  resources.defer(() => rmSync(spill, { recursive: true, force: true }))
  const openRun = async (runDirectory: string): Promise<OpenRun> => {
    const opened = await open(runDirectory, { signal: context.signal, tempDirectory: spill })
    resources.use(opened.engine)
    return opened
  }
  const run = await openRun(directory)
  for (const [name, problem] of run.problems) context.log(`dataset ${name} of ${directory} cannot be read: ${problem}`)
  // Awaited here: the engines are closed when this function is left.
  return await use({
    ...run,
    ...measure(run.engine, run.problems),
    directory,
    context,
    reports: readStageReports(directory),
    openRun,
  })
}

/** Why a check that needs all records of the dumps makes no sense; null when they are there. */
export function lackOfRecords({ params }: Pick<TaskContext, 'params'>): string | null {
  const limit = limitOf(params)
  return limit === null ? null : `the run holds ${describePartial({ limit })}`
}

/** A parameter that is a number of at least 0. */
export function numberParam({ params }: Pick<TaskContext, 'params'>, name: string, otherwise: number): number {
  const text = params[name] ?? String(otherwise)
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number) && number >= 0) return number
  throw new PipelineError(`parameter ${name} is ${JSON.stringify(text)}, a number of at least 0 was expected`, {
    retryable: false,
  })
}
