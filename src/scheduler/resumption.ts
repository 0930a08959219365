/** When a run is gone on with by itself, and when that has been in vain too often. Pure. */
import type { EventRecord } from './store.ts'
import { interruptions } from './store/schedule-rows.ts'

/** So often a run is resumed by itself without a task of it succeeding in between. */
export const maxResumptions = 5

/**
 * Why a run must not be resumed by itself once more, null when it may be. What kills its scheduler again and again would else be repeated
 * for ever; so that nothing but the state decides, no restart begins the count again.
 * @param events of the run, oldest first
 */
export function hopelessness(events: readonly EventRecord[]): string | null {
  const sign = events.findLastIndex((event) => isTaskEnd(event) || isOwnEnd(event))
  const begun = events.slice(sign + 1).filter(({ subject, toState }) => subject === 'attempt' && toState === 'running').length
  // The first of them was asked for.
  return begun <= maxResumptions ? null : `given up: resumed ${begun - 1} times by itself, and no task has succeeded in between`
}

/** A task that is not ready yet has ended as it should. */
function isTaskEnd({ subject, toState }: EventRecord): boolean {
  return subject === 'try' && (toState === 'success' || toState === 'deferred')
}

/** Ended by what is in the run itself, or by a person: whatever began after that was asked for. */
function isOwnEnd({ subject, toState, detail }: EventRecord): boolean {
  return subject === 'run' && toState !== 'running' && !interruptions.some((one) => one === detail)
}
