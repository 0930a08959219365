/** What `npm start` does once everything is installed: a generated month through the whole pipeline, to a published snapshot. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadDag } from '../cli/dags.ts'
import { execute } from '../cli/execute.ts'
import { printFailure } from '../cli/outcome.ts'
import { duration, endWithOutput, print, shownPath, styled } from '../cli/output.ts'
import { describeUncaught } from '../cli/uncaught.ts'
import { readStore } from '../cli/runs.ts'
import { type Config, loadConfig } from '../config.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { runDir } from '../lake/layout.ts'
import type { Dag } from '../scheduler/dag.ts'
import { triggerRun } from '../scheduler/loop.ts'
import { parseSession, type Session, sessionOf } from '../scheduler/session.ts'
import { demoMonth, ensureDumps } from './month.ts'
import { publishingParams } from './publishing.ts'
import { printSummary } from './summary.ts'

async function start(): Promise<number> {
  const config = loadConfig()
  const params = { dump_month: demoMonth, ...publishingParams(config) }
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
    return existsSync(runDir(config.lakeDir, dag.resolve(candidate, { dump_month: demoMonth }).runId))
  }
}

endWithOutput()
describeUncaught()
try {
  process.exitCode = await start()
} catch (error) {
  const hint = error instanceof PipelineError && error.hint !== undefined ? `\nhint: ${error.hint}` : ''
  process.stderr.write(`npm start: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof PipelineError ? error.exitCode : 1
}
