/** The parent side of one task process: its environment, its process group, its one outcome. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { processStart, signalGroup } from '../process-identity.ts'

export interface Stop {
  readonly kind: 'timeout' | 'cancelled'
  readonly text: string
}

/** Known once the process has exited, not when it was asked to. */
export interface Outcome {
  readonly exitCode: number | null
  readonly signal: string | null
  /** Why it was asked to end: the first reason given. */
  readonly stopped: Stop | null
  /** Why there was no process at all. */
  readonly startError: string | null
}

export interface ChildOptions {
  /** For `sh -c`. */
  readonly command: string
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  /** Takes stdout and stderr. */
  readonly logFile: string
  readonly resultFile: string
  readonly timeoutMs: number | null
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number
}

export interface TaskIdentity {
  readonly runId: string
  readonly dagId: string
  readonly taskId: string
  readonly session: string
  readonly attempt: number
  readonly tryNumber: number
  readonly params: Readonly<Record<string, string>>
  /** Names of params that no log may show. */
  readonly secretParams?: readonly string[]
  readonly resultFile: string
}

const lifelineFd = 3

export class Child {
  readonly exited: Promise<Outcome>
  readonly #process: ChildProcess
  readonly #graceMs: number
  readonly #timers: NodeJS.Timeout[] = []
  #stopped: Stop | null = null

  constructor(options: ChildOptions) {
    this.#graceMs = options.graceMs
    this.#process = start(options)
    this.exited = this.#outcome()
    const { timeoutMs } = options
    if (timeoutMs === null) return
    const timeout = { kind: 'timeout', text: `timed out after ${timeoutMs / 1000} s` } as const
    this.#timers.push(setTimeout(() => this.stop(timeout), timeoutMs))
  }

  /** Undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  get pidStarted(): string | null {
    return this.pid === undefined ? null : processStart(this.pid)
  }

  /** Asks the whole process group to end, and makes it end after the grace period. Only the first call counts. */
  stop(reason: Stop): void {
    const { pid } = this
    if (this.#stopped !== null || pid === undefined) return
    this.#stopped = reason
    signalGroup(pid, 'SIGTERM')
    this.#timers.push(setTimeout(() => signalGroup(pid, 'SIGKILL'), this.#graceMs))
  }

  async #outcome(): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    // Not 'close': that would wait for everyone who holds the pipe, not for the process.
    this.#process.once('exit', (exitCode, signal) => resolve({ exitCode, signal, stopped: this.#stopped, startError: null }))
    this.#process.once('error', (error) => resolve({ exitCode: null, signal: null, stopped: null, startError: messageOf(error) }))
    const outcome = await promise
    for (const timer of this.#timers) clearTimeout(timer)
    // What it started and left behind must not outlive it: the next try, or the next task, owns those files.
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGKILL')
    this.#process.stdio[lifelineFd]?.destroy()
    return outcome
  }
}

/** What a task is told, as {@link import('../config.ts').taskEnvironment} reads it. */
export function childEnvironment(identity: TaskIdentity, config: Config): Record<string, string> {
  const params = Object.entries(identity.params).map(([name, value]) => [`PARAM_${name.toUpperCase()}`, value] as const)
  return {
    ...inherited(),
    PATH: [join(config.projectDir, 'node_modules', '.bin'), process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(
      delimiter,
    ),
    RUN_ID: identity.runId,
    DAG_ID: identity.dagId,
    TASK_ID: identity.taskId,
    SESSION: identity.session,
    ATTEMPT: String(identity.attempt),
    TRY: String(identity.tryNumber),
    ...Object.fromEntries(params),
    SECRET_PARAMS: (identity.secretParams ?? []).join(','),
    DISCOGS_DATA_LAKE: config.lakeDir,
    DISCOGS_RAW: config.rawDir,
    DAG_STATE: config.stateDir,
    SQL_ENGINE: config.sqlEngine,
    ...trinoEnvironment(config.trino),
    RESULT_FILE: identity.resultFile,
    // What node made of the sources is kept: a task starts in half the time.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(config.stateDir, 'compile-cache'),
    DAG_LIFELINE_FD: String(lifelineFd),
  }
}

/** Complete: what the server of another checkout, or `.env`, would add is not of this run. */
function trinoEnvironment(trino: Config['trino']): Record<string, string> {
  if (trino === null) return {}
  const { url, catalog, user, password, jwt, caFile, lakeUri } = trino
  const values = {
    TRINO_URL: url,
    TRINO_CATALOG: catalog,
    TRINO_USER: user,
    TRINO_PASSWORD: password,
    TRINO_JWT: jwt,
    TRINO_CA_FILE: caFile,
    TRINO_LAKE_URI: lakeUri,
  }
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])))
}

/** Our own environment without params that are not of this run. */
function inherited(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || name.startsWith('PARAM_') ? [] : [[name, value] as const],
  )
  return Object.fromEntries(kept)
}

function start({ command, cwd, environment, logFile, resultFile }: ChildOptions): ChildProcess {
  for (const file of [logFile, resultFile]) mkdirSync(dirname(file), { recursive: true })
  rmSync(resultFile, { force: true })
  const log = openSync(logFile, 'w')
  try {
    // The fourth descriptor is a pipe that nothing is written to: its end of file tells the child that we are gone.
    const child = spawn('sh', ['-c', command], { cwd, env: environment, detached: true, stdio: ['ignore', log, log, 'pipe'] })
    // The other end breaks when the child is killed; its exit tells us that.
    child.stdio[lifelineFd]?.on('error', () => {})
    return child
  } finally {
    closeSync(log)
  }
}
