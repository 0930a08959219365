/** What the next attempt of a run keeps and what it runs again. Writes nothing, so a refusal leaves the run as it was. */
import { existsSync } from 'node:fs'
import { exitCodes, PipelineError } from '../errors.ts'
import { currentDir, runDir } from '../lake/layout.ts'
import { carriedOver } from './carry.ts'
import type { ChangedParams } from './changed-params.ts'
import { suggest } from './nearest.ts'
import type { Outdated } from './outdated-inputs.ts'
import type { Plan } from './plan.ts'
import { preparesSnapshot, taskNamed, transitiveUpstream } from './plan-graph.ts'
import type { RunRecord, Store, TaskRecord } from './store.ts'

export interface Redo {
  readonly taskId: string
  /** The succeeded tasks below it run again as well; otherwise there must be none. */
  readonly downstream: boolean
}

/** What is asked of a retry. */
export interface Ask {
  /** The run's own lake. */
  readonly lakeDir: string
  /** The dag's definition as it is now; null: the plan of the attempt before. */
  readonly plan: Plan | null
  /** This task runs again although it has succeeded. */
  readonly redo: Redo | null
  readonly outdated: Outdated
  /** Null: those of the attempt before. */
  readonly params: ChangedParams | null
}

export interface NextAttempt {
  readonly plan: Plan
  /** Succeeded tasks that do not run again. */
  readonly carried: readonly TaskRecord[]
  /** By task id, why a task that had succeeded runs again. */
  readonly renewed: Outdated
  readonly params: ChangedParams | null
}

/** @throws PipelineError: exit 3 when there is nothing to do or the run is sealed, 4 for an unknown task, 2 for a redo without what is below */
export function nextAttempt(store: Store, runId: string, ask: Ask): NextAttempt {
  const { lakeDir, redo, outdated, params } = ask
  const next = ask.plan ?? store.planOf(runId)
  if (redo === null) refuseSuccess(store.run(runId))
  else refuseRedo(redo, next, store.tasks(runId))
  const carried = keptTasks(store, runId, ask, [...outdated.keys()])
  refuseSealed(lakeDir, next, runId, carried)
  return { plan: next, carried, renewed: outdated, params }
}

/** @param outdated tasks that run again for another reason than what is asked */
export function keptTasks(
  store: Store,
  runId: string,
  { lakeDir, plan, redo, params }: Omit<Ask, 'outdated'>,
  outdated: readonly string[],
): readonly TaskRecord[] {
  const previous = { plan: store.planOf(runId), tasks: store.tasks(runId) }
  const next = plan ?? previous.plan
  if (isStagingLost(lakeDir, next, runId)) return []
  const again = [...promotionsToRedo(store, next, runId), ...(redo === null ? [] : [redo.taskId]), ...outdated]
  return carriedOver(next, previous, [...again, ...(params?.again ?? [])])
}

/** `dag gc` removes what failed runs had staged. Asked inside the transaction that makes the run running: from then on it stays. */
function isStagingLost(lakeDir: string, { stages }: Plan, runId: string): boolean {
  return stages && !existsSync(currentDir(lakeDir, runId))
}

/** The report may have put the pointer back after the promote task had succeeded: then its success is history. */
function promotionsToRedo(store: Store, plan: Plan, runId: string): readonly string[] {
  if (!store.isRolledBack(runId)) return []
  return plan.tasks.filter((task) => task.kind === 'promote').map((task) => task.id)
}

/** A sealed run has no staging directory any more: the tasks that write there could only fail. */
function refuseSealed(lakeDir: string, plan: Plan, runId: string, carried: readonly TaskRecord[]): void {
  if (!plan.stages || !existsSync(runDir(lakeDir, runId))) return
  const kept = new Set(carried.map(({ taskId }) => taskId))
  const again = plan.tasks.map(({ id }) => id).filter((id) => !kept.has(id) && preparesSnapshot(plan, id))
  if (again.length === 0) return
  throw new PipelineError(`run ${runId} is sealed and its data never changes: ${again.join(', ')} cannot run again`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: `\`dag trigger ${plan.dagId} --session …\` makes a new run; \`--task\` takes what comes after the checks, such as report`,
  })
}

/** A run that has succeeded is over, unless a task of it is to be done again. */
function refuseSuccess({ runId, state, attempt }: RunRecord): void {
  if (state !== 'success') return
  throw new PipelineError(`run ${runId} has succeeded in attempt ${attempt}: there is nothing to retry`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: 'trigger another session for a new run',
  })
}

/** Whatever succeeded below a task was made from its old output. */
function refuseRedo({ taskId, downstream }: Redo, plan: Plan, tasks: readonly TaskRecord[]): void {
  if (taskNamed(plan, taskId) === undefined) throw unknownTask(plan.dagId, taskId, plan)
  if (downstream) return
  const below = plan.tasks.filter((task) => transitiveUpstream(plan, task.id).some((above) => above.id === taskId))
  const done = below.filter((task) => tasks.find((one) => one.taskId === task.id)?.state === 'success')
  if (done.length === 0) return
  throw new PipelineError(`${done.map((task) => task.id).join(', ')} below ${taskId} succeeded with what it had made`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: 'add --downstream to run those again as well',
  })
}

function unknownTask(dagId: string, taskId: string, { tasks }: Plan): PipelineError {
  const hint = suggest(
    taskId,
    tasks.map(({ id }) => id),
  )
  return new PipelineError(`dag ${dagId} has no task ${taskId}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    ...(hint === undefined ? {} : { hint }),
  })
}
