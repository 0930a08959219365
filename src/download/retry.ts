/** When to ask again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TransferFailure } from './failure.ts'
import type { Patience } from './settings.ts'

export interface RetryOptions {
  readonly patience: Patience
  readonly signal: AbortSignal
  /** Told before every pause. */
  readonly say: (line: string) => void
  /** Bytes that have arrived so far: a try that brought much does not count. */
  readonly received?: () => number
}

/**
 * Does `work` until it succeeds, fails for good, or has failed `patience.tries` times in a row.
 * @throws what it threw last
 */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  { patience, signal, say, received = () => 0 }: RetryOptions,
): Promise<Result> {
  for (let failures = 1, mark = received(); ; failures++) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TransferFailure) || !error.retryable) throw error
      if (received() - mark >= patience.progressBytes) failures = 1
      mark = received()
      if (failures >= patience.tries || (error.retryAfterMs ?? 0) > patience.retryAfterCapMs) throw error
      const pause = Math.max(error.retryAfterMs ?? 0, pauseMs(failures, patience))
      say(`${error.message}; trying again in ${(pause / 1000).toFixed(1)} s (failure ${failures} of ${patience.tries})`)
      await sleep(pause, undefined, { signal })
    }
  }
}

/** Doubles with each failure up to the cap; half of it is random, so that many clients do not come back at once. */
export function pauseMs(failures: number, { pauseMs, pauseCapMs }: Patience, random = Math.random): number {
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
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const dateMs = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs)
}
