/** What `npm start` does once everything is installed: a generated month through the whole pipeline, to a published snapshot. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { loadDag } from '../cli/dags.ts'
import { execute } from '../cli/execute.ts'
import { between, duration, grouped, print, shownState, styled, table } from '../cli/output.ts'
import { readStore } from '../cli/runs.ts'
import { type Config, loadConfig } from '../config.ts'
import { exampleQuery } from '../discogs/catalogue.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { resolveActive } from '../lake/pointer.ts'
import { type RunOutcome, triggerRun } from '../scheduler/loop.ts'
import { parseSession, type Session, sessionOf } from '../scheduler/session.ts'
import { generateDumps } from './generate.ts'

const month = '2026-04'
const releases = 5_000
const logLines = 15

/** Names the files of a month as the generator's own: it never writes over real dumps. */
const markerName = '.generated'

async function start(): Promise<number> {
  const config = loadConfig()
  await prepareDumps(config)
  const dag = await loadDag(config, 'main')
  const session = freeSession(config)
  print(`${styled('bold', 'main')} for session ${session.text}: ingest, build, check, seal, promote, report\n`)
  const params = { dump_month: month, run_mode: 'prod', allow_promote: 'true' }
  const { outcome, exitCode } = await execute({ config, json: false }, (settings) =>
    triggerRun({ dag, session, params, config, ...settings }),
  )
  if (outcome.state === 'success') printSummary(config, outcome)
  else printFailure(config, outcome)
  return exitCode
}

async function prepareDumps({ rawDir }: Config): Promise<void> {
  const directory = join(rawDir, month)
  const marker = join(directory, markerName)
  const wanted = `${releases} releases\n`
  if (existsSync(directory) && !existsSync(marker) && readdirSync(directory).length > 0) {
    throw new PipelineError(`${directory} holds files that the demo did not make`, {
      hint: `load them with: npx dag trigger main --param dump_month=${month}; or set DISCOGS_RAW to another folder for the demo`,
    })
  }
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) {
    print(`dumps of ${month} are in ${shown(directory)}`)
    return
  }
  const startedMs = performance.now()
  mkdirSync(directory, { recursive: true })
  writeFileSync(marker, 'incomplete\n')
  const dumps = await generateDumps({ directory, month, releases })
  writeFileSync(marker, wanted)
  print(`generated ${dumps.length} dumps of ${month} in ${shown(directory)}, ${duration(performance.now() - startedMs)}`)
}

/** The month's 20th at 06:00:00, or the first minute after it that no run has. */
function freeSession(config: Config): Session {
  using store = readStore(config)
  let session = parseSession(`${month}-20 06:00:00`)
  while (store.findSession('main', session.text) !== null) session = sessionOf(new Date(session.instant.getTime() + 60_000))
  return session
}

function printSummary(config: Config, { runId, tasks }: RunOutcome): void {
  using store = readStore(config)
  const run = store.run(runId)
  const checks = store.checks(runId)
  const failing = checks.filter((check) => !check.ok)
  const rows = [...new Map(tasks.toReversed().flatMap((task) => Object.entries(task.rows ?? {})))].sort(([left], [right]) =>
    left < right ? -1 : 1,
  )
  print(
    `\n${table(
      ['task', 'state', '>duration'],
      tasks.map((task) => [task.taskId, shownState(task.state), between(task.startedAt, task.endedAt)]),
    )}`,
  )
  print(
    `\n${table(
      ['dataset', '>rows'],
      rows.map(([dataset, count]) => [dataset, grouped(count)]),
    )}`,
  )
  print(`\nrun     ${styled('bold', runId)} ${shownState(run.state)} in ${between(run.createdAt, run.endedAt)}`)
  print(
    `checks  ${checks.length - failing.length} of ${checks.length} passed${failing.length === 0 ? '' : `, ${failing.length} to look at: npx dag status latest`}`,
  )
  print(`active  ${shown(join(config.lakeDir, 'active'))} -> _runs/${resolveActive(config.lakeDir)?.runId ?? '?'}`)
  print(`\n${styled('bold', 'Next')}`)
  print(`  npx dag sql "${exampleQuery}"`)
  print('  npx dag status latest')
  print('  npx dag rollback          (after a second npm start: back to the first run)')
}

function printFailure(config: Config, { runId, reason, tasks }: RunOutcome): void {
  const failed = tasks.find((task) => task.state === 'failed')
  print(`\nrun ${runId} did not succeed${reason === null ? '' : `: ${reason}`}`)
  if (failed !== undefined) {
    using store = readStore(config)
    const log = store.tries(runId).findLast((one) => one.taskId === failed.taskId)?.logFile
    print(`${failed.taskId} failed; the end of its log:`)
    if (log !== undefined && existsSync(log)) print(readFileSync(log, 'utf8').trimEnd().split('\n').slice(-logLines).join('\n'))
  }
  print(`\nresume with: npx dag retry ${runId}`)
}

function shown(path: string): string {
  return relative(process.cwd(), path) || '.'
}

try {
  process.exitCode = await start()
} catch (error) {
  const hint = error instanceof PipelineError && error.hint !== undefined ? `\nhint: ${error.hint}` : ''
  process.stderr.write(`npm start: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof PipelineError ? error.exitCode : 1
}
