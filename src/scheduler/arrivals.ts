/** What becomes of slots when their time has come. Pure. */
import { formatSession } from './session.ts'
import { nextSlot, slotsUntil, type Timetable } from './timetable.ts'

/** A slot whose time has come. */
export interface Arrival {
  /** `YYYY-MM-DD HH:MM:SS`, UTC */
  readonly slot: string
  readonly state: 'due' | 'missed'
  /** Why it is not run. */
  readonly reason: string | null
}

export interface Waiting {
  readonly dagId: string
  readonly timetable: Timetable
  readonly isPaused: boolean
  /** The first slot that has not been dealt with. */
  readonly nextSlot: Date
}

/** A slot noticed so much later was missed: nothing was there to run it. */
const punctualMs = 60_000

/**
 * Every slot from the next one to now with its fate, oldest first, and the slot that comes after them.
 * @returns null while there is none, or when the schedule has no further slot at all
 */
export function arrivals(waiting: Waiting, now: Date): { readonly arrived: readonly Arrival[]; readonly next: Date } | null {
  const { dagId, timetable, nextSlot: first } = waiting
  if (first > now) return null
  const next = nextSlot(dagId, timetable, now)
  if (next === null) return null
  const slots = slotsUntil(timetable, { first, until: now })
  const arrived = slots.map((slot, index): Arrival => {
    const reason = missedBecause(waiting, { lateMs: now.getTime() - slot.getTime(), isLatest: index === slots.length - 1 })
    return { slot: formatSession(slot), state: reason === null ? 'due' : 'missed', reason }
  })
  return { arrived, next }
}

function missedBecause(
  { timetable: { catchUp, catchUpMs }, isPaused }: Waiting,
  { lateMs, isLatest }: { readonly lateMs: number; readonly isLatest: boolean },
): string | null {
  if (isPaused) return 'paused'
  if (lateMs <= punctualMs) return null
  if (catchUp === 'none') return 'nothing was there to run it'
  if (lateMs > catchUpMs) return `more than ${hours(catchUpMs)} h late`
  return catchUp === 'latest' && !isLatest ? 'a later one is run instead' : null
}

function hours(ms: number): number {
  return Math.round(ms / 360_000) / 10
}
