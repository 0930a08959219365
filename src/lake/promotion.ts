/** Moving the pointer: under the lake's lock, written down before and after, and finished or undone by the next command after a crash. */
import { existsSync, rmSync } from 'node:fs'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { syncDirectory } from './atomic-file.ts'
import { activeLink, manifestFile, runDir } from './layout.ts'
import { type LockOptions, withLakeLock } from './lock.ts'
import {
  activeRunId,
  compareLinkNames,
  createPrevLink,
  freePrevLinkName,
  moveActive,
  newLinks,
  prevLinks,
  removeNewLinks,
  removePrevLink,
} from './pointer.ts'
import { assertSealed } from './run-files.ts'

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
  /** In one BEGIN IMMEDIATE transaction: checks the gate again, calls `move` (synchronous), records the outcome. */
  complete(id: number, move: () => void): void
  unfinished(): readonly UnfinishedPromotion[]
  /** Records how recovery ended an unfinished promotion. */
  settle(id: number, outcome: 'done' | 'undone', note: string): void
  /** The run that was active before `runId` was promoted, null if unknown: where a rollback goes. */
  before(runId: string): string | null
  /** True when a rollback moved the pointer away from the run and nobody has promoted it since: no place to go back to. */
  isRolledBack(runId: string): boolean
}

/** The instants of a promotion, in their order, at which tests kill it. */
export const promotionSteps = ['before-intent', 'after-intent', 'after-prev', 'after-swap', 'before-record'] as const
export type PromotionStep = (typeof promotionSteps)[number]

/** What every move of the pointer needs. */
export interface MoveRequest extends LockOptions {
  readonly lakeDir: string
  readonly ledger: PromotionLedger
  /** Person and machine, such as `ada@host`. */
  readonly who: string
  readonly reason: string
  /** Names the prev link. */
  readonly now: () => Date
  readonly reached?: (step: PromotionStep) => void
}

export interface PromoteRequest extends MoveRequest {
  readonly runId: string
  /** Default `promote`. */
  readonly kind?: Promotion['kind']
}

export interface RollbackRequest extends MoveRequest {
  /** Default: the run that was active before the one that is. */
  readonly to?: string
  /** Move only while this run is active; whoever finds a published run bad must not undo what was published since. */
  readonly onlyFrom?: string
}

export interface PromotionOutcome {
  /** False when there was nothing to do. */
  readonly moved: boolean
  /** The run that was active before, null for the first promotion. */
  readonly fromRunId: string | null
  /** The run that is active now. */
  readonly toRunId: string
  readonly prevLink: string | null
  /** What happened, for a person. */
  readonly note: string
  /** Interrupted promotions that were settled first. */
  readonly recovered: readonly Settlement[]
}

/** How recovery ended an unfinished promotion. */
export interface Settlement {
  readonly promotion: UnfinishedPromotion
  readonly outcome: 'done' | 'undone'
  readonly note: string
}

/**
 * Publishes a sealed run.
 * @throws PipelineError: exit 5 when another promotion holds the lock, not retryable when the run is not whole or its gate is closed.
 *   The pointer is then where it was.
 */
export function promoteRun(request: PromoteRequest): PromotionOutcome {
  const { kind = 'promote', runId } = request
  return withLakeLock(request.lakeDir, () => move(request, kind, settleUnfinished(request), () => runId), request)
}

/**
 * Moves the pointer to an older snapshot: `to`, else the one the ledger knows, else the newest prev link's.
 * @throws PipelineError as {@link promoteRun}; exit 4 when there is nothing to go back to
 */
export function rollback(request: RollbackRequest): PromotionOutcome {
  return withLakeLock(
    request.lakeDir,
    () => move(request, 'rollback', settleUnfinished(request), () => rollbackTarget(request)),
    request,
  )
}

/**
 * Finishes or undoes what a killed process left half done. Every command that looks at the pointer or moves it calls this first; without
 * anything to do it takes no lock and writes nothing.
 */
export function recoverPromotions(lakeDir: string, ledger: PromotionLedger, options: LockOptions = {}): readonly Settlement[] {
  if (ledger.unfinished().length === 0 && newLinks(lakeDir).length === 0) return []
  return withLakeLock(lakeDir, () => settleUnfinished({ lakeDir, ledger }), options)
}

function move(
  request: MoveRequest,
  kind: Promotion['kind'],
  recovered: readonly Settlement[],
  target: () => string,
): PromotionOutcome {
  const { lakeDir, ledger, who, reason, now, reached = () => {} } = request
  const toRunId = target()
  assertSealed(lakeDir, toRunId)
  const fromRunId = activeRunId(lakeDir)
  if (fromRunId === toRunId)
    return { moved: false, fromRunId, toRunId, prevLink: null, note: `run ${toRunId} is active already`, recovered }
  const promotion = {
    kind,
    fromRunId,
    toRunId,
    prevLink: fromRunId === null ? null : freePrevLinkName(lakeDir, now()),
    who,
    reason,
  }
  reached('before-intent')
  const id = ledger.begin(promotion)
  reached('after-intent')
  try {
    ledger.complete(id, () => moveLinks(lakeDir, promotion, reached))
  } catch (error) {
    throw undone(lakeDir, promotion, error)
  }
  const note = `active moved ${fromRunId === null ? '' : `from ${fromRunId} `}to ${toRunId}`
  return { moved: true, fromRunId, toRunId, prevLink: promotion.prevLink, note, recovered }
}

function moveLinks(lakeDir: string, { fromRunId, toRunId, prevLink }: Promotion, reached: (step: PromotionStep) => void): void {
  if (fromRunId !== null && prevLink !== null) createPrevLink(lakeDir, { name: prevLink, runId: fromRunId })
  reached('after-prev')
  moveActive(lakeDir, toRunId)
  reached('after-swap')
  syncDirectory(lakeDir)
  reached('before-record')
}

/** Puts the links back after a move that was not recorded. @returns the error to throw */
function undone(lakeDir: string, { fromRunId, toRunId, prevLink }: Promotion, error: unknown): unknown {
  try {
    if (activeRunId(lakeDir) === toRunId) {
      if (fromRunId === null) rmSync(activeLink(lakeDir))
      else moveActive(lakeDir, fromRunId)
    }
    if (prevLink !== null) removePrevLink(lakeDir, prevLink)
    syncDirectory(lakeDir)
    return error
  } catch (second) {
    return new PipelineError(
      `${messageOf(error)}; putting active back to ${fromRunId ?? 'nothing'} failed too: ${messageOf(second)}`,
      {
        cause: error,
        hint: 'repair the lake directory; the next command then settles the promotion',
      },
    )
  }
}

function settleUnfinished({ lakeDir, ledger }: Pick<MoveRequest, 'lakeDir' | 'ledger'>): readonly Settlement[] {
  const settlements = ledger.unfinished().map((promotion) => {
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

function rollbackTarget({ lakeDir, ledger, to, onlyFrom }: RollbackRequest): string {
  const active = activeRunId(lakeDir)
  if (active === null)
    throw new PipelineError(`rolling back ${lakeDir}: nothing was published yet`, {
      exitCode: exitCodes.notFound,
      retryable: false,
    })
  if (onlyFrom !== undefined && onlyFrom !== active) return active
  const isUsable = (runId: string): boolean => !ledger.isRolledBack(runId)
  const before = ledger.before(active)
  const target = to ?? (before !== null && isUsable(before) ? before : keptRun(lakeDir, active, isUsable))
  if (target !== null) return target
  throw new PipelineError(`rolling back ${lakeDir}: there is no snapshot before ${active}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
  })
}

/** The sealed run that was active last, by the prev links. */
function keptRun(lakeDir: string, active: string, isUsable: (runId: string) => boolean): string | null {
  const isSealed = (runId: string): boolean => existsSync(manifestFile(runDir(lakeDir, runId)))
  const kept = prevLinks(lakeDir).find(({ runId }) => runId !== active && isUsable(runId) && isSealed(runId))
  return kept?.runId ?? null
}
