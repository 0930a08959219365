import { PipelineError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import type { Row } from './records.ts'
import type { RequestState } from './tables.ts'

/** What one process asks of the one that runs a run. */
export interface RequestRecord {
  readonly id: number
  readonly runId: string
  /** Null: the whole run. */
  readonly taskId: string | null
  readonly who: string
  readonly reason: string
  readonly state: RequestState
  /** What came of it. */
  readonly note: string | null
}

export type NewRequest = Pick<RequestRecord, 'runId' | 'taskId' | 'who' | 'reason'>

export class RequestTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @returns its id */
  add({ runId, taskId, who, reason }: NewRequest): number {
    const insert = `insert into request (kind, run_id, task_id, who, reason, state, requested_at)
      values ('cancel', @runId, @taskId, @who, @reason, 'open', @now)`
    const values = { runId, taskId, who, reason, now: this.#connection.timestamp() }
    return this.#connection.write(() => this.#connection.run(insert, values).insertedId)
  }

  /** Of a run, oldest first. */
  open(runId: string): readonly RequestRecord[] {
    return this.#connection
      .all<Row<'request'>>("select * from request where run_id = ? and state = 'open' order by request_id", runId)
      .map(requestOf)
  }

  get(id: number): RequestRecord {
    const [row] = this.#connection.all<Row<'request'>>('select * from request where request_id = ?', id)
    if (row === undefined) throw new PipelineError(`there is no request ${id}`, { retryable: false })
    return requestOf(row)
  }

  end(id: number, state: Exclude<RequestState, 'open'>, note: string): void {
    this.#connection.write(() => {
      this.#connection.run(
        "update request set state = @state, note = @note, ended_at = @now where request_id = @id and state = 'open'",
        { id, state, note, now: this.#connection.timestamp() },
      )
    })
  }
}

function requestOf(row: Row<'request'>): RequestRecord {
  const { request_id, run_id, task_id, who, reason, state, note } = row
  return { id: request_id, runId: run_id, taskId: task_id, who, reason, state, note }
}
