/** An attempt in the state: what a step of its loop reads and writes. Each method is a part of that step's one transaction. */
import { advance, attemptEnd } from './advance.ts'
import type { Plan } from './plan-graph.ts'
import { filesOf, type RunningTry } from './running-try.ts'
import { isFinal } from './states.ts'
import type { RunRecord, Store, TaskRecord } from './store.ts'
import { endOfTry, type Past } from './try-end.ts'

/** Why nothing new is started, and what the attempt then is. */
export interface Ending {
  readonly state: 'cancelled' | 'failed'
  readonly reason: string
}

export class AttemptRecord {
  readonly #store: Store
  readonly #run: RunRecord
  readonly #plan: Plan

  constructor(store: Store, run: RunRecord, plan: Plan) {
    this.#store = store
    this.#run = run
    this.#plan = plan
  }

  /** @returns the tasks after the changes */
  advance(): ReadonlyMap<string, TaskRecord> {
    const { runId, attempt, params } = this.#run
    const tasks = this.#tasks()
    const changes = advance(this.#plan, tasks, { params, now: this.#store.now() })
    for (const [taskId, change] of changes) {
      this.#store.change.changeTask({ runId, attempt, taskId }, tasks.get(taskId)?.state ?? 'waiting', change)
    }
    return changes.size === 0 ? tasks : this.#tasks()
  }

  /** A running one is cancelled by the end of its process. @param unwanted why each of these tasks is to end */
  cancelTasks(unwanted: ReadonlyMap<string, string>): void {
    if (unwanted.size === 0) return
    for (const { runId, attempt, taskId, state } of this.#tasks().values()) {
      const reason = unwanted.get(taskId)
      if (reason === undefined || state === 'running' || isFinal(state)) continue
      this.#store.change.changeTask({ runId, attempt, taskId }, state, { state: 'cancelled', reason })
    }
  }

  startTry({ key, task, child }: RunningTry): void {
    const { pid, pidStarted = null } = child ?? {}
    const deadline = task.timeoutMs === null ? null : new Date(this.#store.now().getTime() + task.timeoutMs)
    this.#store.change.startTry(key, { files: filesOf(key), deadline, process: pid === undefined ? null : { pid, pidStarted } })
  }

  endTry({ key, task, results, outcome }: RunningTry): void {
    if (outcome === null) return
    const ended = { key, outcome, report: results.read(), past: this.#pastOf(task.id) }
    this.#store.change.endTry(key, endOfTry(task, ended, this.#store.now()))
  }

  /** @returns whether the attempt has ended */
  end(tasks: ReadonlyMap<string, TaskRecord>): boolean {
    const end = attemptEnd(tasks)
    if (end !== null) this.#store.change.endAttempt(this.#run, end.state, end.reason)
    return end !== null
  }

  /** Whatever has not ended is cancelled; no process may be left. @returns whether the attempt has ended */
  endEarly({ state, reason }: Ending): boolean {
    const { runId, attempt } = this.#run
    for (const task of this.#tasks().values()) {
      if (isFinal(task.state)) continue
      this.#store.change.changeTask({ runId, attempt, taskId: task.taskId }, task.state, { state: 'cancelled', reason })
    }
    const tasks = this.#tasks()
    // Everything may have ended by itself before it could be stopped.
    if (![...tasks.values()].some((task) => task.state === 'cancelled')) return this.end(tasks)
    this.#store.change.endAttempt(this.#run, state, reason)
    return true
  }

  #pastOf(taskId: string): Past {
    const { runId, attempt } = this.#run
    const failed = this.#store.failedTries({ runId, attempt, taskId })
    const losses = failed.filter((one) => one.exitCode === null && one.signal === null).length
    const deferredSince = this.#store.deferredSince({ runId, attempt, taskId })
    return { failures: failed.length - losses, losses, deferredSince }
  }

  #tasks(): ReadonlyMap<string, TaskRecord> {
    return new Map(this.#store.tasks(this.#run.runId, this.#run.attempt).map((task) => [task.taskId, task]))
  }
}
