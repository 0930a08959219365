/** What the lake asks of whoever keeps the audit trail of the pointer. Types only. */

/** One intended or finished move of the pointer. */
export interface Promotion {
  readonly kind: 'promote' | 'rollback'
  /** The run that was active before, null for the first promotion. */
  readonly fromRunId: string | null
  readonly toRunId: string
  /** Name of the link that keeps the old run, null if there was none. */
  readonly prevLink: string | null
  readonly who: string
  readonly reason: string
}

/** A promotion that was begun and neither done nor undone: its process died in between. */
export interface UnfinishedPromotion extends Promotion {
  readonly id: number
}

/** Gate and audit trail. The lake moves links; whoever keeps the state implements this. */
export interface PromotionLedger {
  /**
   * In one committed transaction: checks the gate (of kind `promote` only) and appends the intent.
   * @returns id of the intent
   * @throws PipelineError, not retryable, when the gate is closed
   */
  begin(promotion: Promotion): number
  /**
   * In one BEGIN IMMEDIATE transaction: checks the gate again, calls `move` (synchronous), records that it is done. When it throws, the
   * promotion is still unfinished: the caller puts the links back and then settles it.
   */
  complete(id: number, move: () => void): void
  /** Of runs of this lake. */
  unfinished(lakeDir: string): readonly UnfinishedPromotion[]
  /** Records how an unfinished promotion ended; called only when the links say so. */
  settle(id: number, outcome: 'done' | 'undone' | 'failed', note: string): void
  /** The run that was active before `runId` was promoted, null if unknown: where a rollback goes. */
  before(runId: string): string | null
  /** True when a rollback moved the pointer away from the run and nobody has promoted it since: no place to go back to. */
  isRolledBack(runId: string): boolean
}
