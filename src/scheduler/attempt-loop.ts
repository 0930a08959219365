/**
 * Runs one attempt to its end: reads the state, decides (advance.ts, limits.ts, try-end.ts), writes one transaction, then acts.
 * It sleeps until a child has ended, a retry is due, a place becomes free, or it is told to stop.
 */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { AttemptDisplay, type RunEvent } from './attempt-display.ts'
import { AttemptRecord, type Ending } from './attempt-record.ts'
import type { Places, Tenant } from './places.ts'
import { type Plan, type PlannedTask, taskNamed } from './plan-graph.ts'
import { filesOf, RunningTry } from './running-try.ts'
import { isDeferred } from './deferral.ts'
import { LeaseLostError, type RunRecord, type Store, type TaskRecord } from './store.ts'

export interface LoopOptions {
  /** Of the attempt, as the state has it. */
  readonly plan: Plan
  readonly config: Config
  readonly places: Places
  /** Between SIGTERM and SIGKILL of a task. */
  readonly graceMs: number
  readonly onEvent: (event: RunEvent) => void
  /** Told of what went wrong beside the run. */
  readonly log: (line: string) => void
  /** Stops the run; its reason is recorded. A LeaseLostError leaves run and children to the scheduler that has taken over. */
  readonly signal: AbortSignal
}

export class AttemptLoop implements Tenant {
  readonly plan: Plan
  readonly #store: Store
  readonly #run: RunRecord
  readonly #options: LoopOptions
  readonly #running = new Map<string, RunningTry>()
  readonly #record: AttemptRecord
  readonly #display: AttemptDisplay
  #wake = Promise.withResolvers<void>()
  /** Until the earliest wait for another try ends, null when there is none. At most {@link longestSleepMs}. */
  #nextRetryMs: number | null = null
  #ending: Ending | null = null
  #left: Error | null = null
  /** Why each of these tasks is to end. */
  readonly #unwanted = new Map<string, string>()

  constructor(store: Store, run: RunRecord, options: LoopOptions) {
    this.#store = store
    this.#run = run
    this.plan = options.plan
    this.#options = options
    this.#record = new AttemptRecord(store, run, options.plan)
    const { onEvent, log } = options
    this.#display = new AttemptDisplay(store, run, { running: () => this.#running.values(), onEvent, log })
  }

  /** Takes over the tries that a dead scheduler has left running: those alive are watched on, the others judged by what they left. */
  adopt(): void {
    const { runId, attempt } = this.#run
    const wasDeferred = isDeferred(this.#store.tasks(runId, attempt))
    this.#store.change.adoptAttempt(this.#run, wasDeferred ? 'the wait is over' : 'scheduler died')
    const tries = this.#store.tries(runId).filter((one) => one.attempt === attempt && one.state === 'running')
    for (const one of tries) {
      const task = taskNamed(this.plan, one.taskId)
      if (task === undefined) continue
      const running = new RunningTry({ runId, attempt, taskId: one.taskId, tryNumber: one.tryNumber }, task, one)
      running.adopt(one, { graceMs: this.#options.graceMs, now: this.#store.now() })
      this.#running.set(task.id, running)
      this.#watch(running)
    }
  }

  hasLivingChildren(): boolean {
    return [...this.#running.values()].some(({ child }) => child?.isAlive() === true)
  }

  /** Starts nothing any more: waits for what is running and then ends the attempt. */
  drain(ending: Ending): void {
    this.#ending ??= ending
    this.wake()
  }

  /** Stops watching and leaves everything as it is, for the scheduler that comes next; {@link run} throws `why`. */
  leave(why: Error): void {
    this.#left ??= why
    this.wake()
  }

  readonly wake = (): void => this.#wake.resolve()

  /** Resolves when the attempt has ended, whatever way, or when it is {@link isDeferred | deferred}. Leaves no process behind, even when it throws, unless it was told to leave. */
  async run(): Promise<void> {
    const { signal } = this.#options
    const stop = (): void => this.#stop(signal)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      while (!this.#step()) await this.#sleep()
    } catch (error) {
      if (error === this.#left || error instanceof LeaseLostError) this.#abandonChildren()
      else await this.#stopChildren(`the scheduler has failed: ${messageOf(error)}`)
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
      this.#display.close()
      this.#options.places.leave(this)
    }
  }

  /** Ends the run: what runs is stopped, what waits does not start. */
  cancel(reason: string): void {
    // Also of a run that only waits for its last processes: what a person has cancelled must not be resumed.
    if (this.#ending?.state !== 'cancelled') this.#ending = { state: 'cancelled', reason }
    for (const { child } of this.#running.values()) child?.stop({ kind: 'cancelled', text: reason })
    this.wake()
  }

  /** Ends one task, or keeps it from starting; those below it will not start. Nothing happens to one that has ended. */
  cancelTask(taskId: string, reason: string): void {
    this.#unwanted.set(taskId, reason)
    this.#running.get(taskId)?.child?.stop({ kind: 'cancelled', text: reason })
    this.wake()
  }

  /** @returns true when the attempt has ended, or nothing can happen in it before the end of a deferral */
  #step(): boolean {
    if (this.#left !== null) throw this.#left
    const waiting: RunningTry[] = []
    const ended = [...this.#running].filter(([, { outcome }]) => outcome !== null)
    try {
      const isOver = this.#store.change.transaction(() => {
        for (const [, running] of ended) this.#record.endTry(running)
        if (this.#ending !== null) return this.#endEarly(this.#ending)
        this.#record.cancelTasks(this.#unwanted)
        const tasks = this.#record.advance()
        this.#nextRetryMs = retryWaitMs([...tasks.values()], this.#store.now().getTime())
        if (this.#record.end(tasks)) return true
        this.#claim(tasks, waiting)
        return isDeferred([...tasks.values()])
      })
      for (const [id] of ended) this.#running.delete(id)
      for (const running of waiting) this.#begin(running)
      this.#display.showTransitions()
      return isOver
    } catch (error) {
      // Not on record: what waits to begin must not.
      for (const { task, child } of waiting) if (!this.#running.has(task.id)) child?.abandon()
      throw error
    }
  }

  /**
   * Makes queued tasks running, those that get a place. Their processes are there, and on record with the same transaction, before their
   * tasks begin: no task ever runs that nobody can find.
   * @param waiting takes the processes that wait to begin
   */
  #claim(tasks: ReadonlyMap<string, TaskRecord>, waiting: RunningTry[]): void {
    const queued = [...tasks.values()].filter((task) => task.state === 'queued')
    const wanted = queued.flatMap(({ taskId, queuedAt }) => {
      const task = taskNamed(this.plan, taskId)
      return task === undefined ? [] : [{ taskId, queuedAt, pool: task.pool, priority: task.priority }]
    })
    const granted = this.#options.places.claim(this, this.#held(), wanted)
    for (const record of queued) {
      const task = granted.has(record.taskId) ? taskNamed(this.plan, record.taskId) : undefined
      if (task === undefined) continue
      const running = this.#start(task, record)
      waiting.push(running)
      this.#record.startTry(running)
    }
  }

  #start(task: PlannedTask, { tries }: TaskRecord): RunningTry {
    const { runId, attempt } = this.#run
    const { stateDir } = this.#store
    const { config, graceMs } = this.#options
    const key = { runId, attempt, taskId: task.id, tryNumber: tries + 1 }
    const { logFile, resultFile } = filesOf(key)
    const running = new RunningTry(key, task, { logFile: join(stateDir, logFile), resultFile: join(stateDir, resultFile) })
    const deferredSince = tries === 0 ? null : this.#store.deferredSince({ runId, attempt, taskId: task.id })
    running.start({ config: { ...config, stateDir }, run: this.#run, deferredSince, graceMs })
    return running
  }

  #begin(running: RunningTry): void {
    this.#running.set(running.task.id, running)
    running.begin()
    this.#watch(running)
  }

  #watch(running: RunningTry): void {
    if (running.child === null) this.wake()
    else void running.child.ended().then((outcome) => this.#ended(running, outcome))
  }

  #ended(running: RunningTry, outcome: RunningTry['outcome']): void {
    running.outcome = outcome
    // The last report and the exit come together; a display should see both, in this order.
    this.#display.showProgress(running)
    this.wake()
  }

  #stop(signal: AbortSignal): void {
    if (signal.reason instanceof LeaseLostError) {
      this.leave(signal.reason)
      return
    }
    this.cancel(messageOf(signal.reason))
  }

  /** @returns true when no process is left and the attempt has been recorded as ended */
  #endEarly(ending: Ending): boolean {
    const held = this.#held()
    // Places that became free are for other runs.
    this.#options.places.claim(this, held, [])
    return held.size === 0 && this.#record.endEarly(ending)
  }

  async #sleep(): Promise<void> {
    const timer = this.#nextRetryMs === null ? undefined : setTimeout(this.wake, this.#nextRetryMs)
    await this.#wake.promise
    clearTimeout(timer)
    this.#wake = Promise.withResolvers()
  }

  /** Tasks whose processes live, by id. */
  #held(): ReadonlyMap<string, PlannedTask> {
    return new Map([...this.#running].filter(([, { outcome }]) => outcome === null).map(([id, { task }]) => [id, task]))
  }

  #abandonChildren(): void {
    for (const { child } of this.#running.values()) child?.abandon()
  }

  async #stopChildren(text: string): Promise<void> {
    const children = [...this.#running.values()].flatMap(({ child, outcome }) =>
      child === null || outcome !== null ? [] : [child],
    )
    for (const child of children) child.stop({ kind: 'cancelled', text })
    await Promise.all(children.map((child) => child.ended()))
  }
}

/** Clocks are set, machines sleep, and timers hold 24 days at most: the state is looked at again after so long. */
const longestSleepMs = 60_000

/** No longer than the wait was at its begin: clocks are set back. */
function retryWaitMs(tasks: readonly TaskRecord[], nowMs: number): number | null {
  const waits = tasks.flatMap(({ notBefore, endedAt }) => {
    if (notBefore === null) return []
    const until = new Date(notBefore).getTime()
    return [Math.min(until - nowMs, endedAt === null ? until - nowMs : until - new Date(endedAt).getTime())]
  })
  return waits.length === 0 ? null : Math.max(0, Math.min(longestSleepMs, ...waits))
}
