/**
 * Shares the cores of this machine among the ingests that run on it: each leaves a file named after its process, counts those
 * of living ones, and uses so many workers. Cheap and forgiving: a file that a killed process left is swept away by the next one.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Ingests come and go in seconds: no need to look more often. */
const lookEveryMs = 250

export class CoreBudget implements Disposable {
  readonly #directory = join(tmpdir(), `discogs-ingest-${process.getuid?.() ?? 0}`)
  readonly #file = join(this.#directory, String(process.pid))
  readonly #workers: number
  readonly #onShare: (workers: number) => void
  #lookedMs = Number.NEGATIVE_INFINITY

  /**
   * @param workers that this ingest would have alone
   * @param onShare told how many of them are its share, at least one
   */
  constructor(workers: number, onShare: (workers: number) => void) {
    this.#workers = workers
    this.#onShare = onShare
    mkdirSync(this.#directory, { recursive: true })
    writeFileSync(this.#file, '')
  }

  /** Looks again who else is there, if it is time to. */
  share(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < lookEveryMs) return
    this.#lookedMs = nowMs
    this.#onShare(Math.max(1, Math.floor(this.#workers / this.#living())))
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true })
  }

  #living(): number {
    let living = 0
    for (const name of readdirSync(this.#directory)) {
      if (isAlive(Number(name))) living++
      else rmSync(join(this.#directory, name), { force: true })
    }
    return Math.max(1, living)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
