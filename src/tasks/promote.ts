import { hostname, userInfo } from 'node:os'
import { promoteRun } from '../lake/promotion.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { followPointer } from '../serving/trino-lake.ts'
import { runTask } from '../task-process.ts'
import { ledgerFor } from './ledger.ts'

/**
 * Publishes the sealed run. The ledger checks the gate, twice. A month older than the published one is skipped, unless the param
 * `allow_older` is `true`, and part of a month, unless `allow_partial` is. Whoever starts the task has checked the guardrail of its plan.
 */
export async function promote(context: TaskContext): Promise<TaskResult> {
  const { lakeDir, runId } = context
  const outcome = promoteRun({
    lakeDir,
    runId,
    allowOlder: context.params['allow_older'] === 'true',
    allowPartial: context.params['allow_partial'] === 'true',
    who: operator(),
    reason: `run ${runId}`,
    ledger: ledgerFor(context),
    now: () => context.now(),
    reached: (step) => context.reached(step),
  })
  for (const { promotion, outcome: settled, note } of outcome.recovered)
    context.log(`promotion ${promotion.id} to ${promotion.toRunId}: ${settled}: ${note}`)
  context.log(outcome.note)
  if (outcome.heldBack !== null)
    return {
      skipped: `${outcome.heldBack}; \`dag promote ${runId} --force\` or a param (allow_older, allow_partial) publishes it`,
    }
  const { trino } = context.settings
  if (trino !== null) context.log(await followPointer(lakeDir, trino, context.signal))
  return outcome.moved ? {} : { note: outcome.note }
}

/** `user@host`, for the audit trail. */
function operator(): string {
  return `${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a user id that has no name.
    return 'unknown'
  }
}

if (import.meta.main) await runTask(promote)
