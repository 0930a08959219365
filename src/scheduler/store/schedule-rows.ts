/** Schedules and their slots. Apart from the rest of the store, and without its validators: the daemon must stay small. */
import { arrivals, type Arrival, type Waiting } from '../arrivals.ts'
import { formatSession } from '../session.ts'
import type { Timetable } from '../timetable.ts'
import { build, type Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { Row } from './records.ts'

export interface ScheduleRecord extends Waiting {
  readonly lastSlot: string | null
  /** Why the dag cannot be run, null when it can. */
  readonly problem: string | null
}

export interface DueSlot {
  readonly dagId: string
  readonly slot: string
}

export class ScheduleTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  all(): readonly ScheduleRecord[] {
    return this.#connection.all(build.selectFrom('schedule').selectAll().orderBy('dag_id')).map(scheduleOf)
  }

  find(dagId: string): ScheduleRecord | null {
    const row = this.#connection.first(build.selectFrom('schedule').selectAll().where('dag_id', '=', dagId))
    return row === undefined ? null : scheduleOf(row)
  }

  /** Takes a timetable as it is now; the next slot moves only when the times have changed. Writes nothing when nothing has. */
  put(dagId: string, timetable: Timetable, next: Date): void {
    this.#connection.write(() => {
      const before = this.find(dagId)
      const isSameTime = before?.timetable.cron === timetable.cron && before.timetable.timeZone === timetable.timeZone
      const { catchUp, catchUpMs } = timetable
      if (isSameTime && before.timetable.catchUp === catchUp && before.timetable.catchUpMs === catchUpMs) return
      const row = {
        dag_id: dagId,
        cron: timetable.cron,
        time_zone: timetable.timeZone,
        catch_up: catchUp,
        catch_up_ms: catchUpMs,
        next_slot: formatSession(isSameTime ? before.nextSlot : next),
        updated_at: this.#connection.timestamp(),
      }
      const insert = build.insertInto('schedule').values(row)
      this.#connection.run(insert.onConflict((conflict) => conflict.column('dag_id').doUpdateSet(row)))
      this.#tell(before === null ? null : 'scheduled', 'scheduled', `${dagId}: ${timetable.cron} (${timetable.timeZone})`)
    })
  }

  /** The dag is gone, or has no schedule any more. Its slots stay. */
  remove(dagId: string): void {
    this.#connection.write(() => {
      const { changes } = this.#connection.run(build.deleteFrom('schedule').where('dag_id', '=', dagId))
      if (changes === 1) this.#tell('scheduled', 'removed', dagId)
    })
  }

  /** @returns false when it was so already, or there is no such schedule */
  setPaused(dagId: string, paused: boolean): boolean {
    return this.#connection.write(() => {
      const query = build.updateTable('schedule').set({ paused: paused ? 1 : 0, updated_at: this.#connection.timestamp() })
      const { changes } = this.#connection.run(query.where('dag_id', '=', dagId).where('paused', '=', paused ? 0 : 1))
      if (changes === 1) this.#tell(paused ? 'scheduled' : 'paused', paused ? 'paused' : 'scheduled', dagId)
      return changes === 1
    })
  }

  /** @returns true when that is news */
  setProblem(dagId: string, problem: string | null): boolean {
    return this.#connection.write(() => {
      const query = build.updateTable('schedule').set({ problem, updated_at: this.#connection.timestamp() })
      const { changes } = this.#connection.run(query.where('dag_id', '=', dagId).where('problem', 'is not', problem))
      if (changes === 1)
        this.#tell(null, problem === null ? 'mended' : 'broken', `${dagId}${problem === null ? '' : `: ${problem}`}`)
      return changes === 1
    })
  }

  /** Deals with every slot whose time has come, each exactly once. @returns those that have come */
  arrive(dagId: string): readonly Arrival[] {
    const now = this.#connection.now()
    const waiting = this.find(dagId)
    // Asked before the write lock is taken: almost always there is nothing to do.
    if (waiting === null || waiting.nextSlot > now) return []
    return this.#connection.write(() => {
      const schedule = this.find(dagId)
      const coming = schedule === null ? null : arrivals(schedule, now)
      if (coming === null) return []
      for (const arrival of coming.arrived) this.#insert(dagId, arrival)
      const last_slot = coming.arrived.at(-1)?.slot ?? null
      const next = { next_slot: formatSession(coming.next), last_slot, updated_at: this.#connection.timestamp() }
      this.#connection.run(build.updateTable('schedule').set(next).where('dag_id', '=', dagId))
      return coming.arrived
    })
  }

  /** Slots that are to be run, oldest first, of dags that are not paused. */
  due(): readonly DueSlot[] {
    const query = build
      .selectFrom('slot')
      .innerJoin('schedule', 'schedule.dag_id', 'slot.dag_id')
      .select(['slot.dag_id', 'slot.slot'])
      .where('slot.state', '=', 'due')
      .where('schedule.paused', '=', 0)
      .orderBy('slot.slot')
      .orderBy('slot.dag_id')
    return this.#connection.all(query).map((row) => ({ dagId: row.dag_id, slot: row.slot }))
  }

  /** A slot that can never be run. */
  miss({ dagId, slot }: DueSlot, reason: string): void {
    this.#connection.write(() => {
      const query = build.updateTable('slot').set({ state: 'missed', reason }).where('dag_id', '=', dagId)
      const { changes } = this.#connection.run(query.where('slot', '=', slot).where('state', '=', 'due'))
      if (changes === 1) this.#tell('due', 'missed', `${dagId} ${slot}: ${reason}`)
    })
  }

  /** Ids of the runs of slots that were stopped together with the daemon, or may have lost their scheduler. */
  interrupted(): readonly string[] {
    const query = build
      .selectFrom('run')
      .select(['run_id', 'state', 'reason'])
      .where('trigger', '=', 'schedule')
      .where('state', '!=', 'success')
      .orderBy('session')
    return this.#connection.all(query).flatMap(({ run_id, state, reason }) => {
      const isInterrupted =
        state === 'running' || (state === 'cancelled' && reason === stoppedWithDaemon) || reason === schedulerDied
      return isInterrupted ? [run_id] : []
    })
  }

  /** The process that runs runs now, by the state; null when none does. */
  leader(): Pick<Row<'lease'>, 'pid' | 'pid_started' | 'host'> | null {
    const query = build.selectFrom('lease').select(['pid', 'pid_started', 'host']).where('name', '=', 'scheduler')
    return this.#connection.first(query) ?? null
  }

  #insert(dagId: string, { slot, state, reason }: Arrival): void {
    const query = build.selectFrom('run').select('run_id').where('dag_id', '=', dagId).where('session', '=', slot)
    // Somebody may have been ahead of the schedule.
    const run_id = this.#connection.first(query)?.run_id ?? null
    const fate = run_id === null ? { state, reason } : { state: 'started' as const, reason: null }
    const row = { dag_id: dagId, slot, ...fate, run_id, noticed_at: this.#connection.timestamp() }
    const insert = build.insertInto('slot').values(row)
    this.#connection.run(insert.onConflict((conflict) => conflict.doNothing()))
    this.#tell(null, fate.state, `${dagId} ${slot}${fate.reason === null ? '' : `: ${fate.reason}`}`)
  }

  #tell(from: string | null, to: string, detail: string): void {
    appendEvent(this.#connection, { subject: 'schedule', from, to, detail })
  }
}

/** As `dag trigger` and the settlement of dead schedulers record it. */
const stoppedWithDaemon = 'stopped by SIGTERM'
const schedulerDied = 'scheduler died'
export const interruptions = [stoppedWithDaemon, schedulerDied] as const

function scheduleOf(row: Row<'schedule'>): ScheduleRecord {
  return {
    dagId: row.dag_id,
    timetable: { cron: row.cron, timeZone: row.time_zone, catchUp: row.catch_up, catchUpMs: row.catch_up_ms },
    isPaused: row.paused === 1,
    nextSlot: new Date(`${row.next_slot.replace(' ', 'T')}Z`),
    lastSlot: row.last_slot,
    problem: row.problem,
  }
}
