/** Runs of one process under one lease: they share its places, and what a dead scheduler has left is taken over first. */
import type { Config } from '../config.ts'
import { PipelineError } from '../errors.ts'
import type { RunEvent } from './attempt-display.ts'
import { AttemptLoop } from './attempt-loop.ts'
import type { Ending } from './attempt-record.ts'
import { isDeferred } from './deferral.ts'
import { acquireLease, type Lease, type LeaseTimes } from './lease.ts'
import { admitted } from './limits.ts'
import { Places } from './places.ts'
import type { Plan } from './plan-graph.ts'
import { RequestWatch } from './requests.ts'
import { withSecrets } from './secrets.ts'
import type { RunRecord, Store } from './store.ts'

/** Between SIGTERM and SIGKILL: a stop, with all that is written down after it, takes less than 5 s. */
const standardGraceMs = 4_000

export interface EngineSettings {
  readonly config: Config
  /** How many tasks run at once. Default: the configuration's. */
  readonly parallelism?: number
  /** Between SIGTERM and SIGKILL of a task. Default 4 s. */
  readonly graceMs?: number
  readonly leaseTimes?: LeaseTimes
  /** Told of what went wrong beside the runs and is tried again. Default: stderr. */
  readonly log?: (line: string) => void
}

const schedulerDied: Ending = { state: 'failed', reason: 'scheduler died' }

/** How one run is watched and stopped. */
export interface Watch {
  /** Every committed transition and every progress report, for a live display. */
  readonly onEvent?: (event: RunEvent) => void
  /** Stops the tasks and records the run as cancelled, with the signal's reason; `dag retry` resumes it. */
  readonly signal?: AbortSignal
}

/** What is done with one run. */
export interface Work extends Watch {
  /** Why nothing more is to be started in it: it ends `failed` with this reason, unless a process of it still lives. */
  readonly hopeless?: string | null
}

interface Waiting {
  readonly plan: Plan
  readonly begin: () => void
}

/** Open one with {@link Engine.open}; closing it leaves nothing running that it has started. */
export class Engine implements AsyncDisposable {
  readonly store: Store
  readonly #lease: Lease
  readonly #settings: EngineSettings
  readonly #places: Places
  readonly #log: (line: string) => void
  readonly #active = new Map<AttemptLoop, { readonly dagId: string; readonly done: Promise<void> }>()
  #waiting: readonly Waiting[] = []

  /** @throws PipelineError (exit 5) while another scheduler is at work on this state */
  static async open(store: Store, settings: EngineSettings): Promise<Engine> {
    return new Engine(store, await acquireLease(store, settings.leaseTimes), settings)
  }

  constructor(store: Store, lease: Lease, settings: EngineSettings) {
    this.store = store
    this.#lease = lease
    this.#settings = settings
    this.#log = settings.log ?? ((line) => process.stderr.write(`${line}\n`))
    this.#places = new Places(settings.parallelism ?? settings.config.parallelism, store.now)
  }

  /**
   * Settles what a dead scheduler has left. Its attempts end `failed` as soon as those of their processes that live have ended, whose
   * results count; nothing new is started in them.
   * @param but this run is left alone: it will be gone on with
   */
  async settleDeadAttempts(but: string | null): Promise<void> {
    for (const { runId } of this.store.runningAttempts()) {
      // One that waits for a time needs no scheduler meanwhile.
      if (runId === but || isDeferred(this.store.tasks(runId))) continue
      const { done, isAlive } = this.#settle(runId)
      if (!isAlive) await done
      // Those alive end while we work. If that cannot be written down, the run that is asked for meets the same.
      else done.catch(() => {})
    }
  }

  /** The same for one run; waits until its processes have ended. */
  async settle(runId: string, ending: Ending = schedulerDied): Promise<void> {
    await this.#settle(runId, ending).done
  }

  #settle(runId: string, ending = schedulerDied): { readonly done: Promise<void>; readonly isAlive: boolean } {
    const run = this.store.run(runId)
    // Nothing is started in it: it does without its secrets.
    const loop = this.#loop(run, this.store.planOf(runId), {})
    loop.adopt()
    loop.drain(ending)
    return { done: this.#track(loop, run), isAlive: loop.hasLivingChildren() }
  }

  /**
   * Executes an attempt to its end, as soon as its dag may have another active run.
   * @param prepare creates the attempt in the state; called when it may begin
   * @returns the run's id
   * @throws PipelineError (exit 2) when the run has ended since its secrets cannot be had
   */
  async execute(plan: Plan, prepare: () => RunRecord, work: Work): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const begin = (): void => {
      try {
        const run = prepare()
        this.#carryOut(run, plan, work).then(() => resolve(run.runId), reject)
      } catch (error) {
        reject(error)
      }
    }
    const waiting = { plan, begin }
    work.signal?.addEventListener('abort', () => {
      if (!this.#waiting.includes(waiting)) return
      this.#waiting = this.#waiting.filter((one) => one !== waiting)
      reject(work.signal?.reason)
    })
    this.#waiting = [...this.#waiting, waiting]
    this.#admit()
    return promise
  }

  /** Goes on with an attempt whose scheduler has died, to its end. @throws PipelineError as {@link execute} */
  resume(run: RunRecord, work: Work): Promise<void> {
    return this.#carryOut(run, this.store.planOf(run.runId), { ...work, isAdopted: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = new Error('the command that watched it has ended')
    for (const loop of this.#active.keys()) loop.leave(closing)
    await Promise.allSettled([...this.#active.values()].map(({ done }) => done))
    this.#lease[Symbol.dispose]()
  }

  /** One that cannot be gone on with concerns nobody else: it ends, and tells why. */
  async #carryOut(run: RunRecord, plan: Plan, work: Work & { readonly isAdopted?: boolean }): Promise<void> {
    const { equipped, lack } = equip(this.store.stateDir, run)
    const loop = this.#loop(equipped, plan, work)
    if (work.isAdopted === true) loop.adopt()
    const hopeless = loop.hasLivingChildren() ? null : (work.hopeless ?? null)
    const reason = lack?.message ?? hopeless
    if (reason !== null) loop.drain({ state: 'failed', reason })
    await this.#track(loop, run)
    if (lack !== null && this.store.run(run.runId).state !== 'success') throw lack
  }

  #loop(run: RunRecord, plan: Plan, { onEvent = () => {}, signal }: Watch): AttemptLoop {
    const { graceMs = standardGraceMs } = this.#settings
    const { config: settings } = this.#settings
    const config = { ...settings, lakeDir: run.lakeDir ?? settings.lakeDir, rawDir: run.rawDir ?? settings.rawDir }
    const signals = signal === undefined ? this.#lease.lost : AbortSignal.any([signal, this.#lease.lost])
    return new AttemptLoop(this.store, run, {
      plan,
      config,
      places: this.#places,
      graceMs,
      onEvent,
      log: this.#log,
      signal: signals,
    })
  }

  #track(loop: AttemptLoop, run: RunRecord): Promise<void> {
    const requests = new RequestWatch(this.store, run, {
      cancelRun: (reason) => loop.cancel(reason),
      cancelTask: (taskId, reason) => loop.cancelTask(taskId, reason),
      wake: loop.wake,
      log: this.#log,
    })
    const done = loop.run().finally(() => {
      this.#active.delete(loop)
      this.#admit()
      requests[Symbol.dispose]()
    })
    this.#active.set(loop, { dagId: run.dagId, done })
    return done
  }

  #admit(): void {
    for (const dagId of new Set(this.#waiting.map(({ plan }) => plan.dagId))) {
      const waiting = this.#waiting.filter(({ plan }) => plan.dagId === dagId)
      const active = [...this.#active.values()].filter((one) => one.dagId === dagId).length
      const first = waiting.slice(0, admitted(waiting.length, active, waiting[0]?.plan.maxActiveRuns ?? null))
      this.#waiting = this.#waiting.filter((one) => !first.includes(one))
      for (const { begin } of first) begin()
    }
  }
}

/** A run with what its tasks need to know, or why it cannot be had. */
function equip(stateDir: string, run: RunRecord): { readonly equipped: RunRecord; readonly lack: PipelineError | null } {
  try {
    return { equipped: withSecrets(stateDir, run), lack: null }
  } catch (error) {
    if (error instanceof PipelineError) return { equipped: run, lack: error }
    throw error
  }
}
