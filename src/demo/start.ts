/** What `npm start` does once everything is installed: a generated month through the whole pipeline, to a published snapshot. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadDag } from '../cli/dags.ts'
import { execute } from '../cli/execute.ts'
import { printFailure } from '../cli/outcome.ts'
import { duration, endWithOutput, print, shownPath, styled } from '../cli/output.ts'
import { readStore } from '../cli/runs.ts'
import { type Config, loadConfig } from '../config.ts'
import { datasets } from '../discogs/catalogue.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { runDir } from '../lake/layout.ts'
import { readManifest } from '../lake/manifest.ts'
import { resolveActive } from '../lake/pointer.ts'
import type { Dag } from '../scheduler/dag.ts'
import { triggerRun } from '../scheduler/loop.ts'
import { parseSession, type Session, sessionOf } from '../scheduler/session.ts'
import { demoMonth, ensureDumps } from './month.ts'
import { printSummary } from './summary.ts'

const publishing = { dump_month: demoMonth, run_mode: 'prod', allow_promote: 'true' }

/** A snapshot with more releases than this is a real month. */
const realMonthReleases = 10_000

async function start(): Promise<number> {
  const config = loadConfig()
  const params = { ...publishing, ...toleranceFor(config) }
  await prepareDumps(config)
  const dag = await loadDag(config, 'main')
  const session = freeSession(config, dag)
  print(`${styled('bold', 'main')} for session ${session.text}: ingest, build, check, seal, promote, report\n`)
  const { outcome, exitCode } = await execute({ config, json: false }, (settings) =>
    triggerRun({ dag, session, params, config, ...settings }),
  )
  if (outcome.state === 'success') printSummary(config, outcome)
  else {
    print(`\nrun ${outcome.runId} did not succeed${outcome.reason === null ? '' : `: ${outcome.reason}`}`)
    printFailure(config, outcome)
  }
  return exitCode
}

/**
 * The demo may follow any small snapshot, but it never takes the place of a real month.
 * @returns params that let it be smaller than what is published
 */
function toleranceFor({ lakeDir }: Config): Readonly<Record<string, string>> {
  const active = resolveActive(lakeDir)
  if (active === null || active.runId.startsWith(`${demoMonth}__`)) return {}
  const releases = datasets.find(({ essential, dump }) => essential && dump === 'releases')?.name
  const rows = readManifest(active.dir).datasets.find(({ name }) => name === releases)?.rows ?? 0
  if (rows < realMonthReleases) return { truncation_percent: '100' }
  throw new PipelineError(`the demo will not be published over ${active.runId}, which has ${rows} releases`, {
    hint: 'set DISCOGS_DATA_LAKE to another directory for the demo',
  })
}

async function prepareDumps({ rawDir }: Config): Promise<void> {
  const directory = join(rawDir, demoMonth)
  const startedMs = performance.now()
  const isNew = await ensureDumps(directory)
  const place = shownPath(directory)
  if (isNew)
    print(
      `generated four dumps of ${demoMonth}, a month made up for the demo, in ${place}: ${duration(performance.now() - startedMs)}`,
    )
  else print(`the dumps of the demo (${demoMonth}) are in ${place}`)
}

/** The month's 20th at 06:00:00, or the first minute after it that neither the state nor the lake has a run of. */
function freeSession(config: Config, dag: Dag): Session {
  using store = readStore(config)
  let session = parseSession(`${demoMonth}-20 06:00:00`)
  while (isTaken(session)) session = sessionOf(new Date(session.instant.getTime() + 60_000))
  return session

  function isTaken(candidate: Session): boolean {
    if (store.findSession(dag.name, candidate.text) !== null) return true
    return existsSync(runDir(config.lakeDir, dag.resolve(candidate, publishing).runId))
  }
}

endWithOutput()
try {
  process.exitCode = await start()
} catch (error) {
  const hint = error instanceof PipelineError && error.hint !== undefined ? `\nhint: ${error.hint}` : ''
  process.stderr.write(`npm start: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof PipelineError ? error.exitCode : 1
}
