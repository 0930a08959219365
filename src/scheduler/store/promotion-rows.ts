import type { Promotion } from '../../lake/promotion.ts'
import { PipelineError } from '../../errors.ts'
import { build, type Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
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
      const row = {
        kind: promotion.kind,
        state: 'begun',
        from_run_id: promotion.fromRunId,
        to_run_id: promotion.toRunId,
        prev_link: promotion.prevLink,
        who: promotion.who,
        reason: promotion.reason,
        verdict,
        note: null,
        begun_at: this.#connection.timestamp(),
        ended_at: null,
      } as const
      const { insertedId } = this.#connection.run(build.insertInto('promotion').values(row))
      const detail = `${promotion.kind} ${insertedId}: ${promotion.fromRunId ?? 'nothing'} → ${promotion.toRunId}`
      appendEvent(this.#connection, { subject: 'promotion', runId: promotion.toRunId, from: null, to: 'begun', detail })
      return insertedId
    })
  }

  end(id: number, state: Exclude<PromotionState, 'begun'>, note: string | null): void {
    this.#connection.write(() => {
      const query = build.updateTable('promotion').set({ state, note, ended_at: this.#connection.timestamp() })
      const ended = query.where('promotion_id', '=', id).where('state', '=', 'begun').returning(['to_run_id', 'kind'])
      const row = this.#connection.first(ended)
      if (row === undefined)
        throw new PipelineError(`promotion ${id} is not under way: it cannot become ${state}`, { retryable: false })
      const detail = `${row.kind} ${id}${note === null ? '' : `: ${note}`}`
      appendEvent(this.#connection, { subject: 'promotion', runId: row.to_run_id, from: 'begun', to: state, detail })
    })
  }
}
