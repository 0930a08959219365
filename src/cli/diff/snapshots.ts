import type { Config } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { withoutGenerated } from '../../lake/generated.ts'
import { withoutLimited } from '../../lake/partial.ts'
import { sealedRuns } from '../../lake/sealed-runs.ts'
import { lakeOf } from '../../scheduler/binding.ts'
import { suggest } from '../../scheduler/nearest.ts'
import { readStore } from '../runs.ts'
import { isLatest, latestSnapshot } from '../latest.ts'
import { placeOf } from '../sql/place.ts'

export interface NamedSnapshot {
  readonly lakeDir: string
  readonly runId: string
  readonly dir: string
  /** UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
  readonly isLimited: boolean
}

/**
 * The sealed run that is meant by a run id, `active`, `latest` (the newest with a snapshot), or a month (of its runs the newest that was published, else the newest).
 * @throws PipelineError (exit 4) with the nearest name
 */
export function snapshotNamed(config: Config, given: string): NamedSnapshot {
  const lakeDir = lakeOfGiven(config, given)
  const { runs: sealed } = sealedRuns(lakeDir)
  const runId = runIdMeant(
    config,
    given,
    [...new Set(withoutGenerated(withoutLimited(sealed)).flatMap(({ dumpMonth }) => dumpMonth ?? []))].toSorted(),
  )
  const found = sealed.find((run) => run.runId === runId)
  if (found !== undefined) return { ...found, lakeDir }
  const names = sealed.map((run) => run.runId)
  throw notFound(`${runId} is no sealed run of ${lakeDir}`, suggest(runId, names) ?? listed(names))
}

/** A run of the state has a lake of its own. */
function lakeOfGiven(config: Config, given: string): string {
  using store = readStore(config)
  const run = store.findRun(given)
  return run === null ? config.lakeDir : lakeOf(run, config)
}

function runIdMeant(config: Config, given: string, months: readonly string[]): string {
  if (given === 'active') return placeOf(config, {}).runId
  if (isLatest(given)) {
    using store = readStore(config)
    return latestSnapshot(config, store, given)
  }
  if (!/^\d{4}-\d{2}$/.test(given)) return given
  if (months.includes(given)) return placeOf(config, { asOf: given }).runId
  throw notFound(`no sealed run of ${config.lakeDir} is of ${given}`, suggest(given, months) ?? listed(months))
}

function listed(names: readonly string[]): string {
  return names.length === 0
    ? 'nothing is sealed yet: `npm start`, or `dag trigger main`'
    : `the newest is ${names.toSorted().at(-1)}`
}

function notFound(message: string, hint: string): PipelineError {
  return new PipelineError(message, { exitCode: exitCodes.notFound, retryable: false, hint })
}
