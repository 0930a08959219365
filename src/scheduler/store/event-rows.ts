import { build, type Connection } from './connection.ts'
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
  const row = {
    at: connection.timestamp(),
    subject: event.subject,
    run_id: event.runId ?? null,
    attempt: event.attempt ?? null,
    task_id: event.taskId ?? null,
    try: event.tryNumber ?? null,
    from_state: event.from,
    to_state: event.to,
    detail: event.detail,
  }
  return connection.run(build.insertInto('event').values(row)).insertedId
}
