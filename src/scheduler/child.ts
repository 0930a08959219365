/**
 * The parent side of one task process: its process group and its one outcome. A child does not depend on its parent: when that dies, the
 * task goes on, its shell writes down how it ended, and the next scheduler adopts it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { messageOf } from '../errors.ts'
import { endGroup, isAlive, isGroupOf, lifeOf, processStart, signalGroup } from '../process-identity.ts'
import { exitFileOf, exitOf, readExitFile } from './exit-file.ts'
import { Pulse } from './pulse.ts'

export interface Stop {
  readonly kind: 'timeout' | 'cancelled'
  readonly text: string
}

/** Known once the whole process group is gone, not when it was asked to end. */
export interface Outcome {
  /** Null: killed by `signal`, or nobody knows. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** True when the task's exit code or signal is known. When the shell around it was killed, the result file has to tell. */
  readonly isTold: boolean
  /** Why it was asked to end: the first reason given. */
  readonly stopped: Stop | null
  /** Why there was no process at all. */
  readonly startError: string | null
}

export interface Patience {
  /** Null: no limit. */
  readonly timeoutMs: number | null
  /** What is left of it; default: all. */
  readonly deadlineMs?: number
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number
}

export interface ChildOptions extends Patience {
  /** For a POSIX shell. */
  readonly command: string
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  /** Takes stdout and stderr. */
  readonly logFile: string
  readonly resultFile: string
}

/** A process that an earlier scheduler has started. */
export interface AdoptOptions extends Patience {
  readonly pid: number
  readonly pidStarted: string
  readonly resultFile: string
}

/**
 * Around the command ($1). It waits for the word to begin, so that no task runs whose process is not on record: a scheduler that
 * dies, or has lost its lease, before that ends its standard input. It outlives SIGTERM to its group to write the exit code ($2).
 */
const shellScript = `read -r word || exit 125
trap : TERM INT HUP
(eval "$1") </dev/null
code=$?
echo "$code" >"$2"
exit "$code"`

/** How often it is looked whether an adopted process, of which the kernel tells its parent alone, still lives. */
const lookEveryMs = 200

/** A process group that is watched to its end. */
export abstract class Child {
  /** Undefined when it could not be started. */
  abstract readonly pid: number | undefined
  abstract readonly pidStarted: string | null
  readonly #patience: Patience
  readonly #timers: NodeJS.Timeout[] = []
  #stopped: Stop | null = null

  constructor(patience: Patience) {
    this.#patience = patience
  }

  /** Asks the system now; the leader alone counts. */
  isAlive(): boolean {
    return this.pid !== undefined && this.pidStarted !== null && isAlive(this.pid, this.pidStarted)
  }

  /** Resolves when the last process of the group is gone. */
  abstract ended(): Promise<Outcome>

  /** Asks the whole process group to end, and makes it end after the grace period. Only the first call counts. */
  stop(reason: Stop): void {
    if (this.#stopped !== null) return
    this.#stopped = reason
    this.signal('SIGTERM')
    this.#timers.push(setTimeout(() => this.signal('SIGKILL'), this.#patience.graceMs))
  }

  /** Stops watching and leaves the process alone. */
  abandon(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  protected abstract signal(signal: NodeJS.Signals): void

  protected startClock(): void {
    const { timeoutMs, deadlineMs = timeoutMs } = this.#patience
    if (timeoutMs === null || deadlineMs === null) return
    const reason = { kind: 'timeout', text: `timed out after ${timeoutMs / 1000} s` } as const
    this.#timers.push(setTimeout(() => this.stop(reason), deadlineMs))
  }

  protected outcome(end: Omit<Outcome, 'stopped'>): Outcome {
    this.abandon()
    return { ...end, stopped: this.#stopped }
  }
}

/** Started by this process; {@link begin} lets the task run. */
export class StartedChild extends Child {
  readonly pidStarted: string | null
  readonly #process: ChildProcess
  readonly #ended: Promise<Outcome>

  constructor(options: ChildOptions) {
    super(options)
    this.#process = start(options)
    this.startClock()
    this.pidStarted = this.pid === undefined ? null : processStart(this.pid)
    this.#ended = this.#watch()
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  begin(): void {
    this.#process.stdin?.end('begin\n')
  }

  ended(): Promise<Outcome> {
    return this.#ended
  }

  /** A task that has not begun never will. */
  override abandon(): void {
    super.abandon()
    this.#process.stdin?.destroy()
    this.#process.unref()
  }

  protected signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) signalGroup(this.pid, signal)
  }

  async #watch(): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Omit<Outcome, 'stopped'>>()
    // Not 'close': that would wait for everyone who holds a pipe, not for the process.
    this.#process.once('exit', (code, signal) =>
      resolve({ ...(code === null ? { exitCode: null, signal } : exitOf(code)), isTold: code !== null, startError: null }),
    )
    this.#process.once('error', (error) => resolve({ exitCode: null, signal: null, isTold: true, startError: messageOf(error) }))
    const end = await promise
    // What it started and left behind must not outlive it: the next try, or the next task, owns those files.
    if (this.pid !== undefined) await endGroup(this.pid)
    return this.outcome(end)
  }
}

/** Found again after a scheduler has died. */
export class AdoptedChild extends Child {
  readonly pid: number
  readonly pidStarted: string
  readonly #resultFile: string
  readonly #pulse: Pulse
  readonly #ended: Promise<Outcome>
  #isAbandoned = false

  constructor(options: AdoptOptions) {
    super(options)
    this.pid = options.pid
    this.pidStarted = options.pidStarted
    this.#resultFile = options.resultFile
    this.#pulse = new Pulse(options.resultFile)
    this.startClock()
    this.#ended = this.#watch()
  }

  ended(): Promise<Outcome> {
    return this.#ended
  }

  override abandon(): void {
    this.#isAbandoned = true
    super.abandon()
  }

  /** One in another PID namespace lives until its shell has written down its end, or its task gives no sign of life any more. */
  override isAlive(): boolean {
    if (lifeOf(this.pid, this.pidStarted) !== 'elsewhere') return super.isAlive()
    return readExitFile(exitFileOf(this.#resultFile)) === null && this.#pulse.isBeating()
  }

  /** A pid that means another process by now, or nothing here, is left alone. */
  protected signal(signal: NodeJS.Signals): void {
    if (isAlive(this.pid, this.pidStarted)) signalGroup(this.pid, signal)
  }

  async #watch(): Promise<Outcome> {
    await this.#leaderGone()
    if (this.#isAbandoned) return new Promise(() => {})
    // The leader may have been killed alone.
    if (isGroupOf(this.pid, `RESULT_FILE=${this.#resultFile}`)) await endGroup(this.pid)
    const code = readExitFile(exitFileOf(this.#resultFile))
    const end = code === null ? { exitCode: null, signal: null } : exitOf(code)
    return this.outcome({ ...end, isTold: code !== null, startError: null })
  }

  async #leaderGone(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.#isAbandoned || !this.isAlive()) resolve()
    }
    const timer = setInterval(look, lookEveryMs)
    look()
    await promise
    clearInterval(timer)
  }
}

function start({ command, cwd, environment, logFile, resultFile }: ChildOptions): ChildProcess {
  for (const file of [logFile, resultFile]) mkdirSync(dirname(file), { recursive: true })
  const exitFile = exitFileOf(resultFile)
  for (const file of [resultFile, exitFile]) rmSync(file, { force: true })
  const log = openSync(logFile, 'w')
  try {
    const args = ['-c', shellScript, `dag-${basename(resultFile, '.jsonl')}`, command, exitFile]
    const child = spawn('sh', args, { cwd, env: environment, detached: true, stdio: ['pipe', log, log] })
    // A child that has been killed before it began breaks the pipe; its exit tells us that.
    child.stdin?.on('error', () => {})
    return child
  } finally {
    closeSync(log)
  }
}
