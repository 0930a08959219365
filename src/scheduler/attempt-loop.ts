/**
 * Runs one attempt to its end: reads the state, decides (advance.ts, try-end.ts), writes one transaction, then acts.
 * It sleeps until a child has exited, a retry is due, or it is told to stop.
 */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { advance, attemptEnd } from './advance.ts'
import { Child, childEnvironment, type Outcome } from './child.ts'
import type { Progress } from './context.ts'
import { LiveProgress } from './live-progress.ts'
import { type Plan, type PlannedTask, taskNamed } from './plan-graph.ts'
import { ResultFile } from './result-file.ts'
import { isFinal } from './states.ts'
import type { EventRecord, RunRecord, Store, TaskRecord, TryKey } from './store.ts'
import { endOfTry } from './try-end.ts'

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
  readonly config: Config
  readonly parallelism: number
  /** Between SIGTERM and SIGKILL of a task. */
  readonly graceMs: number
  readonly onEvent: (event: RunEvent) => void
  /** Stops the run; its reason is recorded. */
  readonly signal: AbortSignal
}

/** A try that has been started and has not been recorded as ended. */
interface Running {
  readonly key: TryKey
  readonly task: PlannedTask
  readonly results: ResultFile
  child: Child | null
  outcome: Outcome | null
  /** The progress that was reported last. */
  shown: Progress | null
}

export class AttemptLoop {
  readonly #store: Store
  readonly #run: RunRecord
  readonly #plan: Plan
  readonly #options: LoopOptions
  readonly #running = new Map<string, Running>()
  readonly #live: LiveProgress
  #wake = Promise.withResolvers<void>()
  #lastEvent: number
  #stopReason: string | null = null
  /** Why each of these tasks is to end. */
  readonly #unwanted = new Map<string, string>()

  constructor(store: Store, run: RunRecord, options: LoopOptions) {
    this.#store = store
    this.#run = run
    this.#plan = store.planOf(run.runId)
    this.#options = options
    this.#lastEvent = lastEventBefore(store, run)
    this.#live = new LiveProgress(join(store.stateDir, 'results', run.runId, String(run.attempt)), (file) =>
      this.#showProgressIn(file),
    )
  }

  /** Resolves when the attempt has ended, whatever way. Leaves no process behind, even when it throws. */
  async run(): Promise<void> {
    const { signal } = this.#options
    const stop = (): void => this.#stop(signal)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      while (!this.#step()) await this.#sleep()
    } finally {
      signal.removeEventListener('abort', stop)
      this.#live.close()
      await this.#stopChildren('the scheduler has failed')
    }
  }

  /** Ends one task, or keeps it from starting; those below it will not start. Nothing happens to one that has ended. */
  cancelTask(taskId: string, reason: string): void {
    this.#unwanted.set(taskId, reason)
    this.#running.get(taskId)?.child?.stop({ kind: 'cancelled', text: reason })
    this.#wake.resolve()
  }

  /** @returns true when the attempt has ended */
  #step(): boolean {
    const started: Running[] = []
    const ended = this.#store.change.transaction(() => {
      for (const running of this.#running.values()) this.#recordEnd(running)
      if (this.#stopReason !== null) return this.#cancelRest(this.#stopReason)
      this.#cancelUnwanted()
      this.#advance()
      if (this.#recordAttemptEnd()) return true
      started.push(...this.#claim())
      return false
    })
    for (const [id, { outcome }] of this.#running) if (outcome !== null) this.#running.delete(id)
    for (const running of started) this.#spawn(running)
    this.#emitTransitions()
    return ended
  }

  /** A running one is cancelled by the end of its process. */
  #cancelUnwanted(): void {
    for (const { runId, attempt, taskId, state } of this.#tasks().values()) {
      const reason = this.#unwanted.get(taskId)
      if (reason === undefined || state === 'running' || isFinal(state)) continue
      this.#store.change.changeTask({ runId, attempt, taskId }, state, { state: 'cancelled', reason })
    }
  }

  #advance(): void {
    const { runId, attempt, params } = this.#run
    const tasks = this.#tasks()
    for (const [taskId, change] of advance(this.#plan, tasks, { params, now: this.#store.now() })) {
      this.#store.change.changeTask({ runId, attempt, taskId }, tasks.get(taskId)?.state ?? 'waiting', change)
    }
  }

  #recordAttemptEnd(): boolean {
    const end = attemptEnd(this.#tasks())
    if (end !== null) this.#store.change.endAttempt(this.#run, end.state, end.reason)
    return end !== null
  }

  /** Makes queued tasks running, as many as there are free places. */
  #claim(): Running[] {
    const queued = [...this.#tasks().values()].filter((task) => task.state === 'queued')
    const places = this.#options.parallelism - [...this.#running.values()].filter((one) => one.outcome === null).length
    return queued.slice(0, Math.max(0, places)).flatMap((task) => {
      const planned = taskNamed(this.#plan, task.taskId)
      return planned === undefined ? [] : [this.#startTry(planned, task)]
    })
  }

  #startTry(task: PlannedTask, record: TaskRecord): Running {
    const { runId, attempt } = this.#run
    const key = { runId, attempt, taskId: task.id, tryNumber: record.tries + 1 }
    const name = join(runId, String(attempt), `${task.id}.${key.tryNumber}`)
    const [logFile, resultFile] = [join('logs', `${name}.log`), join('results', `${name}.jsonl`)]
    const deadline = task.timeoutMs === null ? null : new Date(this.#store.now().getTime() + task.timeoutMs)
    this.#store.change.startTry(key, { logFile, resultFile, deadline })
    return { key, task, results: new ResultFile(join(this.#store.stateDir, resultFile)), child: null, outcome: null, shown: null }
  }

  #spawn(running: Running): void {
    const { key, task } = running
    this.#running.set(task.id, running)
    const files = join(key.runId, String(key.attempt), `${key.taskId}.${key.tryNumber}`)
    const resultFile = join(this.#store.stateDir, 'results', `${files}.jsonl`)
    const identity = { ...this.#run, ...key, resultFile }
    try {
      running.child = new Child({
        command: task.command,
        cwd: this.#options.config.projectDir,
        environment: childEnvironment(identity, { ...this.#options.config, stateDir: this.#store.stateDir }),
        logFile: join(this.#store.stateDir, 'logs', `${files}.log`),
        resultFile,
        timeoutMs: task.timeoutMs,
        graceMs: this.#options.graceMs,
      })
    } catch (error) {
      this.#ended(running, { exitCode: null, signal: null, stopped: null, startError: messageOf(error) })
      return
    }
    const { child } = running
    if (child.pid !== undefined) this.#store.change.recordProcess(key, child.pid, child.pidStarted)
    void child.exited.then((outcome) => this.#ended(running, outcome))
  }

  #ended(running: Running, outcome: Outcome): void {
    running.outcome = outcome
    // The last report and the exit come together; a display should see both, in this order.
    this.#showProgress(running)
    this.#wake.resolve()
  }

  #recordEnd({ key, task, results, outcome }: Running): void {
    if (outcome === null) return
    this.#store.change.endTry(key, endOfTry(task, key.tryNumber, outcome, results.read(), this.#store.now()))
  }

  #stop(signal: AbortSignal): void {
    this.#stopReason ??= messageOf(signal.reason)
    for (const { child } of this.#running.values()) child?.stop({ kind: 'cancelled', text: this.#stopReason })
    this.#wake.resolve()
  }

  /** @returns true when no process is left and the attempt has been recorded as cancelled */
  #cancelRest(reason: string): boolean {
    if ([...this.#running.values()].some((one) => one.outcome === null)) return false
    const { runId, attempt } = this.#run
    for (const { taskId, state } of this.#tasks().values()) {
      if (!isFinal(state)) this.#store.change.changeTask({ runId, attempt, taskId }, state, { state: 'cancelled', reason })
    }
    // Everything may have ended by itself before it could be stopped.
    const isCancelled = [...this.#tasks().values()].some((task) => task.state === 'cancelled')
    if (!isCancelled) return this.#recordAttemptEnd()
    this.#store.change.endAttempt(this.#run, 'cancelled', reason)
    return true
  }

  async #sleep(): Promise<void> {
    const due = this.#nextRetryMs()
    const timer = due === null ? undefined : setTimeout(() => this.#wake.resolve(), due)
    await this.#wake.promise
    clearTimeout(timer)
    this.#wake = Promise.withResolvers()
  }

  /** Until the earliest retry_wait ends, null when there is none. */
  #nextRetryMs(): number | null {
    const times = [...this.#tasks().values()].flatMap((task) =>
      task.notBefore === null ? [] : [new Date(task.notBefore).getTime()],
    )
    return times.length === 0 ? null : Math.max(0, Math.min(...times) - this.#store.now().getTime())
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

  #showProgress(running: Running): void {
    const { progress } = running.results.read()
    if (progress === null || progress === running.shown) return
    running.shown = progress
    const { runId, attempt, taskId } = running.key
    this.#options.onEvent({ kind: 'progress', runId, attempt, taskId, progress })
  }

  async #stopChildren(text: string): Promise<void> {
    const children = [...this.#running.values()].flatMap(({ child, outcome }) =>
      child === null || outcome !== null ? [] : [child],
    )
    for (const child of children) child.stop({ kind: 'cancelled', text })
    await Promise.all(children.map((child) => child.exited))
  }
}

/** Id of the last event that belongs to earlier attempts: this one begins where the run became running again. */
function lastEventBefore(store: Store, { runId }: RunRecord): number {
  const begun = store.events(runId).findLast((event) => event.subject === 'run' && event.toState === 'running')
  return begun === undefined ? 0 : begun.id - 1
}
