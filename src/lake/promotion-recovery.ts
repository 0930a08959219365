/** Promotions whose process died: the links tell whether they are finished or undone, and the ledger is brought up to date. */
import { syncDirectory } from './atomic-file.ts'
import { type LockOptions, withLakeLock } from './lock.ts'
import { activeRunId, compareLinkNames, newLinks, prevLinks, removeNewLinks, removePrevLink } from './pointer.ts'
import type { PromotionLedger, UnfinishedPromotion } from './promotion-ledger.ts'

/** How recovery ended an unfinished promotion. */
export interface Settlement {
  readonly promotion: UnfinishedPromotion
  readonly outcome: 'done' | 'undone'
  readonly note: string
}

/**
 * Finishes or undoes what a killed process left half done. Every command that looks at the pointer or moves it calls this first; without
 * anything to do it takes no lock and writes nothing.
 */
export function recoverPromotions(lakeDir: string, ledger: PromotionLedger, options: LockOptions = {}): readonly Settlement[] {
  if (ledger.unfinished(lakeDir).length === 0 && newLinks(lakeDir).length === 0) return []
  return withLakeLock(lakeDir, () => settleUnfinished(lakeDir, ledger), options)
}

/** As {@link recoverPromotions}, by a caller that holds the lake's lock. */
export function settleUnfinished(lakeDir: string, ledger: PromotionLedger): readonly Settlement[] {
  const settlements = ledger.unfinished(lakeDir).map((promotion) => {
    const { outcome, note } = settledLinks(lakeDir, promotion)
    ledger.settle(promotion.id, outcome, note)
    return { promotion, outcome, note }
  })
  removeNewLinks(lakeDir)
  return settlements
}

/** What the links tell of an interrupted promotion. They are on the disk before the ledger hears of it. */
function settledLinks(lakeDir: string, promotion: UnfinishedPromotion): Pick<Settlement, 'outcome' | 'note'> {
  const active = activeRunId(lakeDir)
  if (active !== promotion.toRunId && !wasReplaced(lakeDir, promotion)) {
    if (promotion.prevLink !== null) removePrevLink(lakeDir, promotion.prevLink)
    syncDirectory(lakeDir)
    return { outcome: 'undone', note: `interrupted before the move; active is ${active ?? 'nothing'}` }
  }
  syncDirectory(lakeDir)
  return { outcome: 'done', note: `interrupted after the move; active is ${active ?? 'nothing'}` }
}

/** True when a newer prev link keeps the run: it was active, and a mover with another ledger has replaced it since. */
function wasReplaced(lakeDir: string, { toRunId, prevLink }: UnfinishedPromotion): boolean {
  return prevLinks(lakeDir).some(
    ({ name, runId }) => runId === toRunId && (prevLink === null || compareLinkNames(name, prevLink) > 0),
  )
}
