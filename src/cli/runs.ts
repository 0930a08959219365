import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { suggest } from '../scheduler/nearest.ts'
import { isLatest, latestRun } from './latest.ts'
import { openStore, type Store, type TaskRecord } from '../scheduler/store.ts'

/** The state for questions. */
export function readStore(config: Config): Store {
  return openStore(config.stateDir, { readonly: true })
}

/** A run id as given, or the newest run for `latest` or `latest:<dag>`. @throws PipelineError (exit 4) */
export function runIdOf(store: Store, given: string): string {
  return isLatest(given) ? latestRun(store, given) : store.run(given).runId
}

/** A task of the latest attempt of a run. @throws PipelineError (exit 4) with the nearest task */
export function taskOf(store: Store, runId: string, taskId: string): TaskRecord {
  const tasks = store.tasks(runId)
  const found = tasks.find((task) => task.taskId === taskId)
  if (found !== undefined) return found
  const known = tasks.map((task) => task.taskId)
  throw new PipelineError(`run ${runId} has no task ${taskId}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: suggest(taskId, known) ?? `its tasks are ${known.join(', ')}`,
  })
}
