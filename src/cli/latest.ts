/** What `latest` and `latest:<dag>` name: the newest run, or, for commands about data, the newest run with a snapshot. */
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { isGenerated } from '../lake/generated.ts'
import { withoutLimited } from '../lake/partial.ts'
import { sealedRuns } from '../lake/sealed-runs.ts'
import type { RunRecord, Store } from '../scheduler/store.ts'

/** Of the argument of commands about runs. */
export const runHelp = 'run id, latest, or latest:<dag>'

/** Of the argument of commands about data. */
export const snapshotHelp = 'run id, or latest: the newest run with a snapshot'

export function isLatest(given: string): boolean {
  return dagOf(given) !== undefined
}

/** @throws PipelineError (exit 4) when there is no run, or none of that dag */
export function latestRun(store: Store, given: string): string {
  const dagId = dagOf(given) ?? null
  const [newest] = store.runs({ dagId, limit: 1 })
  if (newest !== undefined) return newest.runId
  throw notFound(
    dagId === null ? 'there are no runs yet' : `there is no run of dag ${dagId}`,
    '`npm start` makes one, or `dag trigger main`',
  )
}

/**
 * The newest run whose snapshot is in the lake. Skipped where there are others: runs of generated dumps, and those of the first records only.
 * @throws PipelineError (exit 4) when there is none
 */
export function latestSnapshot({ lakeDir }: Config, store: Store, given = 'latest'): string {
  const all = withoutLimited(sealedRuns(lakeDir).runs)
  const hasReal = all.some((run) => !run.isGenerated)
  const sealed = new Set(all.flatMap((run) => (hasReal && run.isGenerated ? [] : [run.runId])))
  const isMeant = ({ runId, params }: RunRecord): boolean => sealed.has(runId) && !(hasReal && isGenerated({ params }))
  const dagId = dagOf(given) ?? null
  const newest = store.runs({ dagId, limit: 1_000_000 }).find(isMeant)
  if (newest !== undefined) return newest.runId
  const ofDag = dagId === null ? '' : ` of dag ${dagId}`
  throw notFound(
    `no run${ofDag} has a snapshot in ${lakeDir}`,
    '`dag runs` lists the runs; `npm start` makes one, or `dag trigger main`',
  )
}

/** Null for all dags; undefined when the name is not `latest`. */
function dagOf(given: string): string | null | undefined {
  const match = /^latest(?::(.+))?$/.exec(given)
  return match === null ? undefined : (match[1] ?? null)
}

function notFound(message: string, hint: string): PipelineError {
  return new PipelineError(message, { exitCode: exitCodes.notFound, retryable: false, hint })
}
