/** Params that are given to a retry: which succeeded tasks they concern, and what must then run again. */
import { exitCodes, PipelineError } from '../errors.ts'
import type { Dag } from './dag.ts'
import { masked, type Resolved } from './params.ts'
import type { Plan } from './plan.ts'
import { parseSession } from './session.ts'
import type { RunRecord } from './store.ts'

export interface ChangedParams extends Pick<Resolved, 'params' | 'secrets'> {
  /** Ids of the tasks that read a param whose new value could change their result. */
  readonly again: readonly string[]
  /** `name: before → after`, secrets masked; for people and the event log. */
  readonly changes: readonly string[]
}

/**
 * @param run with the values of its secrets
 * @throws PipelineError (exit 2): a param is not valid, or is part of the run's id
 */
export function changedParams(dag: Dag, run: RunRecord, plan: Plan, given: Readonly<Record<string, string>>): ChangedParams {
  const session = parseSession(run.session)
  const known = new Set(dag.describeParams(session).map(({ name }) => name))
  const kept = Object.entries(run.params).filter(([name]) => known.has(name))
  const { runId, params, secrets } = dag.resolve(session, { ...Object.fromEntries(kept), ...given })
  if (runId !== run.runId) throw otherRun(run, runId, given)
  const changed = Object.keys(given).filter((name) => params[name] !== run.params[name])
  const shown = (name: string, value: string | undefined): string => (secrets.includes(name) ? masked : (value ?? 'not set'))
  return {
    params: { ...run.params, ...params },
    secrets,
    again: plan.tasks
      .filter((task) => changed.some((name) => isConcerned(dag, run, task.script, [name, params[name]])))
      .map(({ id }) => id),
    changes: changed.map((name) => `${name}: ${shown(name, run.params[name])} → ${shown(name, params[name])}`),
  }
}

/** Whatever passed a limit passes a looser one. A param that names no readers may be read by any task. */
function isConcerned(dag: Dag, run: RunRecord, script: string, [name, value]: readonly [string, string | undefined]): boolean {
  const readers = dag.readersOf(parseSession(run.session), name)
  if (readers === null) return true
  const isLooser = readers.isLimit === true && Number(value) > Number(run.params[name])
  return !isLooser && readers.scripts.includes(script)
}

function otherRun({ runId, dagId }: RunRecord, other: string, given: Readonly<Record<string, string>>): PipelineError {
  const asked = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  return new PipelineError(`run ${runId} cannot take ${asked.join(', ')}: that would be run ${other}`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: `\`dag trigger ${dagId} --session …\` makes a run of its own`,
  })
}
