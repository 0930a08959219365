/** Worker threads and the jobs that wait for them. */
import { Worker } from 'node:worker_threads'
import { PipelineError } from '../../errors.ts'
import type { Job, JobResult, WorkerSetup } from './messages.ts'

/** A worker has its next job at hand while the result of the last one is on its way. */
const jobsAtHand = 3

/** V8's young generation, in MB: the workers' objects are few, and what lives is outside of the heap. */
const youngGenerationMb = 4

type Result<Kind extends Job['kind']> = Extract<JobResult, { kind: Kind }>

interface WaitingJob {
  /** Called when a worker is there for it. */
  readonly job: () => Job
  readonly resolve: (result: JobResult) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  readonly atHand: WaitingJob[]
}

export class WorkerPool implements AsyncDisposable {
  readonly #size: number
  readonly #setup: Omit<WorkerSetup, 'worker'>
  readonly #threads: Thread[] = []
  readonly #waiting: WaitingJob[] = []
  #limit = 0
  #failure: unknown = null

  /** Starts no worker before {@link limit} is set. @param size how many there may be */
  constructor(size: number, setup: Omit<WorkerSetup, 'worker'>) {
    this.#size = size
    this.#setup = setup
  }

  get size(): number {
    return this.#size
  }

  /** How many of the workers get new jobs, at least one. */
  set limit(workers: number) {
    this.#limit = Math.max(1, Math.min(workers, this.size))
    while (this.#threads.length < this.#limit) this.#threads.push(this.#start())
    this.#dispatch()
  }

  /**
   * Runs a job on any worker.
   * @throws PipelineError when the worker failed
   */
  run<Kind extends Job['kind']>(kind: Kind, job: () => Job): Promise<Result<Kind>> {
    return new Promise((resolve, reject) => {
      const waiting: WaitingJob = { job, resolve: (result) => resolve(result as Result<Kind>), reject }
      // What is encoded frees memory, what is read takes some.
      if (kind === 'encode') this.#waiting.unshift(waiting)
      else this.#waiting.push(waiting)
      this.#dispatch()
    })
  }

  /** Rejects every job, those to come too. */
  stop(reason: unknown): void {
    this.#fail(reason)
  }

  /** Stops the workers, whatever they are doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new PipelineError('the ingest has stopped'))
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #start(): Thread {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { ...this.#setup, worker: this.#threads.length } satisfies WorkerSetup,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    })
    const thread: Thread = { worker, atHand: [] }
    worker.on('message', (result: JobResult) => this.#settle(thread, result))
    worker.on('error', (error) => this.#fail(new PipelineError('a worker thread of the ingest failed', { cause: error })))
    return thread
  }

  #dispatch(): void {
    if (this.#failure !== null) {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
      return
    }
    for (let load = 0; load < jobsAtHand; load++) {
      for (const thread of this.#threads.slice(0, this.#limit)) {
        if (thread.atHand.length > load) continue
        const next = this.#waiting.shift()
        if (next === undefined) return
        thread.atHand.push(next)
        thread.worker.postMessage(next.job())
      }
    }
  }

  #settle(thread: Thread, result: JobResult): void {
    const done = thread.atHand.shift()
    this.#dispatch()
    if (result.kind !== 'failed') done?.resolve(result)
    else done?.reject(errorOf(result))
  }

  #fail(failure: unknown): void {
    this.#failure ??= failure
    for (const { atHand } of this.#threads) for (const { reject } of atHand.splice(0)) reject(this.#failure)
    this.#dispatch()
  }
}

function errorOf({ message, stack }: Extract<JobResult, { kind: 'failed' }>): Error {
  return new PipelineError(`a worker thread of the ingest failed: ${message}`, { cause: new Error(stack) })
}
