/**
 * The child side of the process boundary: turns the environment into a TaskContext, runs the task, reports through RESULT_FILE
 * (JSON lines, see `scheduler/result-file.ts`), and ends with an exit code: 0 success, 78 never retry, others retryable.
 */
import { closeSync, futimesSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Fault, type TaskEnvironment, taskEnvironment } from './config.ts'
import { exitCodes, firstError, messageOf, NotYetError, PipelineError } from './errors.ts'
import type { PromotionLedger } from './lake/promotion-ledger.ts'
import type { RunBook } from './lake/run-book.ts'
import type * as Promotions from './scheduler/promotions.ts'
import type * as RunBooks from './scheduler/run-book.ts'
import type { CheckResult, Progress, Task, TaskContext, TaskResult } from './scheduler/context.ts'

const progressEveryMs = 500
const progressLogEveryMs = 5_000
/** See `scheduler/pulse.ts`. */
const beatEveryMs = 5_000

/** Runs `task` as this process and ends the process; does not return. */
export async function runTask(task: Task): Promise<void> {
  const stop = new Stop()
  try {
    const environment = taskEnvironment()
    hideValues(environment)
    await runInside(environment, task, stop.signal)
    process.exit(exitCodes.success)
  } catch (error) {
    process.stderr.write(`${hidden(describeError(error))}\n`)
    process.exit(stop.exitCode ?? exitCodeOf(error))
  }
}

async function runInside(environment: TaskEnvironment, task: Task, signal: AbortSignal): Promise<void> {
  const report = new Report(environment.resultFile)
  const args = process.argv.slice(2)
  const named = [environment.taskId, ...args].join(' ')
  logLine(`${named}: run ${environment.runId}, attempt ${environment.attempt}, try ${environment.tryNumber}`)
  const started = performance.now()
  // What is thrown in a timer or by an event passes by every `catch`.
  process.once('uncaughtException', (error) => {
    report.fail(error)
    process.stderr.write(`${hidden(describeError(error))}\n`)
    process.exit(exitCodeOf(error))
  })
  try {
    const result = await task(contextOf(environment, { args, signal, report }))
    report.finish(result)
    logLine(`${environment.taskId}: ${describeResult(result)}, ${((performance.now() - started) / 1000).toFixed(1)} s`)
  } catch (error) {
    if (error instanceof NotYetError) report.defer(error)
    else report.fail(error)
    throw error
  } finally {
    report.close()
  }
}

interface ContextParts {
  readonly args: readonly string[]
  readonly signal: AbortSignal
  readonly report: Report
}

function contextOf(environment: TaskEnvironment, { args, signal, report }: ContextParts): TaskContext {
  const { runId, dagId, taskId, session, attempt, tryNumber, deferredSince, params, secretParams, lakeDir, rawDir, settings } =
    environment
  const given = {
    runId,
    dagId,
    taskId,
    session,
    attempt,
    tryNumber,
    deferredSince,
    params,
    secretParams,
    lakeDir,
    rawDir,
    settings,
    args,
    signal,
  }
  return {
    ...given,
    now: () => new Date(),
    log: logLine,
    progress: (progress) => report.progress(progress),
    recordChecks: (checks) => report.checks(checks),
    reached: (step) => reach(step, environment),
    ledger: () => openLedger(environment),
    runBook: () => openRunBook(environment),
  }
}

/** Writes RESULT_FILE, if there is one. */
class Report {
  readonly #fd: number | null
  readonly #beat: NodeJS.Timeout
  #pending: Progress | null = null
  #writtenAtMs = Number.NEGATIVE_INFINITY
  #loggedAtMs = performance.now()

  constructor(file: string | null) {
    if (file !== null) mkdirSync(dirname(file), { recursive: true })
    this.#fd = file === null ? null : openSync(file, 'a')
    this.#beat = setInterval(() => this.#touch(), beatEveryMs).unref()
  }

  /** Touches the file: a sign of life for a scheduler that cannot see this process. */
  #touch(): void {
    const now = new Date()
    if (this.#fd !== null) futimesSync(this.#fd, now, now)
  }

  progress(progress: Progress): void {
    this.#pending = progress
    const nowMs = performance.now()
    if (nowMs - this.#writtenAtMs >= progressEveryMs) this.#flush(nowMs)
    if (nowMs - this.#loggedAtMs < progressLogEveryMs) return
    this.#loggedAtMs = nowMs
    logLine(describeProgress(progress))
  }

  checks(checks: readonly CheckResult[]): void {
    if (checks.length > 0) this.#write({ checks })
  }

  finish(result: TaskResult): void {
    this.#flush(performance.now())
    this.#write({ result })
  }

  fail(error: unknown): void {
    this.#flush(performance.now())
    const waitMs = error instanceof PipelineError ? error.retryAfterMs : null
    const retryAt = waitMs === null ? {} : { retryAt: new Date(Date.now() + waitMs).toISOString() }
    this.#write({ error: messageOf(error), ...retryAt })
  }

  defer({ message, until }: NotYetError): void {
    this.#flush(performance.now())
    this.#write({ deferred: { until: until.toISOString(), reason: message } })
  }

  close(): void {
    clearInterval(this.#beat)
    if (this.#fd !== null) closeSync(this.#fd)
  }

  #flush(nowMs: number): void {
    if (this.#pending === null) return
    this.#write({ progress: this.#pending })
    this.#pending = null
    this.#writtenAtMs = nowMs
  }

  #write(line: object): void {
    if (this.#fd !== null) writeSync(this.#fd, `${JSON.stringify(line, hiddenIn)}\n`)
  }
}

/** SIGTERM and SIGINT abort the task; the first of them decides the exit code. */
class Stop {
  readonly #controller = new AbortController()
  exitCode: number | undefined

  constructor() {
    process.on('SIGTERM', () => this.#abort('stopped by SIGTERM', exitCodes.terminated))
    process.on('SIGINT', () => this.#abort('stopped by SIGINT', exitCodes.interrupted))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  #abort(why: string, exitCode: number): void {
    if (this.exitCode !== undefined) return
    this.exitCode = exitCode
    logLine(why)
    this.#controller.abort(new PipelineError(why))
  }
}

/** Dies or stops here if a test asked for it. */
function reach(step: string, { taskId, stateDir, fault }: TaskEnvironment): void {
  if (!isFaultAt(fault, taskId, step)) return
  if (fault.action === 'kill') process.kill(process.pid, 'SIGKILL')
  if (stateDir !== null) writeFileSync(join(stateDir, `held-${taskId}-${step}`), `${process.pid}\n`)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function isFaultAt(fault: Fault | null, taskId: string, step: string): fault is Fault {
  return fault !== null && fault.taskId === taskId && fault.step === step
}

function openLedger({ stateDir }: TaskEnvironment): PromotionLedger | null {
  if (stateDir === null) return null
  // Loaded when asked for: SQLite and the query builder would slow the start of every task, and few tasks need them.
  const promotions: typeof Promotions = createRequire(import.meta.url)('./scheduler/promotions.ts')
  return promotions.openLedger(stateDir)
}

function openRunBook({ stateDir }: TaskEnvironment): RunBook {
  if (stateDir === null) throw withoutState('no record of runs: the gc task')
  const books: typeof RunBooks = createRequire(import.meta.url)('./scheduler/run-book.ts')
  return books.openRunBook(stateDir)
}

function withoutState(who: string): PipelineError {
  return new PipelineError(`${who} needs the scheduler's state`, {
    retryable: false,
    hint: 'start the run with `dag trigger`, which sets DAG_STATE',
  })
}

function exitCodeOf(thrown: unknown): number {
  const error = firstError(thrown)
  if (error instanceof NotYetError) return exitCodes.notYet
  return error instanceof PipelineError && !error.retryable ? exitCodes.neverRetry : exitCodes.failed
}

/** `not yet: …` for a task that waits; else `error: …`, the hint, and the chain of causes, a line each; a stack only for errors that are not ours. */
function describeError(thrown: unknown): string {
  const error = firstError(thrown)
  if (error instanceof NotYetError) return `not yet: ${error.message}; looks again at ${error.until.toISOString()}`
  const lines = [
    `error: ${error instanceof Error && !(error instanceof PipelineError) ? (error.stack ?? error.message) : messageOf(error)}`,
  ]
  if (error instanceof PipelineError && error.hint !== undefined) lines.push(`hint: ${error.hint}`)
  for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause)) lines.push(`caused by: ${messageOf(cause)}`)
  return lines.join('\n')
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

function describeResult({ rows = {}, bytes, note, skipped }: TaskResult): string {
  if (skipped !== undefined) return `skipped: ${skipped}`
  const counts = Object.entries(rows).map(([dataset, count]) => `${dataset} ${count}`)
  const parts = [...(note === undefined ? [] : [note]), ...(counts.length === 0 ? [] : [`rows: ${counts.join(', ')}`])]
  if (bytes !== undefined) parts.push(`${bytes} bytes`)
  return parts.length === 0 ? 'done' : parts.join('; ')
}

function describeProgress({ done, total, unit, records, message }: Progress): string {
  const share = total > 0 ? ` (${Math.floor((100 * done) / total)} %)` : ''
  const parts = [`${done} of ${total} ${unit}${share}`]
  if (records !== undefined) parts.push(`${records} records`)
  if (message !== undefined) parts.push(message)
  return parts.join(', ')
}

function logLine(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${hidden(line)}\n`)
}

/** Values of secret params, longest first: one may be part of another. */
const secretValues: string[] = []

function hideValues({ params, secretParams }: TaskEnvironment): void {
  const values = secretParams.flatMap((name) => (params[name] ? [params[name]] : []))
  secretValues.push(...values.toSorted((left, right) => right.length - left.length))
}

/** What this process writes itself: log lines, errors and reports. */
function hidden(text: string): string {
  return secretValues.reduce((shown, value) => shown.replaceAll(value, '***'), text)
}

function hiddenIn(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? hidden(value) : value
}
