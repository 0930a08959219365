/** When to ask again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TransferFailure } from './failure.ts'
import type { RetrySettings } from '../settings/download.ts'
import type { Patience } from './patience.ts'

/** A longer Retry-After is shortened to this: no site means it for a client that has a month to load. */
export const retryAfterCapMs = 6 * 3_600_000

export interface RetryOptions {
  readonly patience: Patience
  readonly signal: AbortSignal
  /** Called before every pause. */
  readonly say: (line: string) => void
  /** How far the work is, in bytes; a try that extends it by `progressBytes` clears the failures before it. */
  readonly progress?: () => number
}

/**
 * Does `work` until it succeeds or fails for good: a failure that is not retryable, `patience.tries` answers in a row without progress, or
 * an outage of `patience.outageMs`. A Retry-After that reaches beyond the outage limit ends it at once, for the caller to come back later.
 * @throws the last failure
 */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  { patience, signal, say, progress = () => 0 }: RetryOptions,
): Promise<Result> {
  const failures = new Failures(patience)
  for (let mark = progress(); ; ) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TransferFailure) || !error.retryable) throw error
      if (progress() - mark >= patience.progressBytes) {
        failures.clear()
        mark = progress()
      }
      const pause = failures.pauseAfter(error)
      if (pause === null) throw error
      say(`${error.message}; trying again in ${(pause / 1000).toFixed(1)} s (${failures.standing(error)})`)
      await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** The failures since the last progress. */
class Failures {
  readonly #patience: Patience
  #count = 0
  #fruitless = 0
  #sinceMs = 0

  constructor(patience: Patience) {
    this.#patience = patience
  }

  clear(): void {
    this.#count = 0
    this.#fruitless = 0
  }

  /** @returns milliseconds before the next try, null when there should be none */
  pauseAfter({ isOutage, retryAfterMs: asked }: TransferFailure): number | null {
    if (this.#count++ === 0) this.#sinceMs = performance.now()
    if (!isOutage && ++this.#fruitless >= this.#patience.tries) return null
    const pause = Math.max(Math.min(asked ?? 0, retryAfterCapMs), pauseMs(this.#count, this.#patience))
    return isOutage && this.#lastedMs() + pause > this.#patience.outageMs ? null : pause
  }

  standing({ isOutage }: TransferFailure): string {
    if (!isOutage) return `failure ${this.#fruitless} of ${this.#patience.tries}`
    return `failing for ${Math.round(this.#lastedMs() / 1000)} s, giving up after ${Math.round(this.#patience.outageMs / 1000)} s`
  }

  #lastedMs(): number {
    return performance.now() - this.#sinceMs
  }
}

/** Doubles with each failure up to the cap; half of it is random, so that many clients do not come back at once. */
export function pauseMs(failures: number, { pauseMs, pauseCapMs }: RetrySettings, random = Math.random): number {
  const full = Math.min(pauseCapMs, pauseMs * 2 ** (failures - 1))
  return Math.round(full / 2 + (full / 2) * random())
}

/**
 * Retry-After in both forms, seconds and an HTTP date (RFC 9110, 10.2.3).
 * @returns milliseconds from now, null when there is none or it makes no sense
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null
  const text = header.trim()
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  const dateMs = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs)
}
