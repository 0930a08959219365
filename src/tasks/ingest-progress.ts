import type { TaskContext } from '../scheduler/context.ts'

const intervalMs = 500

/** Reports compressed bytes, records, rate and time left at most twice a second. */
export class IngestProgress {
  readonly #context: TaskContext
  readonly #total: number
  readonly #startedMs: number
  #done = 0
  #reportedMs = 0

  constructor(context: TaskContext, totalBytes: number) {
    this.#context = context
    this.#total = totalBytes
    this.#startedMs = context.now().getTime()
  }

  addBytes(count: number): void {
    this.#done += count
  }

  /** Call as often as you like. */
  report(records: number): void {
    const nowMs = this.#context.now().getTime()
    if (nowMs - this.#reportedMs >= intervalMs) this.#send(records, nowMs)
  }

  finish(records: number): void {
    this.#send(records, this.#context.now().getTime())
  }

  #send(records: number, nowMs: number): void {
    this.#reportedMs = nowMs
    const seconds = Math.max(0.001, (nowMs - this.#startedMs) / 1000)
    this.#context.progress({
      done: this.#done,
      total: this.#total,
      unit: 'bytes',
      records,
      recordsPerSecond: Math.round(records / seconds),
      ...(this.#done > 0 ? { etaSeconds: Math.round(((this.#total - this.#done) * seconds) / this.#done) } : {}),
    })
  }
}
