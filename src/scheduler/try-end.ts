import { createHash } from 'node:crypto'
import { exitCodes } from '../errors.ts'
import type { Outcome } from './child.ts'
import type { PlannedTask } from './plan.ts'
import type { Report } from './result-file.ts'
import type { TryEnd, TryKey } from './store.ts'

/** A task that asks for a longer pause before its next try than this gets this. */
const maxRetryAfterMs = 6 * 3_600_000

/** So often a task is started again, besides its retries, after its process was lost together with its scheduler. */
const maxLosses = 5

/** A task that asks again and again at once must not keep the machine busy. */
const leastDeferralMs = 1_000

/** What has become of the earlier tries of a task in this attempt. */
export interface Past {
  /** Tries that failed by themselves. */
  readonly failures: number
  /** When a try of it asked for the first time to be started again later; null when none has. */
  readonly deferredSince: Date | null
  /** Tries that were lost: the machine or the scheduler went down, and nobody knows how they ended. */
  readonly losses: number
}

export interface EndedTry {
  readonly key: TryKey
  readonly outcome: Outcome
  readonly report: Report
  readonly past: Past
}

/** What an ended process makes of its try and its task: success, another try later, or the end. */
export function endOfTry(task: PlannedTask, { key, outcome, report, past }: EndedTry, now: Date): TryEnd {
  const { signal } = outcome
  // 127 is what a shell says of a command that it could not start.
  const exitCode = outcome.startError === null ? outcome.exitCode : 127
  const base = { exitCode, signal, checks: report.checks, notBefore: null, result: null }
  const deferral = deferralOf(task, { outcome, report, past }, now)
  if (deferral !== null) return { ...base, tryState: 'deferred', taskState: 'deferred', ...deferral }
  const problem = problemOf(task, outcome, report)
  // Work that was finished counts, even if it was asked to stop in the last moment.
  if (problem === null) return { ...base, ...success(outcome, report), result: report.result }
  if (outcome.stopped?.kind === 'cancelled')
    return { ...base, tryState: 'cancelled', taskState: 'cancelled', reason: outcome.stopped.text }
  const failed = { ...base, tryState: 'failed', reason: problem } as const
  if (isLost(outcome)) return past.losses >= maxLosses ? { ...failed, taskState: 'failed' } : again(failed, now)
  const isOver = exitCode === exitCodes.neverRetry || (exitCode === exitCodes.notYet && report.deferred !== null)
  if (isOver || past.failures >= task.retries) return { ...failed, taskState: 'failed' }
  return again(failed, later(new Date(now.getTime() + delayMs(task, key, past.failures + 1)), retryAt(report, now)))
}

/** Who was asked to come back later (Retry-After) is obeyed, within reason. */
function retryAt({ retryAt }: Report, now: Date): Date | null {
  return retryAt === null ? null : new Date(Math.min(retryAt.getTime(), now.getTime() + maxRetryAfterMs))
}

function later(one: Date, other: Date | null): Date {
  return other !== null && other > one ? other : one
}

function success({ isTold }: Outcome, { result }: Report): Pick<TryEnd, 'tryState' | 'taskState' | 'reason' | 'because'> {
  if (result?.skipped !== undefined) return { tryState: 'success', taskState: 'skipped', reason: result.skipped }
  const because = isTold ? 'exit code 0 and a result' : 'a result; the shell that would have told the exit code was killed'
  return { tryState: 'success', taskState: 'success', reason: null, because }
}

function again(failed: Omit<TryEnd, 'taskState'>, notBefore: Date): TryEnd {
  return { ...failed, taskState: 'retry_wait', notBefore }
}

/** Neither an exit code nor a signal is known of it. */
function isLost({ isTold, signal }: Outcome): boolean {
  return !isTold && signal === null
}

/** Why the try is not a success, null when it is one. */
function problemOf(task: PlannedTask, outcome: Outcome, report: Report): string | null {
  const { exitCode, signal, isTold, stopped, startError } = outcome
  if (startError !== null) return `could not be started: ${startError}`
  if (exitCode === exitCodes.notYet) return problemOfDeferral(task, report)
  // Nobody could tell how the process ended: its last report has to. A task writes it when all its work is done.
  if (exitCode === 0 || (!isTold && report.result !== null)) return problemOfSuccess(task, report)
  if (stopped !== null) return stopped.text
  if (report.error !== null) return report.error
  if (isLost(outcome)) return 'its process is gone and left neither an exit code nor a result'
  return signal === null ? `ended with exit code ${exitCode}` : `killed by ${signal}`
}

/**
 * When the task is started again, null when it has not asked for that, or has waited for as long as its dag allows. It looks a last time at
 * the end of that time.
 */
function deferralOf(
  { deferLimitMs }: PlannedTask,
  { outcome, report, past }: Pick<EndedTry, 'outcome' | 'report' | 'past'>,
  now: Date,
): Pick<TryEnd, 'reason' | 'notBefore'> | null {
  const { deferred, problem } = report
  const isAsked = outcome.exitCode === exitCodes.notYet && outcome.stopped === null && problem === null
  if (!isAsked || deferred === null) return null
  // A clock that was set back must not extend the wait: it starts again then.
  const since = past.deferredSince === null || past.deferredSince > now ? now : past.deferredSince
  const end = since.getTime() + deferLimitMs
  if (end <= now.getTime()) return null
  const wanted = Math.max(deferred.until.getTime(), now.getTime() + leastDeferralMs)
  return { reason: deferred.reason, notBefore: new Date(Math.min(wanted, end)) }
}

function problemOfDeferral({ deferLimitMs }: PlannedTask, { deferred, problem }: Report): string {
  if (problem !== null) return problem
  if (deferred === null)
    return `ended with exit code ${exitCodes.notYet} (not yet) without a line {"deferred": …} in its result file`
  return `gave up after waiting for ${Math.round(deferLimitMs / 3_600_000)} h: ${deferred.reason}`
}

/** An exit code alone proves nothing: a shell that could not run the script properly may end with 0 as well. */
function problemOfSuccess(task: PlannedTask, { result, checks, problem, isCut }: Report): string | null {
  if (problem !== null) return problem
  if (result === null) return isCut ? 'its result file ends in the middle of a line' : 'ended without a result'
  const critical = task.kind === 'check' ? checks.find((check) => !check.ok && check.severity === 'CRITICAL') : undefined
  return critical === undefined ? null : `critical check ${critical.checkName} failed: ${critical.details}`
}

/**
 * Exponential: the first wait, doubled for each further failure, up to the longest one. Spread by up to a quarter either way, so that
 * tasks which failed together do not come back together; by a hash, so that the same try always waits as long.
 */
export function delayMs({ retryDelayMs, retryMaxDelayMs }: PlannedTask, key: TryKey, failures: number): number {
  const spread = 0.75 + fraction(`${key.runId} ${key.attempt} ${key.taskId} ${key.tryNumber}`) / 2
  return Math.min(Math.round(retryDelayMs * 2 ** (failures - 1) * spread), retryMaxDelayMs)
}

/** From 0 to 1, by the text alone. */
function fraction(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32
}
