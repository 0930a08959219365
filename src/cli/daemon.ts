/**
 * The process of `dag schedule`: its settings are its one argument, JSON. It loads as little as it can, since it stays for months;
 * dags are read and run by `dag` in processes of their own.
 */
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { withLock } from '../infra/lock.ts'
import { Daemon } from '../scheduler/daemon.ts'
import type { DagReading } from '../scheduler/daemon-dags.ts'
import { connect } from '../scheduler/store/connection.ts'
import { NoticeTable } from '../scheduler/store/notice-rows.ts'
import { ScheduleTable } from '../scheduler/store/schedule-rows.ts'
import { dagNames } from './dags.ts'
import { tellServiceManager } from './service/notify.ts'
import { describe, describeUncaught, exitCodeOf } from './uncaught.ts'

/** What the launcher hands over. */
export interface DaemonSettings {
  readonly projectDir: string
  readonly stateDir: string
  readonly params: Readonly<Record<string, string>>
  /** Whether a service manager waits for readiness. */
  readonly isService: boolean
  /** Whether somebody wants to be told of runs. */
  readonly isTelling: boolean
  /** Whether somebody reads metrics. */
  readonly isMeasured: boolean
}

/** Where the one daemon of a state directory holds its lock. */
function lockFileOf(stateDir: string): string {
  return join(stateDir, 'schedule.lock')
}

async function main(settings: DaemonSettings): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop.abort())
  const occupied = new AbortController()
  mkdirSync(settings.stateDir, { recursive: true })
  try {
    await withLock(lockFileOf(settings.stateDir), { onWait: () => occupied.abort(), signal: occupied.signal }, () =>
      schedule(settings, stop.signal),
    )
  } catch (error) {
    if (!occupied.signal.aborted) throw error
    throw new PipelineError(`another \`dag schedule\` is at work on ${settings.stateDir}`, {
      exitCode: exitCodes.locked,
      hint: `\`fuser ${lockFileOf(settings.stateDir)}\` names its process`,
    })
  }
}

async function schedule(settings: DaemonSettings, signal: AbortSignal): Promise<void> {
  const now = (): Date => new Date()
  const connection = connect(settings.stateDir, { readonly: false, now })
  const dag = [process.execPath, join(import.meta.dirname, 'dag.ts')]
  const notify = async (state: string): Promise<void> => (settings.isService ? tellServiceManager(state) : undefined)
  const daemon = new Daemon({
    schedules: new ScheduleTable(connection),
    notices: settings.isTelling ? new NoticeTable(connection) : null,
    isMeasured: settings.isMeasured,
    now,
    dagsDir: join(settings.projectDir, 'dags'),
    readDags: () => readDags(settings, dag),
    dag,
    params: settings.params,
    onReady: () => {
      log('ready')
      void notify('READY=1')
    },
    log,
  })
  try {
    await daemon.run(signal)
    await notify('STOPPING=1')
    log('stopped')
  } finally {
    connection.close()
  }
}

/** Each by a process of its own: a file that hangs, throws or ends its process is no danger here. */
async function readDags({ projectDir }: DaemonSettings, dag: readonly string[]): Promise<readonly DagReading[]> {
  const readings: DagReading[] = []
  for (const name of dagNames({ projectDir })) readings.push(await readDag(name, dag))
  return readings
}

const readTimeoutMs = 60_000

async function readDag(dagId: string, [program = '', ...args]: readonly string[]): Promise<DagReading> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args, 'show', dagId, '--json'], { timeout: readTimeoutMs })
    const shown: Pick<DagReading, 'timetable' | 'rerun'> & { readonly params: readonly { readonly name: string }[] } =
      JSON.parse(stdout)
    return { dagId, timetable: shown.timetable, rerun: shown.rerun, params: shown.params.map(({ name }) => name), problem: null }
  } catch (error) {
    return { dagId, timetable: null, rerun: null, params: [], problem: complaintOf(error) }
  }
}

/** The first line that says something, of what `dag` wrote to stderr. */
function complaintOf(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  const line = stderr.split('\n').find((one) => one.startsWith('dag: ')) ?? stderr.split('\n').find((one) => /Error/.test(one))
  return line?.replace(/^dag: /, '') ?? messageOf(error)
}

function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

const [, , argument] = process.argv
// Without its argument it only loads what it needs, and with that fills the compile cache.
if (import.meta.main && argument !== undefined) {
  describeUncaught()
  try {
    const settings: DaemonSettings = JSON.parse(argument)
    await main(settings)
  } catch (error) {
    process.stderr.write(describe(error))
    process.exitCode = exitCodeOf(error)
  }
}
