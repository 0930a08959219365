import { PipelineError } from '../../errors.ts'
import { build, type Connection } from './connection.ts'
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
    const requested_at = this.#connection.timestamp()
    const row = { kind: 'cancel', run_id: runId, task_id: taskId, who, reason, state: 'open', requested_at } as const
    return this.#connection.write(() => this.#connection.run(build.insertInto('request').values(row)).insertedId)
  }

  /** Of a run, oldest first. */
  open(runId: string): readonly RequestRecord[] {
    const query = build.selectFrom('request').selectAll().where('run_id', '=', runId).where('state', '=', 'open')
    return this.#connection.all(query.orderBy('request_id')).map(requestOf)
  }

  get(id: number): RequestRecord {
    const row = this.#connection.first(build.selectFrom('request').selectAll().where('request_id', '=', id))
    if (row === undefined) throw new PipelineError(`there is no request ${id}`, { retryable: false })
    return requestOf(row)
  }

  end(id: number, state: Exclude<RequestState, 'open'>, note: string): void {
    this.#connection.write(() => {
      const query = build.updateTable('request').set({ state, note, ended_at: this.#connection.timestamp() })
      this.#connection.run(query.where('request_id', '=', id).where('state', '=', 'open'))
    })
  }
}

function requestOf(row: Row<'request'>): RequestRecord {
  const { request_id, run_id, task_id, who, reason, state, note } = row
  return { id: request_id, runId: run_id, taskId: task_id, who, reason, state, note }
}
