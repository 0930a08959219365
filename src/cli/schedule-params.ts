/** Params of `dag schedule`: checked before it starts, since nobody looks when a slot comes. */
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import type { Dag } from '../scheduler/dag.ts'
import { suggest } from '../scheduler/nearest.ts'
import { sessionOf } from '../scheduler/session.ts'
import { loadDags } from './dags.ts'

type Params = Readonly<Record<string, string>>

/**
 * Each param must belong to a scheduled dag, and be valid for every one that has it. What cannot be loaded now may have any: the daemon
 * reports it and runs the others.
 * @throws PipelineError (exit 2)
 */
export async function checkScheduleParams(config: Config, params: Params): Promise<void> {
  const loaded = await loadDags(config)
  const scheduled = loaded.flatMap(({ dag }) => (dag !== null && dag.timetable !== null ? [dag] : []))
  if (loaded.every(({ dag }) => dag !== null)) refuseStrangers(params, scheduled)
  const session = sessionOf(new Date())
  for (const dag of scheduled) {
    const known = namesOf(dag)
    dag.resolve(session, Object.fromEntries(Object.entries(params).filter(([name]) => known.includes(name))))
  }
}

function refuseStrangers(params: Params, scheduled: readonly Dag[]): void {
  const known = [...new Set(scheduled.flatMap(namesOf))]
  const stranger = Object.keys(params).find((name) => !known.includes(name))
  if (stranger === undefined) return
  throw new PipelineError(
    `--param ${stranger}: no scheduled dag (${scheduled.map(({ name }) => name).join(', ')}) has such a param`,
    {
      exitCode: exitCodes.usage,
      retryable: false,
      hint: suggest(stranger, known) ?? '`dag show <dag>` lists the params',
    },
  )
}

function namesOf(dag: Dag): readonly string[] {
  return dag.describeParams(sessionOf(new Date())).map(({ name }) => name)
}
