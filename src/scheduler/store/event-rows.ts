import type { Connection } from './connection.ts'
import type { Subject } from './tables.ts'

export interface NewEvent {
  readonly subject: Subject
  readonly runId?: string
  readonly attempt?: number
  readonly taskId?: string
  readonly tryNumber?: number
  readonly from: string | null
  readonly to: string
  /** Why. */
  readonly detail: string
}

/** Called inside the transaction of the transition it tells about. @returns its id */
export function appendEvent(connection: Connection, event: NewEvent): number {
  const { subject, runId = null, attempt = null, taskId = null, tryNumber = null, from, to, detail } = event
  const values = { at: connection.timestamp(), subject, runId, attempt, taskId, tryNumber, from, to, detail }
  return connection.run(
    `insert into event (at, subject, run_id, attempt, task_id, try, from_state, to_state, detail)
     values (@at, @subject, @runId, @attempt, @taskId, @tryNumber, @from, @to, @detail)`,
    values,
  ).insertedId
}
