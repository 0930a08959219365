/** The pointer as the commands see it: an interrupted promotion is finished or undone before anyone looks. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import type * as LakeLedger from '../lake/lake-ledger.ts'
import { promotionsDir } from '../lake/layout.ts'
import { type ActiveRun, resolveActive } from '../lake/pointer.ts'
import { recoverPromotions } from '../lake/promotion-recovery.ts'
import { userName } from '../process-identity.ts'
import { lakeOfPromotion, ledgerOf } from '../scheduler/promotions.ts'
import { settlePublishedRuns } from '../scheduler/published-runs.ts'
import { openStore } from '../scheduler/store.ts'

/**
 * Settles what a killed promotion left in the lake and in the state, and says so on stderr. Writes nothing, not even a state, when there is
 * nothing to do.
 */
export function recoverPointer(config: Config): void {
  recoverScripts(config)
  if (!hasUnfinished(config)) return
  using store = openStore(config.stateDir)
  const lakes = new Set([config.lakeDir, ...store.begunPromotions().map((one) => lakeOfPromotion(store, one, config.lakeDir))])
  for (const { outcome, note } of [...lakes].flatMap((lakeDir) => recoverPromotions(lakeDir, ledgerOf(store)))) {
    process.stderr.write(`an interrupted promotion was ${outcome}: ${note}\n`)
  }
  for (const { runId, taskId, left } of settlePublishedRuns(store)) {
    const next = left.length === 0 ? '' : `; \`dag retry ${runId}\` runs ${left.join(', ')}`
    process.stderr.write(`run ${runId} is published: its interrupted task ${taskId} is recorded as success now${next}\n`)
  }
}

/** Promotions of compiled scripts, which are recorded in the lake. */
function recoverScripts({ lakeDir }: Config): void {
  if (!existsSync(promotionsDir(lakeDir))) return
  // Loaded when asked for: its validator would slow the start of every command.
  const { lakeLedger, lakePromotions }: typeof LakeLedger = createRequire(import.meta.url)('../lake/lake-ledger.ts')
  if (!lakePromotions(lakeDir).some(({ state }) => state === 'begun')) return
  const refuse = (): never => {
    throw new PipelineError('a command does not promote for a script')
  }
  for (const { outcome, note } of recoverPromotions(lakeDir, lakeLedger(lakeDir, { verdictOn: refuse, now: () => new Date() })))
    process.stderr.write(`an interrupted promotion of a script was ${outcome}: ${note}\n`)
}

/** {@link recoverPointer} for commands that only look: a user who may not write sees the state as it is, and is told that. */
export function recoverPointerIfPossible(config: Config): void {
  try {
    recoverPointer(config)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    process.stderr.write(`an interrupted promotion is not settled yet: ${error.message}\n`)
  }
}

function hasUnfinished({ stateDir }: Config): boolean {
  using store = openStore(stateDir, { readonly: true })
  return store.begunPromotions().length > 0 || store.unreportedPromotions().length > 0
}

/** @throws PipelineError (exit 4) when nothing is published */
export function activeRun(config: Config): ActiveRun {
  const active = resolveActive(config.lakeDir)
  if (active !== null) return active
  throw new PipelineError(`nothing is published in ${config.lakeDir}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: '`npm start` publishes a demo month; `dag trigger main --param run_mode=prod --param allow_promote=true` a real one',
  })
}

/** After a move of the pointer: `discogs_stable` follows, if there is a Trino server. Says on stderr how that went; never an error. */
export async function showOnTrino({ lakeDir, trino }: Config): Promise<void> {
  if (trino === null) return
  // Loaded when it is needed: the client would slow the start of every other command.
  const { followPointer } = await import('../serving/trino-lake.ts')
  process.stderr.write(`${await followPointer(lakeDir, trino)}\n`)
}

/** Who moves the pointer, for the audit. */
export function whoami(): string {
  return `${userName()}@${hostname()}`
}
