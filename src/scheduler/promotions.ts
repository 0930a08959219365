/** Gate and audit trail of promotions over the scheduler's state: what the lake asks before and after it moves the pointer. */
import { PipelineError } from '../errors.ts'
import type { Promotion, PromotionLedger } from '../lake/promotion-ledger.ts'
import { ownLakeOf } from './binding.ts'
import { runClosedBy } from './gate.ts'
import { openStore, type Store } from './store.ts'

/** The ledger of a state directory, with a connection of its own that lives as long as the process. */
export function openLedger(stateDir: string): PromotionLedger {
  return ledgerOf(openStore(stateDir))
}

export function ledgerOf(store: Store): PromotionLedger {
  const { promoting } = store
  return {
    begin: (promotion) => promoting.transaction(() => promoting.begin(promotion, verdictOn(store, promotion))),
    complete: (id, move) => complete(store, id, move),
    unfinished: (lakeDir) => store.begunPromotions().filter((one) => lakeOfPromotion(store, one, lakeDir) === lakeDir),
    settle: (id, outcome, note) => promoting.end(id, outcome, note),
    before: (runId) => store.promotionOver(runId)?.fromRunId ?? null,
    isRolledBack: (runId) => store.isRolledBack(runId),
  }
}

/** @param lakeDir that of the settings */
export function lakeOfPromotion(store: Store, { toRunId }: Pick<Promotion, 'toRunId'>, lakeDir: string): string {
  const run = store.findRun(toRunId)
  return run === null ? lakeDir : ownLakeOf(run, lakeDir)
}

/** The move happens while the write lock is held: no state changes between the gate, the move and the record. */
function complete(store: Store, id: number, move: () => void): void {
  store.promoting.transaction(() => {
    const promotion = store.promotion(id)
    if (promotion.state !== 'begun')
      throw new PipelineError(`promotion ${id} is ${promotion.state} already`, { retryable: false })
    verdictOn(store, promotion)
    move()
    store.promoting.end(id, 'done', null)
  })
}

/**
 * @returns what the checks say, in one line, for the audit trail
 * @throws PipelineError, not retryable, when the gate is closed; a rollback has no gate
 */
function verdictOn(store: Store, { kind, toRunId }: Promotion): string {
  if (kind === 'rollback') return 'rollback: not gated'
  const tasks = new Map(store.tasks(toRunId).map((task) => [task.taskId, task]))
  const plan = store.planOf(toRunId)
  const checkTasks = new Set(plan.tasks.filter((task) => task.kind === 'check').map((task) => task.id))
  const checks = store.checks(toRunId).filter((check) => checkTasks.has(check.taskId))
  const critical = checks.filter((check) => !check.ok && check.severity === 'CRITICAL')
  const shut = runClosedBy(plan, tasks)
  const closed = shut.length > 0 ? shut : critical.map((check) => `${check.checkName} failed: ${check.details}`)
  if (closed.length > 0) {
    throw new PipelineError(`the gate of run ${toRunId} is closed: ${closed.join('; ')}`, {
      retryable: false,
      hint: `\`dag tasks ${toRunId}\` shows its checks; \`dag retry ${toRunId}\` runs what failed again`,
    })
  }
  const warnings = checks.filter((check) => !check.ok && check.severity === 'WARN').length
  return `${checks.length} checks, 0 critical, ${warnings} warnings`
}
