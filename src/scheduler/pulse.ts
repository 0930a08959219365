/**
 * The sign of life of a task whose process cannot be seen from here: it touches its result file every 5 s, which also shows in another
 * container.
 */
import { statSync } from 'node:fs'

/** A task that is busy for longer without a pause, or a machine that sleeps, must not be taken for dead. */
const silentAfterMs = 30_000

/** Judges by its own stopwatch, never by comparing clocks. */
export class Pulse {
  readonly #file: string
  readonly #silentAfterMs: number
  #seenMtimeMs: number
  #movedAtMs = performance.now()

  constructor(file: string, silentAfter = silentAfterMs) {
    this.#file = file
    this.#silentAfterMs = silentAfter
    this.#seenMtimeMs = mtimeOf(file)
  }

  isBeating(): boolean {
    const mtimeMs = mtimeOf(this.#file)
    if (mtimeMs !== this.#seenMtimeMs) this.#movedAtMs = performance.now()
    this.#seenMtimeMs = mtimeMs
    return performance.now() - this.#movedAtMs < this.#silentAfterMs
  }
}

/** By the clock alone, for somebody who only looks. */
export function hasBeaten(file: string, now: Date): boolean {
  return Math.abs(now.getTime() - mtimeOf(file)) < silentAfterMs
}

/** 0 while there is no such file. */
function mtimeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
