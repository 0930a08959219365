/** Life of a run: triggered once, resumed as often as needed. */
import { userInfo } from 'node:os'
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { AttemptLoop, type LoopOptions, type RunEvent } from './attempt-loop.ts'
import { carriedOver } from './carry.ts'
import type { Dag } from './dag.ts'
import { acquireLease } from './lease.ts'
import { suggest } from './nearest.ts'
import { compile, type Plan } from './plan.ts'
import { taskNamed, transitiveUpstream } from './plan-graph.ts'
import { RequestWatch } from './requests.ts'
import { keepSecrets, withSecrets } from './secrets.ts'
import type { Session } from './session.ts'
import { settleDeadAttempts } from './settle.ts'
import type { RunState } from './states.ts'
import { openStore, type RunRecord, type Store, type TaskRecord, type Trigger } from './store.ts'

export type { RunEvent } from './attempt-loop.ts'

export interface RunSettings {
  readonly config: Config
  /** How many tasks run at once. Default: the configuration's. */
  readonly parallelism?: number
  /** Every committed transition and every progress report, for a live display. */
  readonly onEvent?: (event: RunEvent) => void
  /** Stops the tasks and records the run as cancelled, with the signal's reason; `dag retry` resumes it. */
  readonly signal?: AbortSignal
  /** Between SIGTERM and SIGKILL of a task. Default 10 s. */
  readonly graceMs?: number
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
  return withLease(options, triggering(options))
}

/** What is to be run: asked first whether it may be, then made a run or an attempt of the state. */
interface Work {
  /** Throws when there is nothing to do; that answer needs no lease. */
  readonly refuse: (store: Store) => void
  readonly prepare: (store: Store) => RunRecord
}

function triggering(options: TriggerOptions): Work {
  const { dag, session, config, trigger = 'manual', parallelism = config.parallelism } = options
  const { runId, params, secrets } = dag.resolve(session, options.params)
  const plan = compilePlan(dag, options)
  const refuse = (store: Store): void => refuseExisting(store, dag.name, session, runId)
  const prepare = (store: Store): RunRecord => {
    store.change.transaction(() => {
      refuse(store)
      // Before the run is there: a run without its secrets could not be run.
      const shown = keepSecrets(store.stateDir, runId, { params, secrets })
      store.change.createRun({
        runId,
        session: session.text,
        params: shown,
        trigger,
        triggeredBy: userInfo().username,
        plan,
        parallelism,
      })
    })
    return store.run(runId)
  }
  return { refuse, prepare }
}

/**
 * Resumes a run that failed or was cancelled: what succeeded is kept, the rest runs again with the same params.
 * @throws PipelineError: exit 3 when the run has succeeded, 4 when there is none, 5 while another scheduler works here
 */
export async function retryRun(runId: string, options: RetryOptions): Promise<RunOutcome> {
  return withLease(options, retrying(runId, options))
}

function retrying(runId: string, options: RetryOptions): Work {
  const { dag, redo, config, parallelism = config.parallelism } = options
  const plan = dag === undefined ? null : compilePlan(dag, options)
  const refuse = (store: Store): void => {
    if (redo === undefined) refuseSuccess(store.run(runId))
    else refuseRedo(redo, plan ?? store.planOf(runId), store.tasks(runId))
  }
  const prepare = (store: Store): RunRecord => {
    store.change.transaction(() => {
      refuse(store)
      const run = store.run(runId)
      const previous = { plan: store.planOf(runId), tasks: store.tasks(runId) }
      const next = plan ?? previous.plan
      const carried = carriedOver(next, previous, [
        ...promotionsToRedo(store, next, runId),
        ...(redo === undefined ? [] : [redo.taskId]),
      ])
      store.change.createAttempt({ runId, plan: next, parallelism, carried }, run)
    })
    return store.run(runId)
  }
  return { refuse, prepare }
}

async function withLease(options: RunSettings, work: Work): Promise<RunOutcome> {
  return leading(options.config, (leader) => leader.execute(options, work), work.refuse)
}

/** Runs any number of runs, one after the other or side by side, as the one scheduler of a state directory. */
export interface Leader {
  readonly store: Store
  trigger(options: TriggerOptions): Promise<RunOutcome>
  retry(runId: string, options: RetryOptions): Promise<RunOutcome>
}

/** @throws PipelineError (exit 5) while another scheduler works here */
export async function asLeader<Result>(config: Config, lead: (leader: Leader) => Promise<Result>): Promise<Result> {
  return leading(config, ({ store, execute }) =>
    lead({
      store,
      trigger: (options) => execute(options, triggering(options)),
      retry: (runId, options) => execute(options, retrying(runId, options)),
    }),
  )
}

interface Lead {
  readonly store: Store
  readonly execute: (options: RunSettings, work: Work) => Promise<RunOutcome>
}

async function leading<Result>(
  config: Config,
  lead: (leader: Lead) => Promise<Result>,
  refuse: (store: Store) => void = () => {},
): Promise<Result> {
  using store = openStore(config.stateDir)
  refuse(store)
  using lease = acquireLease(store)
  await settleDeadAttempts(store)
  return await lead({ store, execute: (options, work) => execute(store, work.prepare(store), loopOptions(options, lease.lost)) })
}

async function execute(store: Store, run: RunRecord, options: LoopOptions): Promise<RunOutcome> {
  const cancelled = new AbortController()
  const loop = new AttemptLoop(store, withSecrets(store.stateDir, run), {
    ...options,
    signal: AbortSignal.any([options.signal, cancelled.signal]),
  })
  {
    using _requests = new RequestWatch(store, run, {
      cancelRun: (reason) => cancelled.abort(new PipelineError(reason)),
      cancelTask: (taskId, reason) => loop.cancelTask(taskId, reason),
    })
    await loop.run()
  }
  const { runId, state, reason, attempt } = store.run(run.runId)
  return { runId, state, reason, attempt, tasks: store.tasks(runId) }
}

function loopOptions(
  { config, parallelism = config.parallelism, onEvent, signal, graceMs = 10_000 }: RunSettings,
  lost: AbortSignal,
): LoopOptions {
  return {
    config,
    parallelism,
    graceMs,
    onEvent: onEvent ?? (() => {}),
    signal: signal === undefined ? lost : AbortSignal.any([signal, lost]),
  }
}

function compilePlan(dag: Dag, { config, scriptsDir }: RunSettings): Plan {
  return compile(dag, { projectDir: config.projectDir, ...(scriptsDir === undefined ? {} : { scriptsDir }) })
}

/** The report may have put the pointer back after the promote task had succeeded: then its success is history. */
function promotionsToRedo(store: Store, plan: Plan, runId: string): readonly string[] {
  if (!store.isRolledBack(runId)) return []
  return plan.tasks.filter((task) => task.kind === 'promote').map((task) => task.id)
}

function refuseExisting(store: Store, dagId: string, session: Session, runId: string): void {
  const existing = store.findSession(dagId, session.text) ?? store.findRun(runId)
  if (existing === null) return
  throw new PipelineError(`dag ${dagId} has a run for session ${session.text} already: ${existing.runId}, ${existing.state}`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: existing.state === 'success' ? 'choose another session' : `\`dag retry ${existing.runId}\` resumes it`,
  })
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
