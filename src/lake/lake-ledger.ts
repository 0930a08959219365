/**
 * The audit trail of promotions that no scheduler knows of: a file for each, `_meta/promotions/<number>.json`. What a compiled script
 * uses. Written only under the lake's lock, each change atomic and durable.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { messageOf, PipelineError } from '../errors.ts'
import { syncDirectory, writeJson } from './atomic-file.ts'
import { metaDir, promotionsDir } from './layout.ts'
import { namesIn } from './names-in.ts'
import type { Promotion, PromotionLedger, UnfinishedPromotion } from './promotion-ledger.ts'

const shape = v.object({
  promotion_id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  kind: v.picklist(['promote', 'rollback']),
  state: v.picklist(['begun', 'done', 'undone', 'failed']),
  from_run_id: v.nullable(v.string()),
  to_run_id: v.string(),
  prev_link: v.nullable(v.string()),
  who: v.string(),
  reason: v.string(),
  verdict: v.string(),
  note: v.nullable(v.string()),
  begun_at: v.string(),
  ended_at: v.nullable(v.string()),
})
type Entry = v.InferOutput<typeof shape>

export interface LakePromotion extends UnfinishedPromotion {
  readonly state: Entry['state']
  readonly verdict: string
  readonly begunAt: string
  readonly endedAt: string | null
}

export interface LakeLedgerOptions {
  /** @returns what the checks of the run say, in one line. @throws PipelineError, not retryable, when the gate is closed */
  readonly verdictOn: (runId: string) => string
  readonly now: () => Date
}

/** A ledger that keeps its entries in the lake. */
export function lakeLedger(lakeDir: string, { verdictOn, now }: LakeLedgerOptions): PromotionLedger {
  const verdictOf = ({ kind, toRunId }: Promotion): string => (kind === 'rollback' ? 'rollback: not gated' : verdictOn(toRunId))
  const end = (id: number, state: Exclude<Entry['state'], 'begun'>, note: string | null): void =>
    write(lakeDir, { ...begun(lakeDir, id), state, note, ended_at: now().toISOString() })
  return {
    begin: (promotion) => begin(lakeDir, promotion, verdictOf(promotion), now()),
    complete: (id, move) => {
      verdictOf(recordOf(begun(lakeDir, id)))
      move()
      end(id, 'done', null)
    },
    unfinished: () => lakePromotions(lakeDir).filter(({ state }) => state === 'begun'),
    settle: end,
    before: (runId) => promotionOver(lakeDir, runId)?.fromRunId ?? null,
    isRolledBack: (runId) => lastMove(lakeDir, runId)?.kind === 'rollback',
  }
}

/** Every entry, oldest first. @throws PipelineError naming a file that is no entry */
export function lakePromotions(lakeDir: string): readonly LakePromotion[] {
  return entries(lakeDir).map(recordOf)
}

function begin(
  lakeDir: string,
  { kind, fromRunId, toRunId, prevLink, who, reason }: Promotion,
  verdict: string,
  now: Date,
): number {
  const id = (entries(lakeDir).at(-1)?.promotion_id ?? 0) + 1
  if (id === 1) {
    mkdirSync(promotionsDir(lakeDir), { recursive: true })
    syncDirectory(metaDir(lakeDir))
  }
  write(lakeDir, {
    promotion_id: id,
    kind,
    state: 'begun',
    from_run_id: fromRunId,
    to_run_id: toRunId,
    prev_link: prevLink,
    who,
    reason,
    verdict,
    note: null,
    begun_at: now.toISOString(),
    ended_at: null,
  })
  return id
}

/** The newest finished promotion of a run that replaced another run. */
function promotionOver(lakeDir: string, runId: string): LakePromotion | undefined {
  return lakePromotions(lakeDir).findLast(
    ({ kind, state, fromRunId, toRunId }) =>
      kind === 'promote' && state === 'done' && toRunId === runId && fromRunId !== null && fromRunId !== runId,
  )
}

/** The newest finished promotion of a run, or the rollback away from it. */
function lastMove(lakeDir: string, runId: string): LakePromotion | undefined {
  return lakePromotions(lakeDir).findLast(
    ({ kind, state, fromRunId, toRunId }) => state === 'done' && (kind === 'promote' ? toRunId : fromRunId) === runId,
  )
}

/** @throws PipelineError when the promotion has ended */
function begun(lakeDir: string, id: number): Entry {
  const entry = entries(lakeDir).find((one) => one.promotion_id === id)
  if (entry?.state === 'begun') return entry
  throw new PipelineError(`promotion ${id} of ${lakeDir} is ${entry?.state ?? 'not recorded'}, not begun`, { retryable: false })
}

function entries(lakeDir: string): readonly Entry[] {
  const directory = promotionsDir(lakeDir)
  const names = namesIn(directory).filter((name) => /^\d+\.json$/.test(name))
  return names.map((name) => read(join(directory, name))).toSorted((left, right) => left.promotion_id - right.promotion_id)
}

function read(file: string): Entry {
  try {
    return v.parse(shape, JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    const found = v.isValiError(cause) ? v.summarize(cause.issues) : messageOf(cause)
    throw new PipelineError(`the record of a promotion, ${file}, cannot be read: ${found}`, {
      cause,
      retryable: false,
      hint: 'move the file away; the links in the lake are whole without it',
    })
  }
}

function write(lakeDir: string, entry: Entry): void {
  writeJson(join(promotionsDir(lakeDir), `${String(entry.promotion_id).padStart(6, '0')}.json`), entry)
}

function recordOf(entry: Entry): LakePromotion {
  return {
    id: entry.promotion_id,
    kind: entry.kind,
    state: entry.state,
    fromRunId: entry.from_run_id,
    toRunId: entry.to_run_id,
    prevLink: entry.prev_link,
    who: entry.who,
    reason: entry.reason,
    verdict: entry.verdict,
    begunAt: entry.begun_at,
    endedAt: entry.ended_at,
  }
}
