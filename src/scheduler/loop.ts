/** Life of a run: triggered once, resumed as often as needed. */
import { directoriesOf } from './binding.ts'
import { changedParams } from './changed-params.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { userName } from '../process-identity.ts'
import type { Dag } from './dag.ts'
import { type Deferral, deferralOf, isDeferred } from './deferral.ts'
import { Engine, type EngineSettings, type Watch } from './engine.ts'
import { type Ask, keptTasks, nextAttempt, type Redo } from './next-attempt.ts'
import { type Outdated, outdatedInputs } from './outdated-inputs.ts'
import { compile, type Plan } from './plan.ts'
import { hopelessness } from './resumption.ts'
import { keepSecrets, withSecrets } from './secrets.ts'
import { type SeenRun, seenRun } from './seen-state.ts'
import type { Session } from './session.ts'
import type { RunState } from './states.ts'
import { openStore, type RunRecord, type Store, type TaskRecord, type Trigger } from './store.ts'

export type { Redo } from './next-attempt.ts'
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
  /** Of the definition, only the params count: the plan stays that of the attempt before. Default false. */
  readonly keepPlan?: boolean
  /** New values, with the definition. Default: those of the run. */
  readonly params?: Readonly<Record<string, string>>
  /** This task runs again although it has succeeded. */
  readonly redo?: Redo
  /** It goes on in the lake and with the raw directory of the settings, whatever it began with. Default false. */
  readonly rebind?: boolean
  /** Nobody has asked for it: then a run that was resumed in vain too often ends `failed` instead. Default false. */
  readonly isAutomatic?: boolean
}

export interface RunOutcome {
  readonly runId: string
  readonly state: RunState
  readonly reason: string | null
  readonly attempt: number
  readonly tasks: readonly TaskRecord[]
  /** What the run waits for, without a scheduler; null when it has ended. */
  readonly deferral: Deferral | null
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
      const { lakeDir, rawDir } = config
      store.change.createRun({ runId, session: session.text, params, ...by, plan, parallelism, lakeDir, rawDir })
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
  const plan = planAsked(options)
  using store = openStore(options.config.stateDir)
  refuse(store, runId, plan, bound(store, runId, options))
  await using engine = await Engine.open(store, options)
  await engine.settleDeadAttempts(runId)
  return await retry(engine, runId, plan, options)
}

/** @param plan the definition as it is now; null: that of the attempt before */
async function retry(engine: Engine, runId: string, plan: Plan | null, given: RetryOptions): Promise<RunOutcome> {
  const { store } = engine
  const options = bound(store, runId, given)
  const { isAutomatic = false } = options
  refuse(store, runId, plan, options)
  const outdated = await outdatedTasks(store, runId, plan, options)
  // Whoever asks for more than a resumption means the attempt that follows.
  const isPlain = plan === null && options.redo === undefined && options.params === undefined && outdated.size === 0
  store.change.bindRun(runId, options.config)
  const work = { ...options, hopeless: isAutomatic ? hopelessness(store.events(runId)) : null }
  const wasDeferred = store.run(runId).state === 'running' && isDeferred(store.tasks(runId))
  if (store.run(runId).state === 'running' && !isPlain) await engine.settle(runId, wasDeferred ? replaced : undefined)
  if (store.run(runId).state === 'running') {
    const triesBefore = new Map(store.tasks(runId).map((task) => [task.taskId, task.tries]))
    // Whoever asks for it does not want to wait any longer.
    if (wasDeferred && !isAutomatic) store.change.wakeDeferred(store.run(runId), null, userName())
    await engine.resume(store.run(runId), work)
    // What had failed before, or has died with its scheduler, is what the retry was asked for.
    const isOld = (task: TaskRecord): boolean => task.state === 'failed' && task.tries === triesBefore.get(task.taskId)
    const { state } = store.run(runId)
    const isDone = state !== 'failed' || !store.tasks(runId).some(isOld)
    if (state === 'cancelled' || isDone || isAutomatic) return outcomeOf(store, runId)
  }
  await engine.execute(
    plan ?? store.planOf(runId),
    () => begin(store, runId, { ...askOf(store, runId, plan, options), outdated }, options),
    work,
  )
  return outcomeOf(store, runId)
}

const replaced = { state: 'failed', reason: 'a new attempt was asked for while it waited' } as const

/** Ends a run that is deferred: no scheduler would hear of a request. @throws PipelineError (exit 5) while another scheduler works here */
export async function cancelDeferred(runId: string, reason: string, settings: EngineSettings): Promise<void> {
  using store = openStore(settings.config.stateDir)
  await using engine = await Engine.open(store, settings)
  await engine.settle(runId, { state: 'cancelled', reason })
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
    retry: async (runId, options) => retry(engine, runId, planAsked(options), options),
  })
}

function planAsked(options: RetryOptions): Plan | null {
  const { dag, keepPlan = false } = options
  return dag === undefined || keepPlan ? null : compilePlan(dag, options)
}

function begin(store: Store, runId: string, ask: Ask, { config, parallelism = config.parallelism }: RetryOptions): RunRecord {
  return store.change.transaction(() => {
    const { params, ...attempt } = nextAttempt(store, runId, ask)
    // As with a new run: the secrets are kept before anything says that there are some.
    const changed = params === null ? null : { ...params, params: keepSecrets(store.stateDir, runId, params) }
    store.change.createAttempt({ runId, parallelism, ...attempt, changedParams: changed }, store.run(runId))
    return store.run(runId)
  })
}

function askOf(store: Store, runId: string, plan: Plan | null, options: RetryOptions): Ask {
  const { config, redo = null, dag, params: given } = options
  const run = store.run(runId)
  const params =
    dag === undefined || given === undefined
      ? null
      : changedParams(dag, withSecrets(store.stateDir, run), plan ?? store.planOf(runId), given)
  return { lakeDir: config.lakeDir, plan, redo, params, outdated: new Map() }
}

/** Says which tasks run again since their input has changed. */
async function outdatedTasks(store: Store, runId: string, plan: Plan | null, options: RetryOptions): Promise<Outdated> {
  const { log = (line) => process.stderr.write(`${line}\n`) } = options
  const { tasks } = plan ?? store.planOf(runId)
  const ask = askOf(store, runId, plan, options)
  const outdated = await outdatedInputs({ rawDir: options.config.rawDir, tasks }, (more) => keptTasks(store, runId, ask, more))
  for (const [taskId, why] of outdated) log(`${taskId} runs again: ${why}`)
  return outdated
}

/** With the directories of the run in place of those of the settings. @throws PipelineError (exit 3) when the environment names others */
function bound(store: Store, runId: string, options: RetryOptions): RetryOptions {
  const { config, rebind = false } = options
  return rebind ? options : { ...options, config: { ...config, ...directoriesOf(store.run(runId), config) } }
}

/** Refuses what can be refused before the lease is asked for and anything is written. A plain resumption of a running run always may. */
function refuse(store: Store, runId: string, plan: Plan | null, options: RetryOptions): void {
  const isPlain = options.redo === undefined && options.params === undefined
  if (store.run(runId).state !== 'running' || !isPlain) nextAttempt(store, runId, askOf(store, runId, plan, options))
}

/** A run as the state has it. */
export function outcomeOf(store: Store, runId: string): RunOutcome {
  const { state, reason, attempt } = store.run(runId)
  const tasks = store.tasks(runId)
  return { runId, state, reason, attempt, tasks, deferral: state === 'running' ? deferralOf(tasks) : null }
}

function compilePlan(dag: Dag, { config, scriptsDir }: RunSettings): Plan {
  return compile(dag, { projectDir: config.projectDir, ...(scriptsDir === undefined ? {} : { scriptsDir }) })
}

function refuseExisting(store: Store, { runId, options: { dag, session } }: WantedRun): void {
  const found = store.findSession(dag.name, session.text) ?? store.findRun(runId)
  if (found === null) return
  const existing = seenRun(store, found)
  throw new PipelineError(`dag ${dag.name} has a run for session ${session.text} already: ${existing.runId}, ${existing.state}`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: hintOn(existing),
  })
}

function hintOn({ runId, state }: SeenRun): string {
  if (state === 'success') return 'choose another session'
  return state === 'running'
    ? `\`dag status ${runId} --watch\` follows it, \`dag cancel ${runId}\` stops it`
    : `\`dag retry ${runId}\` resumes it`
}
