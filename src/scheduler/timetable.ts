/** When a dag runs by itself: a cron expression in a time zone, read as slots, the UTC instants of its sessions. Pure. */
import { Cron } from 'croner'
import { messageOf, PipelineError } from '../errors.ts'

/** What becomes of slots that passed while nothing was there to run them. */
export const catchUps = ['none', 'latest', 'all'] as const
export type CatchUp = (typeof catchUps)[number]

export interface Timetable {
  /** Five fields. */
  readonly cron: string
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string
  readonly catchUp: CatchUp
  /** How late a missed slot may still be run. */
  readonly catchUpMs: number
}

const dayMs = 86_400_000

/** Of a dag that says no more than a cron expression. */
export const standardTimetable = { timeZone: 'UTC', catchUp: 'latest', catchUpMs: 31 * dayMs } as const

/** @throws PipelineError (exit 2) when the expression or the time zone means nothing, or no day of the calendar */
export function checkTimetable(dagId: string, timetable: Timetable): void {
  if (nextSlot(dagId, timetable, new Date(0)) !== null) return
  throw invalid(dagId, timetable, 'it names no day of the calendar')
}

/**
 * The first slot after an instant, null when there is none. A local time that daylight saving skips is taken at the end of the gap, one
 * that it repeats is taken once, the first time.
 * @throws PipelineError (exit 2)
 */
export function nextSlot(dagId: string, timetable: Pick<Timetable, 'cron' | 'timeZone'>, after: Date): Date | null {
  try {
    return slotFinder(timetable)(after)
  } catch (cause) {
    throw invalid(dagId, timetable, messageOf(cause))
  }
}

/** Answers as {@link nextSlot} does, for many instants: reading the expression takes longer than an answer. */
function slotFinder({ cron, timeZone }: Pick<Timetable, 'cron' | 'timeZone'>): (after: Date) => Date | null {
  // The tables of time zones would take 10 MB and 15 ms.
  const zone = timeZone === 'UTC' ? { utcOffset: 0 } : { timezone: timeZone }
  const pattern = new Cron(cron, { ...zone, mode: '5-part', paused: true })
  return (after) => pattern.nextRun(after)
}

/** Slots from `first`, which is one, to `until`, oldest first. Of more than `limit` only the newest are told. */
export function slotsUntil(timetable: Timetable, { first, until }: Span, limit = 1000): readonly Date[] {
  const slots: Date[] = []
  const next = slotFinder(timetable)
  for (let slot: Date | null = first; slot !== null && slot <= until; slot = next(slot)) {
    slots.push(slot)
    if (slots.length > limit) slots.shift()
  }
  return slots
}

export interface Span {
  readonly first: Date
  readonly until: Date
}

/** First and last day, `YYYY-MM` or `YYYY-MM-DD`, both included: days of the schedule's own time zone. */
export interface Days {
  readonly from: string
  readonly to: string
}

/**
 * Every slot that falls on the days given, oldest first.
 * @throws PipelineError (exit 2) for a day that no calendar has, or an end before the beginning
 */
export function slotsOfDays(dagId: string, timetable: Timetable, days: Days): readonly Date[] {
  const [from, to] = [startOf('--from', days.from), startOf('--to', days.to)]
  if (from > to)
    throw usage(`--from ${days.from} is after --to ${days.to}`, 'the earlier one comes first; --order desc runs backwards')
  // Wide enough for every time zone and every month; which slots belong to the days, their local date says.
  const until = new Date(to.getTime() + 33 * dayMs)
  const first = nextSlot(dagId, timetable, new Date(from.getTime() - 2 * dayMs))
  if (first === null) return []
  const localDay = localDays(timetable.timeZone)
  return slotsUntil(timetable, { first, until }, 100_000).filter((slot) => {
    const day = localDay(slot)
    return day.slice(0, days.from.length) >= days.from && day.slice(0, days.to.length) <= days.to
  })
}

function localDays(timeZone: string): (instant: Date) => string {
  // The Swedish way to write a date is the ISO one.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  return (instant) => format.format(instant)
}

function startOf(option: string, text: string): Date {
  const written = /^\d{4}-\d{2}$/.test(text) ? `${text}-01` : text
  const start = new Date(`${written}T00:00:00Z`)
  // Date rolls 2026-02-30 over to March: only what reads back the same is a real day.
  if (/^\d{4}-\d{2}-\d{2}$/.test(written) && !Number.isNaN(start.getTime()) && start.toISOString().startsWith(written))
    return start
  throw usage(`${option} ${JSON.stringify(text)} is no month and no day`, 'write it as 2026-01 or 2026-01-20')
}

function invalid(dagId: string, { cron, timeZone }: Pick<Timetable, 'cron' | 'timeZone'>, found: string): PipelineError {
  return usage(
    `dag ${dagId}: the schedule "${cron}" (${timeZone}) is not valid: ${found}`,
    'five fields: minute hour day month weekday',
  )
}

function usage(message: string, hint: string): PipelineError {
  return new PipelineError(message, { exitCode: 2, retryable: false, hint })
}
