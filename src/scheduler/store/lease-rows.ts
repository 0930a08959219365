import { exitCodes, PipelineError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import { leaseOf } from './from-rows.ts'
import type { LeaseRecord, Row } from './records.ts'

export type LeaseHolder = Pick<LeaseRecord, 'owner' | 'pid' | 'pidStarted' | 'host'>

/** Another process holds the lease now: this one may neither write nor touch the children. */
export class LeaseLostError extends PipelineError {
  constructor(message: string) {
    super(message, {
      exitCode: exitCodes.locked,
      retryable: false,
      hint: 'the other one goes on with the runs: `dag status` shows them',
    })
  }
}

/** Leases by name; whether a holder may be replaced is the caller's judgement. */
export class LeaseTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  holder(name: string): LeaseRecord | null {
    const [row] = this.#connection.all<Row<'lease'>>('select * from lease where name = ?', name)
    return row === undefined ? null : leaseOf(row)
  }

  /** @returns the holder that keeps it, or our own record */
  acquire(name: string, holder: LeaseHolder, mayKeep: (other: LeaseRecord) => boolean): LeaseRecord {
    return this.#connection.write(() => {
      const other = this.holder(name)
      if (other !== null && mayKeep(other)) return other
      const now = this.#connection.timestamp()
      const { owner, pid, host } = holder
      const detail = `${name}: pid ${pid} on ${host}${other === null ? '' : `, after pid ${other.pid} on ${other.host} had died or fallen silent`}`
      // Ids of events only ever grow, also when the lease has been released in between: a token that fences.
      const token = appendEvent(this.#connection, { subject: 'lease', from: other === null ? null : 'held', to: 'held', detail })
      const identity = { name, owner, pid, pid_started: holder.pidStarted, host, token, beats: 0 }
      const row = { ...identity, acquired_at: now, heartbeat_at: now }
      this.#connection.run(
        `insert or replace into lease (name, owner, pid, pid_started, host, token, beats, acquired_at, heartbeat_at)
         values (@name, @owner, @pid, @pid_started, @host, @token, @beats, @acquired_at, @heartbeat_at)`,
        row,
      )
      return leaseOf(row)
    })
  }

  /** From now on nothing is written through this store unless the lease is still held with this token; null: by anyone. */
  fence(name: string, token: number | null): void {
    const check = (): void => {
      const [held] = this.#connection.all<Pick<Row<'lease'>, 'token'>>('select token from lease where name = ?', name)
      if (held?.token !== token) throw new LeaseLostError('another scheduler has taken over this state directory')
    }
    this.#connection.fence(token === null ? null : check)
  }

  /** @throws LeaseLostError when another process has taken it over, as every write of a fenced store */
  heartbeat(name: string): void {
    // A heartbeat is for those who look now.
    this.#connection.writeLightly(() => {
      const now = this.#connection.timestamp()
      this.#connection.run('update lease set beats = beats + 1, heartbeat_at = ? where name = ?', now, name)
    })
  }

  release(name: string, owner: string): void {
    this.#connection.write(() => {
      const { changes } = this.#connection.run('delete from lease where name = ? and owner = ?', name, owner)
      if (changes === 1) appendEvent(this.#connection, { subject: 'lease', from: 'held', to: 'released', detail: name })
    })
  }
}
