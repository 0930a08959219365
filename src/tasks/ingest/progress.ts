import type { TaskContext } from '../../scheduler/context.ts'

const intervalMs = 500

/** Reports compressed bytes, records, rate and time left twice a second, whatever else is going on. */
export class IngestProgress implements Disposable {
  readonly #context: TaskContext
  readonly #total: number
  readonly #startedMs: number
  readonly #timer: NodeJS.Timeout
  #done = 0
  #records = 0

  constructor(context: TaskContext, totalBytes: number) {
    this.#context = context
    this.#total = totalBytes
    this.#startedMs = context.now().getTime()
    this.#timer = setInterval(() => this.#send(), intervalMs).unref()
  }

  /** Records so far. */
  get records(): number {
    return this.#records
  }

  /** @param count compressed bytes so far */
  setBytes(count: number): void {
    this.#done = count
  }

  addRecords(count: number): void {
    this.#records += count
  }

  /** Says how far it came. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#send()
  }

  #send(): void {
    const seconds = Math.max(0.001, (this.#context.now().getTime() - this.#startedMs) / 1000)
    this.#context.progress({
      done: this.#done,
      total: this.#total,
      unit: 'bytes',
      records: this.#records,
      recordsPerSecond: Math.round(this.#records / seconds),
      ...(this.#done > 0 ? { etaSeconds: Math.round(((this.#total - this.#done) * seconds) / this.#done) } : {}),
    })
  }
}
