/** Too slow is cut, too fast is held back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TransferFailure } from './failure.ts'
import type { Patience } from './patience.ts'

const ticksPerLimit = 8

/** Watches one request. Its signal is aborted, with a TransferFailure that says why, when the answer does not come, stops or trickles. */
export class Watch implements Disposable {
  readonly #controller = new AbortController()
  readonly #doing: string
  readonly #patience: Patience
  readonly #timer: NodeJS.Timeout
  #phase: 'answer' | 'body' | 'away' = 'answer'
  #tickedMs = performance.now()
  /** Without a byte, and since the pace was last judged; the time in which nobody waited for the network is left out. */
  #idleMs = 0
  #windowMs = 0
  #windowBytes = 0

  /** @param doing begins the messages: what is being done, to which URL */
  constructor(doing: string, patience: Patience) {
    this.#doing = doing
    this.#patience = patience
    const shortest = Math.min(patience.answerMs, patience.idleMs, patience.paceMs)
    this.#timer = setInterval(() => this.#tick(), Math.max(5, Math.min(1000, shortest / ticksPerLimit)))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The headers are there. */
  answered(): void {
    this.#enter('body')
    this.#idleMs = 0
  }

  /** Bytes have come, and the caller is busy with them until it calls {@link waiting}. */
  received(bytes: number): void {
    this.#enter('away')
    this.#idleMs = 0
    this.#windowBytes += bytes
  }

  /** The caller waits for more. */
  waiting(): void {
    this.#enter('body')
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #enter(phase: 'body' | 'away'): void {
    this.#count()
    this.#phase = phase
  }

  #count(): void {
    const nowMs = performance.now()
    const passedMs = this.#phase === 'away' ? 0 : nowMs - this.#tickedMs
    this.#tickedMs = nowMs
    this.#idleMs += passedMs
    if (this.#phase === 'body') this.#windowMs += passedMs
  }

  #tick(): void {
    this.#count()
    const { answerMs, idleMs, paceMs, minBytesPerSecond } = this.#patience
    if (this.#phase === 'answer') {
      if (this.#idleMs >= answerMs) this.#fail(`no answer within ${answerMs / 1000} s`, true)
    } else if (this.#idleMs >= idleMs) this.#fail(`nothing has come for ${idleMs / 1000} s`)
    else if (this.#windowMs >= paceMs) {
      const rate = Math.round((this.#windowBytes * 1000) / this.#windowMs)
      if (rate < minBytesPerSecond) this.#fail(`${rate} bytes per second is too slow, ${minBytesPerSecond} are the least`)
      this.#windowMs = 0
      this.#windowBytes = 0
    }
  }

  #fail(what: string, isOutage = false): void {
    const hint = 'run the same command again: what has arrived is kept'
    this.#controller.abort(new TransferFailure(`${this.#doing}: ${what}`, { hint, isOutage }))
  }
}

/** Holds one transfer back to a rate. */
export class Limiter {
  readonly #rate: () => number | null
  #freeAtMs = 0

  /** @param rate bytes per second from now on; null: no limit */
  constructor(rate: () => number | null) {
    this.#rate = rate
  }

  /** Waits until so many bytes were due. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const bytesPerSecond = this.#rate()
    if (bytesPerSecond === null) return
    const nowMs = performance.now()
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes * 1000) / bytesPerSecond
    if (this.#freeAtMs - nowMs >= 1) await sleep(this.#freeAtMs - nowMs, undefined, { signal })
  }
}
