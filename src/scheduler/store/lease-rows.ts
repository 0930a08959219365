import { build, type Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import { leaseOf } from './from-rows.ts'
import type { LeaseRecord } from './records.ts'

export type LeaseHolder = Pick<LeaseRecord, 'owner' | 'pid' | 'pidStarted' | 'host'>

/** Leases by name; whether a holder is alive is the caller's judgement. */
export class LeaseTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  holder(name: string): LeaseRecord | null {
    const row = this.#connection.first(build.selectFrom('lease').selectAll().where('name', '=', name))
    return row === undefined ? null : leaseOf(row)
  }

  /** @returns the holder that keeps it, null when it is ours now */
  acquire(name: string, holder: LeaseHolder, isAlive: (other: LeaseRecord) => boolean): LeaseRecord | null {
    return this.#connection.write(() => {
      const other = this.holder(name)
      if (other !== null && isAlive(other)) return other
      const now = this.#connection.timestamp()
      const { owner, pid, host } = holder
      const row = { name, owner, pid, pid_started: holder.pidStarted, host, acquired_at: now, heartbeat_at: now }
      this.#connection.run(
        build
          .insertInto('lease')
          .values(row)
          .onConflict((conflict) => conflict.column('name').doUpdateSet(row)),
      )
      const detail = `${name}: pid ${pid} on ${host}${other === null ? '' : `, after pid ${other.pid} on ${other.host} had died`}`
      appendEvent(this.#connection, { subject: 'lease', from: other === null ? null : 'held', to: 'held', detail })
      return null
    })
  }

  /** @returns false when another process has taken it over */
  heartbeat(name: string, owner: string): boolean {
    return this.#connection.write(() => {
      const query = build.updateTable('lease').set({ heartbeat_at: this.#connection.timestamp() })
      return this.#connection.run(query.where('name', '=', name).where('owner', '=', owner)).changes === 1
    })
  }

  release(name: string, owner: string): void {
    this.#connection.write(() => {
      const { changes } = this.#connection.run(build.deleteFrom('lease').where('name', '=', name).where('owner', '=', owner))
      if (changes === 1) appendEvent(this.#connection, { subject: 'lease', from: 'held', to: 'released', detail: name })
    })
  }
}
