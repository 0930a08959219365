/** Life of a run: triggered once, resumed as often as needed. */
import { existsSync } from 'node:fs'
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { currentDir } from '../lake/layout.ts'
import { userName } from '../process-identity.ts'
import { carriedOver } from './carry.ts'
import type { Dag } from './dag.ts'
import { Engine, type EngineSettings, type Watch } from './engine.ts'
import { suggest } from './nearest.ts'
import { compile, type Plan } from './plan.ts'
import { taskNamed, transitiveUpstream } from './plan-graph.ts'
import { hopelessness } from './resumption.ts'
import { keepSecrets } from './secrets.ts'
import type { Session } from './session.ts'
import type { RunState } from './states.ts'
import { openStore, type RunRecord, type Store, type TaskRecord, type Trigger } from './store.ts'

export type { RunEvent } from './attempt-display.ts'

export interface RunSettings extends EngineSettings, Watch {
  /** Where the scripts of the tasks lie, relative to the project. Default `src/tasks`. */
  readonly scriptsDir?: string
}

export interface TriggerOptions extends RunSettings {
  readonly dag: Dag
  readonly session: Session
  /** Those given; the others take their defaults. */
  readonly params: Readonly<Record<string, string>>
  /** Default `manual`. */
  readonly trigger?: Trigger
}

export interface RetryOptions extends RunSettings {
  /** Its definition as it is now. Default: the plan of the attempt before. */
  readonly dag?: Dag
  /** This task runs again although it has succeeded. */
  readonly redo?: Redo
  /** Nobody has asked for it: then a run that was resumed in vain too often ends `failed` instead. Default false. */
  readonly isAutomatic?: boolean
}

export interface Redo {
  readonly taskId: string
  /** What has succeeded below it runs again as well; else there must be nothing. */
  readonly downstream: boolean
}

export interface RunOutcome {
  readonly runId: string
  readonly state: RunState
  readonly reason: string | null
  readonly attempt: number
  readonly tasks: readonly TaskRecord[]
}

/**
 * Creates the run of a dag for a session and executes it.
 * @throws PipelineError: exit 2 for bad params or an invalid dag, 3 when the session has a run, 5 while another scheduler works here
 */
export async function triggerRun(options: TriggerOptions): Promise<RunOutcome> {
  const wanted = wantedRun(options)
  using store = openStore(options.config.stateDir)
  // That answer needs no lease.
  refuseExisting(store, wanted)
  await using engine = await Engine.open(store, options)
  await engine.settleDeadAttempts(null)
  return await trigger(engine, wanted)
}

/** A run that is valid, before anything is written down. */
interface WantedRun {
  readonly options: TriggerOptions
  readonly runId: string
  readonly params: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  readonly plan: Plan
}

function wantedRun(options: TriggerOptions): WantedRun {
  const { dag, session, params } = options
  return { options, ...dag.resolve(session, params), plan: compilePlan(dag, options) }
}

async function trigger(engine: Engine, wanted: WantedRun): Promise<RunOutcome> {
  const { store } = engine
  const { runId, plan, options } = wanted
  const { config, session, trigger: origin = 'manual', parallelism = config.parallelism } = options
  const create = (): RunRecord =>
    store.change.transaction(() => {
      refuseExisting(store, wanted)
      const by = { trigger: origin, triggeredBy: userName() }
      // Before the run is there: a run without its secrets could not be run.
      const params = keepSecrets(store.stateDir, runId, wanted)
      store.change.createRun({ runId, session: session.text, params, ...by, plan, parallelism })
      return store.run(runId)
    })
  await engine.execute(plan, create, options)
  return outcomeOf(store, runId)
}

/**
 * Resumes a run that failed or was cancelled: what succeeded is kept, the rest runs again with the same params. A run whose scheduler has
 * died goes on where it is: what still lives is watched on, what has ended in between is judged by what it left.
 * @throws PipelineError: exit 3 when the run has succeeded, 4 when there is none, 5 while another scheduler works here
 */
export async function retryRun(runId: string, options: RetryOptions): Promise<RunOutcome> {
  const plan = options.dag === undefined ? null : compilePlan(options.dag, options)
  using store = openStore(options.config.stateDir)
  refuseNothingToDo(store, runId, plan, options)
  await using engine = await Engine.open(store, options)
  await engine.settleDeadAttempts(runId)
  return await retry(engine, runId, plan, options)
}

/** @param plan the definition as it is now; null: that of the attempt before */
async function retry(engine: Engine, runId: string, plan: Plan | null, options: RetryOptions): Promise<RunOutcome> {
  const { store } = engine
  const { isAutomatic = false } = options
  refuseNothingToDo(store, runId, plan, options)
  const work = { ...options, hopeless: isAutomatic ? hopelessness(store.events(runId)) : null }
  if (store.run(runId).state === 'running') {
    const triesBefore = new Map(store.tasks(runId).map((task) => [task.taskId, task.tries]))
    await engine.resume(store.run(runId), work)
    // What had failed before, or has died with its scheduler, is what the retry was asked for.
    const isOld = (task: TaskRecord): boolean => task.state === 'failed' && task.tries === triesBefore.get(task.taskId)
    const { state } = store.run(runId)
    const isDone = options.redo === undefined && (state !== 'failed' || !store.tasks(runId).some(isOld))
    if (state === 'cancelled' || isDone || isAutomatic) return outcomeOf(store, runId)
  }
  await engine.execute(plan ?? store.planOf(runId), () => nextAttempt(store, runId, plan, options), work)
  return outcomeOf(store, runId)
}

/** Runs any number of runs, one after the other or side by side, as the one scheduler of a state directory. */
export interface Leader {
  readonly store: Store
  trigger(options: TriggerOptions): Promise<RunOutcome>
  retry(runId: string, options: RetryOptions): Promise<RunOutcome>
}

/** @throws PipelineError (exit 5) while another scheduler works here */
export async function asLeader<Result>(settings: EngineSettings, lead: (leader: Leader) => Promise<Result>): Promise<Result> {
  using store = openStore(settings.config.stateDir)
  await using engine = await Engine.open(store, settings)
  await engine.settleDeadAttempts(null)
  return await lead({
    store,
    trigger: async (options) => trigger(engine, wantedRun(options)),
    retry: async (runId, options) =>
      retry(engine, runId, options.dag === undefined ? null : compilePlan(options.dag, options), options),
  })
}

function nextAttempt(store: Store, runId: string, plan: Plan | null, options: RetryOptions): RunRecord {
  const { config, parallelism = config.parallelism, redo } = options
  return store.change.transaction(() => {
    const run = store.run(runId)
    refuseNothingToDo(store, runId, plan, options)
    const previous = { plan: store.planOf(runId), tasks: store.tasks(runId) }
    const next = plan ?? previous.plan
    const again = [...promotionsToRedo(store, next, runId), ...(redo === undefined ? [] : [redo.taskId])]
    const carried = isStagingLost(config, next, runId) ? [] : carriedOver(next, previous, again)
    store.change.createAttempt({ runId, plan: next, parallelism, carried }, run)
    return store.run(runId)
  })
}

/** `dag gc` removes what failed runs had staged. Asked inside the transaction that makes the run running: from then on it stays. */
function isStagingLost({ lakeDir }: Config, { stages }: Plan, runId: string): boolean {
  return stages && !existsSync(currentDir(lakeDir, runId))
}

function outcomeOf(store: Store, runId: string): RunOutcome {
  const { state, reason, attempt } = store.run(runId)
  return { runId, state, reason, attempt, tasks: store.tasks(runId) }
}

function compilePlan(dag: Dag, { config, scriptsDir }: RunSettings): Plan {
  return compile(dag, { projectDir: config.projectDir, ...(scriptsDir === undefined ? {} : { scriptsDir }) })
}

/** The report may have put the pointer back after the promote task had succeeded: then its success is history. */
function promotionsToRedo(store: Store, plan: Plan, runId: string): readonly string[] {
  if (!store.isRolledBack(runId)) return []
  return plan.tasks.filter((task) => task.kind === 'promote').map((task) => task.id)
}

function refuseExisting(store: Store, { runId, options: { dag, session } }: WantedRun): void {
  const existing = store.findSession(dag.name, session.text) ?? store.findRun(runId)
  if (existing === null) return
  throw new PipelineError(`dag ${dag.name} has a run for session ${session.text} already: ${existing.runId}, ${existing.state}`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: existing.state === 'success' ? 'choose another session' : `\`dag retry ${existing.runId}\` resumes it`,
  })
}

/** A run that has succeeded is over, unless a task of it is to be done again. */
function refuseNothingToDo(store: Store, runId: string, plan: Plan | null, { redo }: RetryOptions): void {
  if (redo === undefined) refuseSuccess(store.run(runId))
  else refuseRedo(redo, plan ?? store.planOf(runId), store.tasks(runId))
}

/** What succeeded below a task was made from what is about to be made again. */
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

function refuseSuccess({ runId, state, attempt }: RunRecord): void {
  if (state !== 'success') return
  throw new PipelineError(`run ${runId} has succeeded in attempt ${attempt}: there is nothing to retry`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: 'trigger another session for a new run',
  })
}
