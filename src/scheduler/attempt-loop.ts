/**
 * Runs one attempt to its end: reads the state, decides (advance.ts, limits.ts, try-end.ts), writes one transaction, then acts.
 * It sleeps until a child has ended, a retry is due, a place becomes free, or it is told to stop.
 */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { advance, attemptEnd } from './advance.ts'
import type { Progress } from './context.ts'
import { LiveProgress } from './live-progress.ts'
import type { Places, Tenant } from './places.ts'
import { type Plan, type PlannedTask, taskNamed } from './plan-graph.ts'
import { filesOf, RunningTry } from './running-try.ts'
import { isFinal } from './states.ts'
import { type EventRecord, LeaseLostError, type RunRecord, type Store, type TaskRecord } from './store.ts'
import { endOfTry, type Past } from './try-end.ts'

/** What a live display shows. */
export type RunEvent =
  | { readonly kind: 'transition'; readonly event: EventRecord }
  | {
      readonly kind: 'progress'
      readonly runId: string
      readonly attempt: number
      readonly taskId: string
      readonly progress: Progress
    }

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

/** Why nothing new is started, and what the attempt then is. */
interface Ending {
  readonly state: 'cancelled' | 'failed'
  readonly reason: string
}

export class AttemptLoop implements Tenant {
  readonly plan: Plan
  readonly #store: Store
  readonly #run: RunRecord
  readonly #options: LoopOptions
  readonly #running = new Map<string, RunningTry>()
  readonly #live: LiveProgress
  #wake = Promise.withResolvers<void>()
  #lastEvent: number
  /** Until the earliest wait for another try ends, null when there is none. */
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
    // Events before that belong to earlier attempts.
    this.#lastEvent = store.lastBegin(run.runId) - 1
    this.#live = new LiveProgress(join(store.stateDir, 'results', run.runId, String(run.attempt)), (file) =>
      this.#showProgressIn(file),
    )
  }

  /** Takes over the tries that a dead scheduler has left running: those alive are watched on, the others judged by what they left. */
  adopt(): void {
    const { runId, attempt } = this.#run
    this.#store.change.adoptAttempt(this.#run)
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

  /** Resolves when the attempt has ended, whatever way. Leaves no process behind, even when it throws, unless it was told to leave. */
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
      this.#live.close()
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

  /** @returns true when the attempt has ended */
  #step(): boolean {
    if (this.#left !== null) throw this.#left
    const waiting: RunningTry[] = []
    const ended = [...this.#running].filter(([, { outcome }]) => outcome !== null)
    try {
      const isOver = this.#store.change.transaction(() => {
        for (const [, running] of ended) this.#recordEnd(running)
        if (this.#ending !== null) return this.#endEarly(this.#ending)
        this.#cancelUnwanted()
        const tasks = this.#advance()
        if (this.#recordAttemptEnd(tasks)) return true
        this.#claim(tasks, waiting)
        return false
      })
      for (const [id] of ended) this.#running.delete(id)
      for (const running of waiting) this.#begin(running)
      this.#emitTransitions()
      return isOver
    } catch (error) {
      // Not on record: what waits to begin must not.
      for (const { task, child } of waiting) if (!this.#running.has(task.id)) child?.abandon()
      throw error
    }
  }

  /** A running one is cancelled by the end of its process. */
  #cancelUnwanted(): void {
    if (this.#unwanted.size === 0) return
    for (const { runId, attempt, taskId, state } of this.#tasks().values()) {
      const reason = this.#unwanted.get(taskId)
      if (reason === undefined || state === 'running' || isFinal(state)) continue
      this.#store.change.changeTask({ runId, attempt, taskId }, state, { state: 'cancelled', reason })
    }
  }

  /** @returns the tasks after the changes */
  #advance(): ReadonlyMap<string, TaskRecord> {
    const { runId, attempt, params } = this.#run
    const tasks = this.#tasks()
    const changes = advance(this.plan, tasks, { params, now: this.#store.now() })
    for (const [taskId, change] of changes) {
      this.#store.change.changeTask({ runId, attempt, taskId }, tasks.get(taskId)?.state ?? 'waiting', change)
    }
    const after = changes.size === 0 ? tasks : this.#tasks()
    this.#nextRetryMs = retryWaitMs([...after.values()], this.#store.now().getTime())
    return after
  }

  #recordAttemptEnd(tasks: ReadonlyMap<string, TaskRecord>): boolean {
    const end = attemptEnd(tasks)
    if (end !== null) this.#store.change.endAttempt(this.#run, end.state, end.reason)
    return end !== null
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
      this.#recordStart(running)
    }
  }

  #start(task: PlannedTask, { tries }: TaskRecord): RunningTry {
    const { runId, attempt } = this.#run
    const { stateDir } = this.#store
    const { config, graceMs } = this.#options
    const key = { runId, attempt, taskId: task.id, tryNumber: tries + 1 }
    const { logFile, resultFile } = filesOf(key)
    const running = new RunningTry(key, task, { logFile: join(stateDir, logFile), resultFile: join(stateDir, resultFile) })
    running.start({ config: { ...config, stateDir }, run: this.#run, graceMs })
    return running
  }

  #recordStart({ key, task, child }: RunningTry): void {
    const { pid, pidStarted = null } = child ?? {}
    const deadline = task.timeoutMs === null ? null : new Date(this.#store.now().getTime() + task.timeoutMs)
    this.#store.change.startTry(key, { files: filesOf(key), deadline, process: pid === undefined ? null : { pid, pidStarted } })
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
    this.#showProgress(running)
    this.wake()
  }

  #recordEnd({ key, task, results, outcome }: RunningTry): void {
    if (outcome === null) return
    const ended = { key, outcome, report: results.read(), past: this.#pastOf(task.id) }
    this.#store.change.endTry(key, endOfTry(task, ended, this.#store.now()))
  }

  #pastOf(taskId: string): Past {
    const { runId, attempt } = this.#run
    const failed = this.#store.failedTries({ runId, attempt, taskId })
    const losses = failed.filter((one) => one.exitCode === null && one.signal === null).length
    return { failures: failed.length - losses, losses }
  }

  #stop(signal: AbortSignal): void {
    if (signal.reason instanceof LeaseLostError) {
      this.leave(signal.reason)
      return
    }
    this.cancel(messageOf(signal.reason))
  }

  /** @returns true when no process is left and the attempt has been recorded as ended */
  #endEarly({ state, reason }: Ending): boolean {
    const held = this.#held()
    // Places that became free are for other runs.
    this.#options.places.claim(this, held, [])
    if (held.size > 0) return false
    const { runId, attempt } = this.#run
    for (const task of this.#tasks().values()) {
      if (isFinal(task.state)) continue
      this.#store.change.changeTask({ runId, attempt, taskId: task.taskId }, task.state, { state: 'cancelled', reason })
    }
    const tasks = this.#tasks()
    // Everything may have ended by itself before it could be stopped.
    if (![...tasks.values()].some((task) => task.state === 'cancelled')) return this.#recordAttemptEnd(tasks)
    this.#store.change.endAttempt(this.#run, state, reason)
    return true
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

  #tasks(): ReadonlyMap<string, TaskRecord> {
    return new Map(this.#store.tasks(this.#run.runId, this.#run.attempt).map((task) => [task.taskId, task]))
  }

  /** The log of transitions is also what a display sees: nothing is shown that is not committed. */
  #emitTransitions(): void {
    for (const event of this.#store.events(this.#run.runId, this.#lastEvent)) {
      this.#lastEvent = event.id
      this.#options.onEvent({ kind: 'transition', event })
    }
  }

  #showProgressIn(file: string): void {
    const running = [...this.#running.values()].find(({ key }) => file === `${key.taskId}.${key.tryNumber}.jsonl`)
    if (running !== undefined) this.#showProgress(running)
  }

  /** Only a display depends on it: what counts is read once more when the end of the try is recorded. */
  #showProgress(running: RunningTry): void {
    const { runId, attempt, taskId } = running.key
    try {
      const { progress } = running.results.read()
      if (progress === null || progress === running.shown) return
      running.shown = progress
      this.#options.onEvent({ kind: 'progress', runId, attempt, taskId, progress })
    } catch (error) {
      this.#options.log(`progress of task ${taskId} of run ${runId}: ${messageOf(error)}`)
    }
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

/** No longer than the wait was at its begin: clocks are set back. */
function retryWaitMs(tasks: readonly TaskRecord[], nowMs: number): number | null {
  const waits = tasks.flatMap(({ notBefore, endedAt }) => {
    if (notBefore === null) return []
    const until = new Date(notBefore).getTime()
    return [Math.min(until - nowMs, endedAt === null ? until - nowMs : until - new Date(endedAt).getTime())]
  })
  return waits.length === 0 ? null : Math.max(0, Math.min(...waits))
}
