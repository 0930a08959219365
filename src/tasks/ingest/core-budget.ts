/**
 * Shares the cores of this machine among the ingests that run on it: each leaves a file named after its process, counts those
 * of living ones, and uses so many workers. Cheap and forgiving: the next ingest removes the file that a killed process has left.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lifeOf, processStart } from '../../process-identity.ts'

/** Ingests come and go in seconds: no need to look more often. */
const lookEveryMs = 250

export class CoreBudget implements Disposable {
  readonly #directory = join(tmpdir(), `discogs-ingest-${process.getuid?.() ?? 0}`)
  /** With its start, since the pid alone may mean a later process. */
  readonly #name = `${process.pid} ${processStart(process.pid)}`
  readonly #workers: number
  readonly #onShare: (workers: number) => void
  /** Names whose start has been compared: from then on the pid is enough. */
  readonly #known = new Set<string>([this.#name])
  #lookedMs = Number.NEGATIVE_INFINITY

  /**
   * @param workers that this ingest would have alone
   * @param onShare told how many of them are its share, at least one
   */
  constructor(workers: number, onShare: (workers: number) => void) {
    this.#workers = workers
    this.#onShare = onShare
    mkdirSync(this.#directory, { recursive: true })
    writeFileSync(join(this.#directory, this.#name), '')
  }

  /** Looks again who else is there, if it is time to. */
  share(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < lookEveryMs) return
    this.#lookedMs = nowMs
    this.#onShare(Math.max(1, Math.floor(this.#workers / this.#living())))
  }

  [Symbol.dispose](): void {
    rmSync(join(this.#directory, this.#name), { force: true })
  }

  #living(): number {
    let living = 0
    for (const name of readdirSync(this.#directory)) {
      const isLiving = this.#isLiving(name)
      if (isLiving === true) living++
      else if (isLiving === false) rmSync(join(this.#directory, name), { force: true })
    }
    return Math.max(1, living)
  }

  /** @returns null when the process belongs to another PID namespace: it does not count, and its file is not ours to remove */
  #isLiving(name: string): boolean | null {
    const [, pid, started = ''] = /^(\d+) (.+)$/.exec(name) ?? []
    if (!this.#known.has(name)) {
      const life = lifeOf(Number(pid), started)
      if (life !== 'alive') return life === 'gone' ? false : null
      this.#known.add(name)
    }
    return exists(Number(pid))
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
