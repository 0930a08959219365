import { exitCodes } from '../errors.ts'
import type { Outcome } from './child.ts'
import type { PlannedTask } from './plan.ts'
import type { Report } from './result-file.ts'
import type { TryEnd } from './store.ts'

const maxDelayMs = 3_600_000

/** What an ended process makes of its try and its task: success, another try later, or the end. */
export function endOfTry(task: PlannedTask, tryNumber: number, outcome: Outcome, report: Report, now: Date): TryEnd {
  const { exitCode, signal } = outcome
  const base = { exitCode, signal, checks: report.checks, notBefore: null, result: null }
  const problem = problemOf(task, outcome, report)
  // Work that was finished counts, even if it was asked to stop in the last moment.
  if (problem === null) return { ...base, tryState: 'success', taskState: 'success', reason: null, result: report.result }
  if (outcome.stopped?.kind === 'cancelled')
    return { ...base, tryState: 'cancelled', taskState: 'cancelled', reason: outcome.stopped.text }
  const failed = { ...base, tryState: 'failed', reason: problem } as const
  if (exitCode === exitCodes.neverRetry || tryNumber > task.retries) return { ...failed, taskState: 'failed' }
  return { ...failed, taskState: 'retry_wait', notBefore: new Date(now.getTime() + delayMs(task, tryNumber)) }
}

/** Why the try is not a success, null when it is one. */
function problemOf(task: PlannedTask, { exitCode, signal, stopped, startError }: Outcome, report: Report): string | null {
  if (startError !== null) return `could not be started: ${startError}`
  if (exitCode === 0) return problemOfSuccess(task, report)
  if (stopped !== null) return stopped.text
  if (report.error !== null) return report.error
  return signal === null ? `ended with exit code ${exitCode}` : `killed by ${signal}`
}

/** An exit code alone proves nothing: a shell that could not run the script properly may end with 0 as well. */
function problemOfSuccess(task: PlannedTask, { result, checks, problem }: Report): string | null {
  if (problem !== null) return problem
  if (result === null) return 'ended without a result'
  const critical = task.kind === 'check' ? checks.find((check) => !check.ok && check.severity === 'CRITICAL') : undefined
  return critical === undefined ? null : `critical check ${critical.checkName} failed: ${critical.details}`
}

/** Exponential: the first wait, doubled for each further try. */
function delayMs({ retryDelayMs }: PlannedTask, tryNumber: number): number {
  return Math.min(retryDelayMs * 2 ** (tryNumber - 1), maxDelayMs)
}
