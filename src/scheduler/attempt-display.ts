/** What a live display is told of an attempt: transitions once they are committed, and progress. No decision depends on it. */
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { Progress } from './context.ts'
import { LiveProgress } from './live-progress.ts'
import type { RunningTry } from './running-try.ts'
import type { AttemptKey, EventRecord, Store } from './store.ts'

export type RunEvent =
  | { readonly kind: 'transition'; readonly event: EventRecord }
  | {
      readonly kind: 'progress'
      readonly runId: string
      readonly attempt: number
      readonly taskId: string
      readonly progress: Progress
    }

export interface AttemptDisplayOptions {
  /** The tries under way, as they are at any time. */
  readonly running: () => Iterable<RunningTry>
  readonly onEvent: (event: RunEvent) => void
  /** Told of progress that cannot be read. */
  readonly log: (line: string) => void
}

export class AttemptDisplay {
  readonly #store: Store
  readonly #runId: string
  readonly #options: AttemptDisplayOptions
  readonly #live: LiveProgress
  #lastEvent: number

  constructor(store: Store, { runId, attempt }: AttemptKey, options: AttemptDisplayOptions) {
    this.#store = store
    this.#runId = runId
    this.#options = options
    // Events before that belong to earlier attempts.
    this.#lastEvent = store.lastBegin(runId) - 1
    this.#live = new LiveProgress(join(store.stateDir, 'results', runId, String(attempt)), (file) => this.#showProgressIn(file))
  }

  /** The log of transitions is also what a display sees: nothing is shown that is not committed. */
  showTransitions(): void {
    for (const event of this.#store.events(this.#runId, this.#lastEvent)) {
      this.#lastEvent = event.id
      this.#options.onEvent({ kind: 'transition', event })
    }
  }

  /** What counts is read once more when the end of the try is recorded. */
  showProgress(running: RunningTry): void {
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

  close(): void {
    this.#live.close()
  }

  #showProgressIn(file: string): void {
    const running = [...this.#options.running()].find(({ key }) => file === `${key.taskId}.${key.tryNumber}.jsonl`)
    if (running !== undefined) this.showProgress(running)
  }
}
