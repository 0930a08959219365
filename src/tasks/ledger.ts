import { lakeLedger } from '../lake/lake-ledger.ts'
import type { PromotionLedger } from '../lake/promotion-ledger.ts'
import type { TaskContext } from '../scheduler/context.ts'
import { recordedVerdict } from './checks/recorded-verdict.ts'

/** The scheduler's ledger; in a compiled script, which has no scheduler, the one in the lake. */
export function ledgerFor(context: TaskContext): PromotionLedger {
  const { lakeDir } = context
  return (
    context.ledger() ?? lakeLedger(lakeDir, { verdictOn: (runId) => recordedVerdict(lakeDir, runId), now: () => context.now() })
  )
}
