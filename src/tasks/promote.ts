import { hostname, userInfo } from 'node:os'
import { promoteRun } from '../lake/promotion.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { followPointer } from '../serving/trino-lake.ts'
import { runTask } from '../task-process.ts'

/** What must be asked for before a run is published; the scheduler holds the task back by the same rule, a compiled script does not. */
const required: Readonly<Record<string, string>> = { run_mode: 'prod', allow_promote: 'true' }

/** Publishes the sealed run. The ledger checks the gate, twice; without the scheduler's state there is none, and nothing moves. */
export async function promote(context: TaskContext): Promise<TaskResult> {
  const unmet = Object.entries(required).filter(([name, value]) => context.params[name] !== value)
  if (unmet.length > 0) {
    const reasons = unmet.map(([name, value]) => `${name} is ${context.params[name] ?? 'not set'}, not ${value}`)
    return { note: `skipped: ${reasons.join('; ')}` }
  }
  const { lakeDir, runId } = context
  const outcome = promoteRun({
    lakeDir,
    runId,
    who: operator(),
    reason: `run ${runId}`,
    ledger: context.ledger(),
    now: () => context.now(),
    reached: (step) => context.reached(step),
  })
  for (const { promotion, outcome: settled, note } of outcome.recovered)
    context.log(`promotion ${promotion.id} to ${promotion.toRunId}: ${settled}: ${note}`)
  context.log(outcome.note)
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
