/** Moving the pointer: under the lake's lock, written down before and after, and finished or undone by the next command after a crash. */
import { existsSync, rmSync } from 'node:fs'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { syncDirectory } from './atomic-file.ts'
import { activeLink, manifestFile, runDir } from './layout.ts'
import { type LockOptions, withLakeLock } from './lock.ts'
import { activeRunId, createPrevLink, freePrevLinkName, moveActive, prevLinks, removePrevLink } from './pointer.ts'
import { heldBackBy } from './precedence.ts'
import type { Promotion, PromotionLedger, UnfinishedPromotion } from './promotion-ledger.ts'
import { type Settlement, settleUnfinished } from './promotion-recovery.ts'
import { assertSealed } from './run-files.ts'
import type { Manifest } from './manifest.ts'
import { describePartial } from './partial.ts'

/** The instants of a promotion, in their order, at which tests kill it. */
export const promotionSteps = ['before-intent', 'after-intent', 'after-prev', 'after-swap', 'before-record'] as const
/** The instants after a promotion has failed, in their order. */
export const failureSteps = ['before-put-back', 'after-put-back'] as const
export type PromotionStep = (typeof promotionSteps)[number] | (typeof failureSteps)[number]

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
  /** Publish the run even if its month is older than the published one. Default false. */
  readonly allowOlder?: boolean
  /** Publish the run even if it holds part of its month. Default false. */
  readonly allowPartial?: boolean
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
  /** The run that is active now; null when a first promotion was held back. */
  readonly toRunId: string | null
  readonly prevLink: string | null
  /** Why the run was not published although it may be: it holds part of its month, or is older than the published one. Null otherwise. */
  readonly heldBack: string | null
  /** What happened, for a person. */
  readonly note: string
  /** Interrupted promotions that were settled first. */
  readonly recovered: readonly Settlement[]
}

/**
 * Publishes a sealed run, unless it holds part of its month or that is older than the published one: then nothing moves, and the outcome has the reason. That is
 * decided under the lock under which the pointer moves, so promotions at the same time leave the newest month published.
 * @throws PipelineError: exit 5 when another promotion holds the lock, not retryable when the run is not whole or its gate is closed.
 *   The pointer is then where it was.
 */
export function promoteRun(request: PromoteRequest): PromotionOutcome {
  const { lakeDir, ledger, runId } = request
  return withLakeLock(
    lakeDir,
    () => {
      const recovered = settleUnfinished(lakeDir, ledger)
      const candidate = assertSealed(lakeDir, runId)
      const fromRunId = activeRunId(lakeDir)
      const heldBack = fromRunId === runId ? null : reasonToHoldBack(request, candidate, fromRunId)
      if (heldBack === null) return move(request, { kind: 'promote', fromRunId, toRunId: runId }, recovered)
      const note = `run ${runId} was not published: ${heldBack}`
      return { moved: false, fromRunId, toRunId: fromRunId, prevLink: null, heldBack, note, recovered }
    },
    request,
  )
}

function reasonToHoldBack(
  { lakeDir, allowOlder = false, allowPartial = false }: PromoteRequest,
  candidate: Manifest,
  activeRunId: string | null,
): string | null {
  if (candidate.partial !== undefined && !allowPartial) return `it holds ${describePartial(candidate.partial)}`
  return allowOlder || activeRunId === null ? null : heldBackBy(lakeDir, candidate, activeRunId)
}

/**
 * Moves the pointer to an older snapshot: `to`, else the one the ledger knows, else the newest prev link's.
 * @throws PipelineError as {@link promoteRun}; exit 4 when there is nothing to go back to
 */
export function rollback(request: RollbackRequest): PromotionOutcome {
  const { lakeDir, ledger } = request
  return withLakeLock(
    lakeDir,
    () => {
      const recovered = settleUnfinished(lakeDir, ledger)
      const toRunId = rollbackTarget(request)
      assertSealed(lakeDir, toRunId)
      return move(request, { kind: 'rollback', fromRunId: activeRunId(lakeDir), toRunId }, recovered)
    },
    request,
  )
}

function move(
  request: MoveRequest,
  { kind, fromRunId, toRunId }: Pick<Promotion, 'kind' | 'fromRunId' | 'toRunId'>,
  recovered: readonly Settlement[],
): PromotionOutcome {
  const { lakeDir, ledger, who, reason, now, reached = () => {} } = request
  const base = { fromRunId, toRunId, heldBack: null, recovered }
  if (fromRunId === toRunId) return { ...base, moved: false, prevLink: null, note: `run ${toRunId} is active already` }
  const prevLink = fromRunId === null ? null : freePrevLinkName(lakeDir, now())
  const promotion = { kind, fromRunId, toRunId, prevLink, who, reason }
  reached('before-intent')
  const id = ledger.begin(promotion)
  reached('after-intent')
  try {
    ledger.complete(id, () => moveLinks(lakeDir, promotion, reached))
  } catch (error) {
    throw failed(request, { ...promotion, id }, error)
  }
  const note = `active moved ${fromRunId === null ? '' : `from ${fromRunId} `}to ${toRunId}`
  return { ...base, moved: true, prevLink, note }
}

function moveLinks(lakeDir: string, { fromRunId, toRunId, prevLink }: Promotion, reached: (step: PromotionStep) => void): void {
  if (fromRunId !== null && prevLink !== null) createPrevLink(lakeDir, { name: prevLink, runId: fromRunId })
  reached('after-prev')
  moveActive(lakeDir, toRunId)
  reached('after-swap')
  syncDirectory(lakeDir)
  reached('before-record')
}

/**
 * After a move that could not be recorded: first the links are put back, then the promotion is recorded as failed. Whatever dies or fails
 * before that leaves it unfinished, and the next command settles it by what the links say.
 * @returns the error to throw
 */
function failed({ lakeDir, ledger, reached = () => {} }: MoveRequest, promotion: UnfinishedPromotion, error: unknown): unknown {
  reached('before-put-back')
  try {
    putBack(lakeDir, promotion)
  } catch (second) {
    const { fromRunId } = promotion
    return unsettled(
      `${messageOf(error)}; putting active back to ${fromRunId ?? 'nothing'} failed too: ${messageOf(second)}`,
      error,
    )
  }
  reached('after-put-back')
  try {
    ledger.settle(promotion.id, 'failed', messageOf(error))
    return error
  } catch (second) {
    return unsettled(`${messageOf(error)}; nothing has moved, but that could not be recorded: ${messageOf(second)}`, error)
  }
}

function unsettled(message: string, cause: unknown): PipelineError {
  return new PipelineError(message, {
    cause,
    hint: 'repair what the message names; the next command that moves the pointer, or `dag active`, settles the promotion',
  })
}

function putBack(lakeDir: string, { fromRunId, toRunId, prevLink }: Promotion): void {
  if (activeRunId(lakeDir) === toRunId) {
    if (fromRunId === null) rmSync(activeLink(lakeDir))
    else moveActive(lakeDir, fromRunId)
  }
  if (prevLink !== null) removePrevLink(lakeDir, prevLink)
  syncDirectory(lakeDir)
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

/** Where the next rollback may go: by the ledger, and by the prev links, which outlive it. */
export function rollbackTargets(lakeDir: string, ledger: Pick<PromotionLedger, 'before' | 'isRolledBack'>): ReadonlySet<string> {
  const active = activeRunId(lakeDir)
  if (active === null) return new Set()
  const isUsable = (runId: string): boolean => !ledger.isRolledBack(runId)
  const targets = [ledger.before(active), keptRun(lakeDir, active, isUsable)]
  return new Set(targets.flatMap((runId) => (runId !== null && isUsable(runId) ? [runId] : [])))
}
