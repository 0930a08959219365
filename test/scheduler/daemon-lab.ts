/**
 * The command line of a daemon under test, over the dag files of a directory of its own: `<dir> trigger|retry|show …` as `dag` has it,
 * and `<dir> daemon`, the daemon itself. With a file `<dir>/measured` that is where metrics go.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { existsSync, readdirSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { writeMetrics } from '../../src/cli/metrics.ts'
import { loadConfig } from '../../src/config.ts'
import { exitCodes, messageOf, PipelineError } from '../../src/errors.ts'
import { Daemon } from '../../src/scheduler/daemon.ts'
import type { DagReading } from '../../src/scheduler/daemon-dags.ts'
import type { Dag } from '../../src/scheduler/dag.ts'
import { retryRun, triggerRun } from '../../src/scheduler/loop.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { scriptsDir } from './harness.ts'

const [dir = '', verb = '', name = '', ...rest] = process.argv.slice(2)
const config = {
  ...loadConfig({ environment: { DAG_STATE: `${dir}/state`, DISCOGS_DATA_LAKE: `${dir}/lake`, DISCOGS_RAW: `${dir}/raw` } }),
  parallelism: 2,
}
const dagsDir = join(dir, 'dags')
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => stop.abort(new PipelineError(`stopped by ${signal}`)))
const settings = { config, scriptsDir, signal: stop.signal }

async function load(dagId: string): Promise<Dag> {
  const module: { readonly default: Dag } = await import(pathToFileURL(join(dagsDir, `${dagId}.ts`)).href)
  return module.default
}

async function trigger(): Promise<void> {
  const { session } = parseArgs({ args: rest, strict: false, options: { session: { type: 'string' } } }).values
  await triggerRun({
    ...settings,
    dag: await load(name),
    session: parseSession(String(session)),
    params: {},
    trigger: 'schedule',
  })
}

async function show(): Promise<void> {
  const { timetable, rerun } = await load(name)
  process.stdout.write(JSON.stringify({ timetable, rerun, params: [] }))
}

function read(dagId: string): DagReading {
  try {
    const shown = execFileSync(process.execPath, [import.meta.filename, dir, 'show', dagId], { encoding: 'utf8', stdio: 'pipe' })
    return { dagId, ...JSON.parse(shown), problem: null }
  } catch (error) {
    return {
      dagId,
      timetable: null,
      rerun: null,
      params: [],
      problem: /Error: .*/.exec(messageOf(error))?.[0] ?? messageOf(error),
    }
  }
}

async function notify(): Promise<void> {
  using store = openStore(config.stateDir)
  writeMetrics(join(dir, 'measured'), store)
}

/** Every look at the clock finds another time, as it may be on a busy machine. */
let looks = 0
function ticking(): Date {
  looks += 1
  return new Date(Date.now() + looks)
}

async function daemon(): Promise<void> {
  using store = openStore(config.stateDir)
  await new Daemon({
    schedules: store.schedules,
    notices: null,
    isMeasured: existsSync(join(dir, 'measured')),
    now: ticking,
    dagsDir,
    readDags: () => Promise.resolve(readdirSync(dagsDir).map((file) => read(file.replace('.ts', '')))),
    dag: [process.execPath, import.meta.filename, dir],
    params: {},
    onReady: () => process.stdout.write('ready\n'),
    log: (line) => process.stdout.write(`${line}\n`),
  }).run(stop.signal)
}

const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
  trigger,
  retry: () => retryRun(name, { ...settings, isAutomatic: rest.includes('--by-schedule') }),
  show,
  notify,
  daemon,
}

try {
  await verbs[verb]?.()
} catch (error) {
  process.stderr.write(`dag: ${error instanceof PipelineError ? error.message : String(error)}\n`)
  process.exitCode = error instanceof PipelineError ? error.exitCode : exitCodes.failed
}
