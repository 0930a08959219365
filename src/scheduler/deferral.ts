/** Runs that wait for a time: nothing of them runs, and nothing can start before a deferred task may look again. Pure. */
import { isFinal, type TaskState } from './states.ts'

/** What must be known of a task. */
export interface MaybeDeferred {
  readonly taskId: string
  readonly state: TaskState
  readonly reason: string | null
  /** ISO 8601 */
  readonly notBefore: string | null
}

/** The deferred task of a run that looks again first. */
export interface Deferral {
  readonly taskId: string
  readonly reason: string
  readonly until: Date
}

/** Whether all that has not ended in an attempt is deferred, or waits for a task that is. Such an attempt needs no scheduler meanwhile. */
export function isDeferred(tasks: readonly Pick<MaybeDeferred, 'state'>[]): boolean {
  const open = tasks.filter(({ state }) => !isFinal(state))
  return open.some(({ state }) => state === 'deferred') && open.every(({ state }) => state === 'deferred' || state === 'waiting')
}

/** @param tasks of one attempt. @returns null when it is not {@link isDeferred} */
export function deferralOf(tasks: readonly MaybeDeferred[]): Deferral | null {
  if (!isDeferred(tasks)) return null
  const deferrals = tasks.flatMap(({ taskId, state, reason, notBefore }) =>
    state === 'deferred' && notBefore !== null ? [{ taskId, reason: reason ?? 'not yet', until: new Date(notBefore) }] : [],
  )
  return deferrals.toSorted((left, right) => left.until.getTime() - right.until.getTime())[0] ?? null
}
