/** What may stand in the way of a sync: relations of somebody else, and another sync. */
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCodes, PipelineError } from '../errors.ts'
import { trinoFailure } from '../sql/trino.ts'
import type { Conflict } from '../sql/trino-plan.ts'

/** @throws PipelineError (exit 3) when there are any */
export function refuseConflicts(conflicts: readonly Conflict[]): void {
  if (conflicts.length === 0) return
  const shown = conflicts.slice(0, 5).map(({ schema, relation, reason }) => `${schema}.${relation}: ${reason}`)
  const more = conflicts.length > shown.length ? `\n  and ${conflicts.length - shown.length} more` : ''
  const areMoved = conflicts.some(({ isOfOtherLake }) => isOfOtherLake)
  throw new PipelineError(
    `Trino has relations that \`dag\` must not replace under names of this lake; they were left alone:\n  ${shown.join('\n  ')}${more}`,
    {
      exitCode: exitCodes.conflict,
      retryable: false,
      hint: areMoved
        ? 'if the lake has moved, `dag trino sync --moved-from <its former URI>` replaces its tables; else rename or drop these, or use another TRINO_CATALOG'
        : 'rename or drop them in Trino, then run `dag trino sync` again',
    },
  )
}

/** Another sync did the same between our look at the server and our statement. */
const collisions: ReadonlySet<string> = new Set([
  'ALREADY_EXISTS',
  'SCHEMA_ALREADY_EXISTS',
  'TABLE_ALREADY_EXISTS',
  'NOT_FOUND',
  'SCHEMA_NOT_FOUND',
  'TABLE_NOT_FOUND',
  'COLUMN_NOT_FOUND',
  'SCHEMA_NOT_EMPTY',
  'INVALID_VIEW',
  'VIEW_IS_STALE',
  'HIVE_CONCURRENT_MODIFICATION_DETECTED',
  'HIVE_METASTORE_ERROR',
  'TRANSACTION_CONFLICT',
])
const attempts = 8
const longestWaitMs = 2_000

/** Does idempotent work again, from its first look at the server, after it has collided with another sync. */
export async function collisionsRetried<Result>(signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const name = trinoFailure(error)?.errorName
      if (name === undefined || !collisions.has(name) || attempt === attempts) throw error
      // Random, so that two syncs do not keep in step.
      await sleep(Math.random() * Math.min(longestWaitMs, 100 * 2 ** attempt), undefined, signal === undefined ? {} : { signal })
    }
  }
}
