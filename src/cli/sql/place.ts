/** Which run a question is about. Resolved once: a query never mixes two runs. */
import { existsSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { withoutGenerated } from '../../lake/generated.ts'
import { currentDir } from '../../lake/layout.ts'
import { activeRunId, prevLinks } from '../../lake/pointer.ts'
import { withoutLimited } from '../../lake/partial.ts'
import { sealedRuns, type SealedRun } from '../../lake/sealed-runs.ts'
import { lakeOf } from '../../scheduler/binding.ts'
import { suggest } from '../../scheduler/nearest.ts'
import { activeRun, recoverPointerIfPossible } from '../pointer.ts'
import { isLatest, latestSnapshot } from '../latest.ts'
import { readStore } from '../runs.ts'

export interface Place {
  readonly lakeDir: string
  readonly runId: string
  readonly dir: string
}

export interface PlaceOptions {
  readonly run?: string
  /** A dump month, `YYYY-MM`. */
  readonly asOf?: string
}

/** @throws PipelineError: exit 2 when both are given, exit 4 when there is no such run */
export function placeOf(config: Config, { run, asOf }: PlaceOptions): Place {
  if (run !== undefined && asOf !== undefined)
    throw new PipelineError('--run and --as-of each choose a run: give one of them', {
      exitCode: exitCodes.usage,
      retryable: false,
    })
  if (asOf !== undefined) return asOfMonth(config, asOf)
  return run === undefined ? published(config) : chosen(config, run)
}

function published(config: Config): Place {
  recoverPointerIfPossible(config)
  return { lakeDir: config.lakeDir, ...activeRun(config) }
}

/** A run of the state, or one that only the lake knows; sealed, or still being written. */
function chosen(config: Config, given: string): Place {
  using store = readStore(config)
  const runId = isLatest(given) ? latestSnapshot(config, store, given) : given
  const run = store.findRun(runId)
  const lakeDir = run === null ? config.lakeDir : lakeOf(run, config)
  const dir = currentDir(lakeDir, runId)
  if (existsSync(dir)) return { lakeDir, runId, dir }
  const known = store.runs({ limit: 200 }).map((run) => run.runId)
  throw new PipelineError(`run ${runId} has no data in ${lakeDir}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: suggest(runId, known) ?? '`dag runs` lists the runs',
  })
}

/** Of the newest dump month up to `month`: the newest run that was published at some time, else the newest sealed one. */
function asOfMonth(config: Config, month: string): Place {
  recoverPointerIfPossible(config)
  const all = withoutGenerated(withoutLimited(sealedRuns(config.lakeDir).runs))
  const candidates = all.filter(({ dumpMonth }) => dumpMonth !== null && dumpMonth <= month)
  const newestMonth = candidates
    .map(({ dumpMonth }) => dumpMonth ?? '')
    .toSorted()
    .at(-1)
  const ofMonth = candidates.filter(({ dumpMonth }) => dumpMonth === newestMonth).toSorted(bySession)
  const wasPublished = publishedRuns(config)
  const found = ofMonth.findLast(({ runId }) => wasPublished.has(runId)) ?? ofMonth.at(-1)
  if (found !== undefined) return { lakeDir: config.lakeDir, runId: found.runId, dir: found.dir }
  const months = [...new Set(all.flatMap(({ dumpMonth }) => (dumpMonth === null ? [] : [dumpMonth])))].toSorted()
  throw new PipelineError(`no sealed run in ${config.lakeDir} is of ${month} or of a month before it`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: months.length === 0 ? 'nothing is sealed yet: `npm start`, or `dag trigger main`' : `there is ${months.join(', ')}`,
  })
}

function bySession(left: SealedRun, right: SealedRun): number {
  const [one, other] = [`${left.session} ${left.runId}`, `${right.session} ${right.runId}`]
  return one < other ? -1 : 1
}

/** By the audit trail, and by the links, which outlive it. */
function publishedRuns(config: Config): ReadonlySet<string> {
  using store = readStore(config)
  const promoted = store.promotions(100_000).filter(({ state }) => state === 'done')
  const active = activeRunId(config.lakeDir)
  const links = prevLinks(config.lakeDir).map(({ runId }) => runId)
  return new Set([...promoted.map(({ toRunId }) => toRunId), ...links, ...(active === null ? [] : [active])])
}
