/** Requests of other processes, as the scheduler of a run meets them. */
import { type FSWatcher, utimesSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import { isAlive, signalGroup } from '../process-identity.ts'
import { isFinal } from './states.ts'
import { LeaseLostError, type RunRecord, type Store } from './store.ts'
import type { RequestRecord } from './store/request-rows.ts'

export interface RequestActions {
  readonly cancelRun: (reason: string) => void
  readonly cancelTask: (taskId: string, reason: string) => void
  /** Somebody has changed the state of the run. */
  readonly wake: () => void
  readonly log: (line: string) => void
}

/** Touching this file wakes whoever runs a run. */
function wakeFileOf(stateDir: string): string {
  return join(stateDir, 'requests.wake')
}

/** Makes the scheduler look for requests now. */
export function wakeScheduler(stateDir: string): void {
  const file = wakeFileOf(stateDir)
  writeFileSync(file, '')
  utimesSync(file, new Date(), new Date())
}

/** A file system that tells nobody of changes (NFS) still has its requests seen. */
const lookEveryMs = 2_000
/** Who asks waits for an answer: a task that does not end is killed after so long, whatever the grace of the run. */
const patienceMs = 3_000

/**
 * Watches while a run is going on; what is open when it ends is answered with its end, by a trigger of the schema. Never throws: what goes
 * wrong is told and tried again at the next look, since a request may wait, and no run may end by it.
 */
export class RequestWatch implements Disposable {
  readonly #store: Store
  readonly #run: RunRecord
  readonly #actions: RequestActions
  readonly #watcher: FSWatcher | null
  readonly #timers: NodeJS.Timeout[] = []
  readonly #begun = new Set<number>()
  /** Open since before the run was in our hands. */
  #stale: readonly RequestRecord[] = []
  /** Told already. */
  #problem: string | null = null

  constructor(store: Store, run: RunRecord, actions: RequestActions) {
    this.#store = store
    this.#run = run
    this.#actions = actions
    this.#guarded(() => {
      this.#stale = store.requests.open(run.runId)
    })
    this.#look()
    this.#watcher = watched(wakeFileOf(store.stateDir), () => {
      actions.wake()
      this.#look()
    })
    this.#timers.push(setInterval(() => this.#look(), lookEveryMs).unref())
  }

  [Symbol.dispose](): void {
    this.#watcher?.close()
    for (const timer of this.#timers) clearTimeout(timer)
    // A run that is left to another scheduler has not ended.
    this.#guarded(() => {
      for (const request of this.#store.requests.open(this.#run.runId)) this.#answer(request)
    })
  }

  #look(): void {
    this.#guarded(() => {
      for (const request of this.#store.requests.open(this.#run.runId)) {
        if (this.#stale.some(({ id }) => id === request.id))
          this.#store.requests.end(request.id, 'refused', 'the scheduler it was meant for has died')
        else if (this.#begun.has(request.id)) this.#answer(request)
        else this.#begin(request)
      }
    })
  }

  #guarded(work: () => void): void {
    try {
      work()
      this.#problem = null
    } catch (error) {
      // Whoever has taken over answers; the loop meets it at its next transition, and says so.
      if (error instanceof LeaseLostError) return
      const problem = `requests to run ${this.#run.runId}: ${messageOf(error)}`
      if (problem !== this.#problem) this.#actions.log(problem)
      this.#problem = problem
    }
  }

  #begin(request: RequestRecord): void {
    this.#begun.add(request.id)
    const { taskId, who, reason } = request
    const text = `cancelled by ${who}: ${reason}`
    if (taskId === null) this.#actions.cancelRun(text)
    else this.#actions.cancelTask(taskId, text)
    this.#timers.push(
      setTimeout(() => this.#guarded(() => this.#kill(taskId)), patienceMs),
      // What the loop makes of it is in the state a moment later.
      setTimeout(() => this.#look(), 250),
      setInterval(() => this.#look(), 500).unref(),
    )
  }

  /** Done when its task has ended; a request for the run is answered by the end of the run. */
  #answer({ id, taskId }: RequestRecord): void {
    const task = this.#store.tasks(this.#run.runId).find((one) => one.taskId === taskId)
    if (task !== undefined && isFinal(task.state)) this.#store.requests.end(id, 'done', `task ${taskId} is ${task.state}`)
  }

  #kill(taskId: string | null): void {
    const { runId } = this.#run
    const running = this.#store.tries(runId).filter((one) => one.state === 'running' && (taskId ?? one.taskId) === one.taskId)
    for (const { pid, pidStarted } of running)
      if (pid !== null && pidStarted !== null && isAlive(pid, pidStarted)) signalGroup(pid, 'SIGKILL')
  }
}

/** Without watches (their number is limited on Linux), or when the file cannot be made, requests are seen a little later. */
function watched(file: string, onChange: () => void): FSWatcher | null {
  try {
    writeFileSync(file, '', { flag: 'a' })
    return watch(file, onChange).on('error', () => {})
  } catch {
    return null
  }
}
