/** Schedules and their slots. Apart from the rest of the store, and without its validators: the daemon must stay small. */
import type { Rerun } from '../dag.ts'
import { arrivals, type Arrival, type Waiting } from '../arrivals.ts'
import { formatSession } from '../session.ts'
import type { Timetable } from '../timetable.ts'
import type { Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { Row } from './records.ts'
import { type FailedRun, failedRuns } from './rerun-rows.ts'

export interface ScheduleRecord extends Waiting {
  readonly lastSlot: string | null
  /** Why the dag cannot be run, null when it can. */
  readonly problem: string | null
}

export type Leader = Pick<Row<'lease'>, 'pid' | 'pid_started' | 'host' | 'heartbeat_at'>

export interface DueSlot {
  readonly dagId: string
  readonly slot: string
}

export interface DeferredRun {
  readonly runId: string
  readonly until: Date
}

export class ScheduleTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  all(): readonly ScheduleRecord[] {
    return this.#connection.all<Row<'schedule'>>('select * from schedule order by dag_id').map(scheduleOf)
  }

  find(dagId: string): ScheduleRecord | null {
    const [row] = this.#connection.all<Row<'schedule'>>('select * from schedule where dag_id = ?', dagId)
    return row === undefined ? null : scheduleOf(row)
  }

  /** Takes a timetable as it is now; the next slot moves only when the times have changed. Writes nothing when nothing has. */
  put(dagId: string, timetable: Timetable, next: Date): void {
    this.#connection.write(() => {
      const before = this.find(dagId)
      const isSameTime = before?.timetable.cron === timetable.cron && before.timetable.timeZone === timetable.timeZone
      const { cron, timeZone, catchUp, catchUpMs } = timetable
      if (isSameTime && before.timetable.catchUp === catchUp && before.timetable.catchUpMs === catchUpMs) return
      const nextSlot = formatSession(isSameTime ? before.nextSlot : next)
      this.#connection.run(
        `insert into schedule (dag_id, cron, time_zone, catch_up, catch_up_ms, next_slot, updated_at)
         values (@dagId, @cron, @timeZone, @catchUp, @catchUpMs, @nextSlot, @now)
         on conflict (dag_id) do update set cron = @cron, time_zone = @timeZone, catch_up = @catchUp, catch_up_ms = @catchUpMs,
           next_slot = @nextSlot, updated_at = @now`,
        { dagId, cron, timeZone, catchUp, catchUpMs, nextSlot, now: this.#connection.timestamp() },
      )
      this.#tell(before === null ? null : 'scheduled', 'scheduled', `${dagId}: ${cron} (${timeZone})`)
    })
  }

  /** The dag is gone, or has no schedule any more. Its slots stay. */
  remove(dagId: string): void {
    this.#connection.write(() => {
      const { changes } = this.#connection.run('delete from schedule where dag_id = ?', dagId)
      if (changes === 1) this.#tell('scheduled', 'removed', dagId)
    })
  }

  /** @returns false when it was so already, or there is no such schedule */
  setPaused(dagId: string, paused: boolean): boolean {
    return this.#connection.write(() => {
      const { changes } = this.#connection.run(
        'update schedule set paused = @paused, updated_at = @now where dag_id = @dagId and paused <> @paused',
        { dagId, paused: paused ? 1 : 0, now: this.#connection.timestamp() },
      )
      if (changes === 1) this.#tell(paused ? 'scheduled' : 'paused', paused ? 'paused' : 'scheduled', dagId)
      return changes === 1
    })
  }

  /** @returns true when that is news */
  setProblem(dagId: string, problem: string | null): boolean {
    return this.#connection.write(() => {
      const { changes } = this.#connection.run(
        'update schedule set problem = @problem, updated_at = @now where dag_id = @dagId and problem is not @problem',
        { dagId, problem, now: this.#connection.timestamp() },
      )
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
      this.#connection.run('update schedule set next_slot = @next, last_slot = @last, updated_at = @now where dag_id = @dagId', {
        dagId,
        next: formatSession(coming.next),
        last: coming.arrived.at(-1)?.slot ?? null,
        now: this.#connection.timestamp(),
      })
      return coming.arrived
    })
  }

  /** Slots that are to be run, oldest first, of dags that are not paused. */
  due(): readonly DueSlot[] {
    const rows = this.#connection.all<Pick<Row<'slot'>, 'dag_id' | 'slot'>>(
      `select slot.dag_id, slot.slot from slot join schedule on schedule.dag_id = slot.dag_id
       where slot.state = 'due' and schedule.paused = 0 order by slot.slot, slot.dag_id`,
    )
    return rows.map((row) => ({ dagId: row.dag_id, slot: row.slot }))
  }

  /** A slot that can never be run. */
  miss({ dagId, slot }: DueSlot, reason: string): void {
    this.#connection.write(() => {
      const { changes } = this.#connection.run(
        "update slot set state = 'missed', reason = @reason where dag_id = @dagId and slot = @slot and state = 'due'",
        { dagId, slot, reason },
      )
      if (changes === 1) this.#tell('due', 'missed', `${dagId} ${slot}: ${reason}`)
    })
  }

  /** Ids of the runs of slots that were stopped together with the daemon, or may have lost their scheduler. */
  interrupted(): readonly string[] {
    const rows = this.#connection.all<Pick<Row<'run'>, 'run_id'>>(
      `select run_id from run
       where trigger = 'schedule'
         and (state = 'running' and run_id not in (select run_id from deferral) or state = 'cancelled' and reason = @stopped or state <> 'success' and reason = @died)
       order by session`,
      { stopped: stoppedWithDaemon, died: schedulerDied },
    )
    return rows.map((row) => row.run_id)
  }

  /** Runs that wait for a time, whoever has started them, the one that looks again first at the begin. */
  deferred(): readonly DeferredRun[] {
    const rows = this.#connection.all<{ readonly run_id: string; readonly until: string }>(
      'select run_id, min(until) as until from deferral group by run_id order by min(until)',
    )
    return rows.map((row) => ({ runId: row.run_id, until: new Date(row.until) }))
  }

  /** Scheduled runs that are tried again, see {@link failedRuns}. */
  failed(dagId: string, rerun: Rerun): readonly FailedRun[] {
    return failedRuns(this.#connection, dagId, rerun)
  }

  /** The process that runs runs now, by the state; null when none does. */
  leader(): Leader | null {
    const [holder] = this.#connection.all<Leader>(
      "select pid, pid_started, host, heartbeat_at from lease where name = 'scheduler'",
    )
    return holder ?? null
  }

  #insert(dagId: string, { slot, state, reason }: Arrival): void {
    const [run] = this.#connection.all<Pick<Row<'run'>, 'run_id'>>(
      'select run_id from run where dag_id = ? and session = ?',
      dagId,
      slot,
    )
    // Somebody may have been ahead of the schedule.
    const fate = run === undefined ? { state, reason } : { state: 'started', reason: null }
    this.#connection.run(
      `insert into slot (dag_id, slot, state, reason, run_id, noticed_at) values (@dagId, @slot, @state, @reason, @runId, @now)
       on conflict do nothing`,
      { dagId, slot, ...fate, runId: run?.run_id ?? null, now: this.#connection.timestamp() },
    )
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
