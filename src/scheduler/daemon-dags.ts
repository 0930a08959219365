/** Dag files become schedules in the state, as often as they change. */
import type { ScheduleTable } from './store/schedule-rows.ts'
import type { Rerun } from './dag.ts'
import { nextSlot, type Timetable } from './timetable.ts'

/** A dag file as it is now. */
export interface DagReading {
  readonly dagId: string
  /** Null: only by hand, or it cannot be read. */
  readonly timetable: Timetable | null
  /** Null: scheduled runs that failed are left alone. */
  readonly rerun: Rerun | null
  /** Names of its params. */
  readonly params: readonly string[]
  /** Why it cannot be read, null when it can. */
  readonly problem: string | null
}

export interface ScheduledDagsOptions {
  readonly schedules: ScheduleTable
  readonly now: () => Date
  readonly readDags: () => Promise<readonly DagReading[]>
  /** Of scheduled runs, where the dag has such a param. */
  readonly params: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

export class ScheduledDags {
  /** A file has changed since they were read. */
  isStale = false
  readonly #options: ScheduledDagsOptions
  #params = new Map<string, readonly string[]>()
  #reruns: readonly (readonly [dagId: string, rerun: Rerun])[] = []

  constructor(options: ScheduledDagsOptions) {
    this.#options = options
  }

  async read(): Promise<void> {
    // First: what changes meanwhile is read once more.
    this.isStale = false
    try {
      this.#put(await this.#options.readDags())
    } catch (error) {
      this.isStale = true
      throw error
    }
  }

  /** Params of a scheduled run of a dag: those given that it knows. */
  paramsOf(dagId: string): Readonly<Record<string, string>> {
    const known = this.#params.get(dagId) ?? []
    return Object.fromEntries(Object.entries(this.#options.params).filter(([name]) => known.includes(name)))
  }

  /** Of the dags whose failed runs are tried again. */
  get reruns(): readonly (readonly [dagId: string, rerun: Rerun])[] {
    return this.#reruns
  }

  #put(readings: readonly DagReading[]): void {
    const { schedules } = this.#options
    this.#params = new Map(readings.map(({ dagId, params }) => [dagId, params]))
    this.#reruns = readings.flatMap(({ dagId, rerun }) => (rerun === null ? [] : [[dagId, rerun] as const]))
    for (const reading of readings) this.#take(reading)
    const known = new Set(readings.map((one) => one.dagId))
    for (const { dagId } of schedules.all()) if (!known.has(dagId)) schedules.remove(dagId)
  }

  #take({ dagId, timetable, problem }: DagReading): void {
    const { schedules, now, log } = this.#options
    if (problem !== null) {
      // What was scheduled stays so: its slots wait until the file is mended.
      schedules.setProblem(dagId, problem)
      log(`dag ${dagId} cannot be read: ${problem}`)
      return
    }
    const next = timetable === null ? null : nextSlot(dagId, timetable, now())
    if (timetable === null || next === null) return schedules.remove(dagId)
    schedules.put(dagId, timetable, next)
    if (schedules.setProblem(dagId, null)) log(`dag ${dagId} is mended`)
  }
}
