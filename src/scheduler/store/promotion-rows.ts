import type { Promotion } from '../../lake/promotion-ledger.ts'
import { PipelineError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { Row } from './records.ts'
import type { PromotionState } from './tables.ts'

/** The audit trail of the pointer: written by the promote task and the command line. */
export class PromotionWriter {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  transaction<Result>(work: () => Result): Result {
    return this.#connection.write(work)
  }

  /** @returns id of the promotion */
  begin(promotion: Promotion, verdict: string): number {
    return this.#connection.write(() => {
      const { kind, fromRunId, toRunId, prevLink, who, reason } = promotion
      const { insertedId } = this.#connection.run(
        `insert into promotion (kind, state, from_run_id, to_run_id, prev_link, who, reason, verdict, begun_at)
         values (@kind, 'begun', @fromRunId, @toRunId, @prevLink, @who, @reason, @verdict, @now)`,
        { kind, fromRunId, toRunId, prevLink, who, reason, verdict, now: this.#connection.timestamp() },
      )
      const detail = `${kind} ${insertedId}: ${fromRunId ?? 'nothing'} → ${toRunId}`
      appendEvent(this.#connection, { subject: 'promotion', runId: toRunId, from: null, to: 'begun', detail })
      return insertedId
    })
  }

  end(id: number, state: Exclude<PromotionState, 'begun'>, note: string | null): void {
    this.#connection.write(() => {
      const [row] = this.#connection.all<Pick<Row<'promotion'>, 'to_run_id' | 'kind'>>(
        `update promotion set state = @state, note = @note, ended_at = @now
         where promotion_id = @id and state = 'begun' returning to_run_id, kind`,
        { id, state, note, now: this.#connection.timestamp() },
      )
      if (row === undefined)
        throw new PipelineError(`promotion ${id} is not under way: it cannot become ${state}`, { retryable: false })
      const detail = `${row.kind} ${id}${note === null ? '' : `: ${note}`}`
      appendEvent(this.#connection, { subject: 'promotion', runId: row.to_run_id, from: 'begun', to: state, detail })
    })
  }
}
