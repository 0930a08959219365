/** What `npm run demo:history` does: three made-up months that evolve, each through the main pipeline, then the history of them. */
import { join } from 'node:path'
import { loadDag } from '../cli/dags.ts'
import { execute, executeAll } from '../cli/execute.ts'
import { printFailure } from '../cli/outcome.ts'
import { endWithOutput, print, shownPath, styled } from '../cli/output.ts'
import { describeUncaught } from '../cli/uncaught.ts'
import { type Config, loadConfig } from '../config.ts'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { historyReportsDir } from '../history/places.ts'
import { type BackfillOutcome, runBackfill } from '../scheduler/backfill.ts'
import { triggerRun } from '../scheduler/loop.ts'
import { sessionOf } from '../scheduler/session.ts'
import { demoMonths, ensureDumps } from './month.ts'
import { publishingParams } from './publishing.ts'

async function demoHistory(): Promise<number> {
  const config = loadConfig()
  for (const demo of demoMonths) {
    const directory = join(config.rawDir, demo.month)
    if (await ensureDumps(directory, demo)) print(`${demo.month}: ${demo.releases} releases generated in ${shownPath(directory)}`)
  }
  const failed = (await fill(config)).find(
    ({ action, outcome, state }) => (action === 'none' ? state : outcome?.state) !== 'success',
  )
  if (failed !== undefined) {
    print(`\nrun ${failed.runId} did not succeed: ${failed.outcome?.reason ?? failed.error ?? failed.state}`)
    return exitCodes.failed
  }
  return await measure(config)
}

/** One run a month; those that are there already are left alone. */
async function fill(config: Config): Promise<readonly BackfillOutcome[]> {
  const [first, , last] = demoMonths
  const dag = await loadDag(config, 'main')
  const days = { from: first.month, to: last.month }
  const request = {
    config,
    dag,
    days,
    order: 'asc',
    params: publishingParams(config),
    rerunFailed: true,
    maxParallel: 1,
    // The months of the demo lie in the future, where a backfill would leave them to the schedule.
    until: new Date(`${last.month}-28`),
  } as const
  print(`\n${styled('bold', 'main')} for ${days.from} to ${days.to}`)
  const { result } = await executeAll(
    { config, json: false, lines: true },
    (settings) => runBackfill({ ...request, ...settings }, ({ action, runId }) => print(`${action} ${runId}`)),
    () => true,
  )
  return result
}

async function measure(config: Config): Promise<number> {
  const dag = await loadDag(config, 'history')
  print(`\n${styled('bold', 'history')}`)
  const { outcome, exitCode } = await execute({ config, json: false }, (settings) =>
    triggerRun({ dag, session: sessionOf(new Date()), params: {}, config, ...settings }),
  )
  if (outcome.state !== 'success') {
    printFailure(config, outcome)
    return exitCode
  }
  print(`\nreport  ${shownPath(join(historyReportsDir(config.lakeDir), 'history_latest.html'))}`)
  print(`tables  ${shownPath(historyReportsDir(config.lakeDir))}/*.csv`)
  print(`\n${styled('bold', 'Next')}`)
  print(
    '  bin/dag sql "select month, member, value from discogs_history.growth_by_month where measure = \'ids_added\' order by 1, 2"',
  )
  print(`  bin/dag diff ${demoMonths[1].month} ${demoMonths[2].month}`)
  return exitCode
}

endWithOutput()
describeUncaught()
try {
  process.exitCode = await demoHistory()
} catch (error) {
  const hint = error instanceof PipelineError && error.hint !== undefined ? `\nhint: ${error.hint}` : ''
  process.stderr.write(`npm run demo:history: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof PipelineError ? error.exitCode : exitCodes.failed
}
