/**
 * Settings: the environment, else `.env` of the project, else the default. Nothing else in the project reads
 * `process.env`, but for `scheduler/child-environment.ts`, which hands it on to children.
 */
import { availableParallelism, homedir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { runningServer } from './infra/server-record.ts'
import type { TaskSettings } from './scheduler/context.ts'
import { readDownloadSettings } from './settings/download.ts'
import { type Environment, Lookup } from './settings/lookup.ts'
import type { TrinoSettings } from './sql/trino.ts'

/** Settings of the command line and the scheduler. Every directory is absolute. */
export interface Config extends TaskSettings {
  /** Where package.json lies; tasks run here. */
  readonly projectDir: string
  readonly lakeDir: string
  readonly rawDir: string
  readonly stateDir: string
  /** Those that the environment itself names, not `.env` or a default. */
  readonly explicitDirs: readonly ('lakeDir' | 'rawDir')[]
  /** How many tasks run at once. */
  readonly parallelism: number
  readonly localTrino: LocalTrinoSettings
  readonly notify: NotifySettings
  /** A Prometheus text file for node_exporter, null: none is written. */
  readonly metricsFile: string | null
}

/** Who is told of what happens to runs. */
export interface NotifySettings {
  /** For `sh -c`. */
  readonly command: string | null
  readonly webhook: string | null
  /** Kinds of notices: failure, recovery, missed, success, cancelled. */
  readonly kinds: readonly string[]
}

const noticeKinds = ['failure', 'recovery', 'missed', 'success', 'cancelled']

/** The local Trino server. */
export interface LocalTrinoSettings {
  /** Downloaded programs; any number of checkouts may share it. */
  readonly cacheDir: string
  /** Configuration, metastore, log and address. */
  readonly stateDir: string
  /** Where to look for a Java runtime first. */
  readonly javaHome: string | null
  /** Null: a free one. */
  readonly port: number | null
  readonly heapMb: number
  /** Further flags of java. `-XX:TieredStopAtLevel=1` starts in half the time, and answers big queries 2 to 4 times slower. */
  readonly jvm: string
  /**
   * `native` reads lakes at `local:///…`; `hadoop` those at `file:/…`, as compose and older clusters do, and is twice as large to fetch.
   */
  readonly fileSystem: 'native' | 'hadoop'
}

/** Where a task process is to die or to stop, for crash tests. */
export interface Fault {
  readonly taskId: string
  readonly step: string
  readonly action: 'kill' | 'hold'
}

/** What a task process is told by whoever started it: the scheduler, or the script that `dag compile --format sh` prints. */
export interface TaskEnvironment {
  readonly runId: string
  readonly dagId: string
  readonly taskId: string
  readonly session: string
  readonly attempt: number
  readonly tryNumber: number
  /** When the task first asked in this attempt to be started again later; null when it has not. */
  readonly deferredSince: Date | null
  readonly params: Readonly<Record<string, string>>
  /** Names of params whose values no log, report or manifest may show. */
  readonly secretParams: readonly string[]
  readonly lakeDir: string
  readonly rawDir: string
  readonly settings: TaskSettings
  /** State of the scheduler, null when there is none. Never taken from `.env` or a default. */
  readonly stateDir: string | null
  /** Where progress, check results and the result go as JSON lines, null when nobody reads them. */
  readonly resultFile: string | null
  readonly fault: Fault | null
}

/** Where settings are looked up; the defaults are those of the running process. */
export interface ConfigSources {
  readonly environment?: Environment
  /** Relative paths of the environment start here. */
  readonly cwd?: string
  /** `.env` lies here; relative paths in it, and the defaults, start here. */
  readonly projectDir?: string
}

/** Whether a person wants to see where an error comes from. */
export function isDebugging(): boolean {
  return !['', '0', 'false'].includes(process.env['DAG_DEBUG'] ?? '')
}

/** @throws PipelineError (exit 2) that lists every bad value at once */
export function loadConfig(sources: ConfigSources = {}): Config {
  const lookup = lookupOf(sources)
  const config: Config = {
    projectDir: lookup.projectDir,
    lakeDir: lookup.directory('DISCOGS_DATA_LAKE', 'lake/hive-data'),
    rawDir: lookup.directory('DISCOGS_RAW', 'lake/raw'),
    stateDir: lookup.directory('DAG_STATE', 'state'),
    explicitDirs: explicitDirs(lookup),
    ...taskSettings(lookup),
    parallelism: lookup.integer('DAG_PARALLELISM', availableParallelism()),
    localTrino: localTrino(lookup),
    notify: notifySettings(lookup),
    metricsFile: lookup.path('DAG_METRICS_FILE'),
  }
  lookup.refuse('the settings are not valid')
  return config
}

/** @throws PipelineError (exit 2) that lists everything missing or bad at once */
export function taskEnvironment(sources: ConfigSources = {}): TaskEnvironment {
  const lookup = lookupOf(sources)
  const environment: TaskEnvironment = {
    runId: lookup.required('RUN_ID'),
    dagId: lookup.required('DAG_ID'),
    taskId: lookup.required('TASK_ID'),
    session: lookup.required('SESSION'),
    attempt: lookup.integer('ATTEMPT', 1),
    tryNumber: lookup.integer('TRY', 1),
    deferredSince: lookup.instant('DEFERRED_SINCE'),
    params: lookup.params(),
    secretParams: lookup.own('SECRET_PARAMS')?.split(',') ?? [],
    lakeDir: lookup.directory('DISCOGS_DATA_LAKE', 'lake/hive-data'),
    rawDir: lookup.directory('DISCOGS_RAW', 'lake/raw'),
    settings: taskSettings(lookup),
    stateDir: lookup.environmentPath('DAG_STATE'),
    resultFile: lookup.environmentPath('RESULT_FILE'),
    fault: faultOf(lookup),
  }
  lookup.refuse(
    'this task cannot start: tasks are started by `dag trigger`, or by the script that `dag compile --format sh` prints',
  )
  return environment
}

/** True when a service manager has started this process and wants to know when it is ready (sd_notify(3)). */
export function isUnderServiceManager(environment: Environment = process.env): boolean {
  return Boolean(environment['NOTIFY_SOCKET'])
}

/** Neither directories nor numbers, nor secrets, which belong into `.env`. */
const plainSettings =
  'TRINO_URL TRINO_CATALOG TRINO_USER TRINO_LAKE_URI DISCOGS_SOURCE_URL DISCOGS_CONTACT DISCOGS_USER_AGENT DISCOGS_RATE_LIMIT DISCOGS_RETRY_FOR DISCOGS_TRIES DISCOGS_MAX_PAUSE NO_PROXY no_proxy'.split(
    ' ',
  )

/** Further settings that only the environment has and a service, whose environment is another, would lack. */
export function settingsToCarry(environment: Environment = process.env): Readonly<Record<string, string>> {
  const entries = plainSettings.flatMap((name) => (environment[name] ? [[name, environment[name]] as const] : []))
  // A URL may hold a password: it belongs into `.env` too.
  return Object.fromEntries(entries.filter(([, value]) => !/:\/\/[^/]*@/.test(value)))
}

/** With less the server fails while it starts. */
const leastHeapMb = 256

/** A quarter of the machine's memory, as Java itself takes, but at least what a small month needs and at most what a real one does. */
function standardHeapMb(): number {
  return Math.min(8192, Math.max(1024, Math.floor(totalmem() / 4 / 2 ** 20)))
}

function lookupOf({
  environment = process.env,
  cwd = process.cwd(),
  projectDir = dirname(import.meta.dirname),
}: ConfigSources): Lookup {
  return new Lookup({ environment, cwd, projectDir })
}

function taskSettings(lookup: Lookup): TaskSettings {
  const trino = trinoSettings(lookup)
  return { sqlEngine: sqlEngine(lookup, trino), trinoUrl: trino?.url ?? null, trino, download: readDownloadSettings(lookup) }
}

/** Metastore and state of the local server. */
function trinoStateDir(lookup: Lookup): string {
  return join(lookup.directory('DAG_STATE', 'state'), 'trino')
}

function localTrino(lookup: Lookup): LocalTrinoSettings {
  return {
    cacheDir: lookup.directory('DISCOGS_CACHE', join(homedir(), '.cache/discogs-lakehouse')),
    stateDir: trinoStateDir(lookup),
    javaHome: lookup.path('TRINO_JAVA_HOME') ?? lookup.environmentPath('JAVA_HOME'),
    port: lookup.text('TRINO_PORT') === undefined ? null : lookup.integer('TRINO_PORT', 8080, [1, 65_535]),
    heapMb: lookup.integer('TRINO_HEAP_MB', standardHeapMb(), [leastHeapMb, 999_999]),
    jvm: lookup.text('TRINO_JVM') ?? '-XX:+UseG1GC',
    fileSystem: fileSystem(lookup),
  }
}

function notifySettings(lookup: Lookup): NotifySettings {
  const kinds = (lookup.text('DAG_NOTIFY_ON') ?? 'failure,recovery,missed').split(',').map((kind) => kind.trim())
  const unknown = kinds.filter((kind) => !noticeKinds.includes(kind))
  if (unknown.length > 0) lookup.complain(`DAG_NOTIFY_ON=${kinds.join(',')}: expected some of ${noticeKinds.join(', ')}`)
  return { command: lookup.text('DAG_NOTIFY_COMMAND') ?? null, webhook: lookup.url('DAG_NOTIFY_WEBHOOK') ?? null, kinds }
}

function faultOf(lookup: Lookup): Fault | null {
  const text = lookup.own('TASK_FAULT')
  if (text === undefined) return null
  const match = /^([^:]+):([^:]+):(kill|hold)$/.exec(text)
  if (match?.[1] !== undefined && match[2] !== undefined) {
    return { taskId: match[1], step: match[2], action: match[3] === 'kill' ? 'kill' : 'hold' }
  }
  lookup.complain(`TASK_FAULT=${text}: <task>:<step>:kill or <task>:<step>:hold is expected`)
  return null
}

/** The server that is named, else the local one while it runs. */
function trinoSettings(lookup: Lookup): TrinoSettings | null {
  const named = lookup.url('TRINO_URL')
  const local = named === null ? runningServer(trinoStateDir(lookup)) : null
  const url = named ?? local?.url
  if (url === undefined) return null
  const jwt = lookup.text('TRINO_JWT') ?? null
  return {
    url,
    catalog: lookup.text('TRINO_CATALOG') ?? 'hive',
    user: lookup.text('TRINO_USER') ?? (jwt === null ? 'discogs' : ''),
    password: lookup.text('TRINO_PASSWORD') ?? null,
    jwt,
    caFile: lookup.path('TRINO_CA_FILE'),
    lakeUri: lookup.text('TRINO_LAKE_URI')?.replace(/\/+$/, '') ?? local?.lakeUri ?? null,
  }
}

function fileSystem(lookup: Lookup): LocalTrinoSettings['fileSystem'] {
  const text = lookup.text('TRINO_FILE_SYSTEM') ?? 'native'
  if (text === 'native' || text === 'hadoop') return text
  lookup.complain(`TRINO_FILE_SYSTEM=${text}: native or hadoop is expected`)
  return 'native'
}

function sqlEngine(lookup: Lookup, trino: TrinoSettings | null): TaskSettings['sqlEngine'] {
  const text = lookup.text('SQL_ENGINE') ?? 'duckdb'
  if (text === 'duckdb' || text === 'trino' || text === 'both') {
    if (text !== 'duckdb' && trino === null)
      lookup.complain(`SQL_ENGINE=${text} needs TRINO_URL, or a local server: \`npm run trino -- start\``)
    return text
  }
  lookup.complain(`SQL_ENGINE=${text}: duckdb, trino or both is expected`)
  return 'duckdb'
}

function explicitDirs(lookup: Lookup): Config['explicitDirs'] {
  const names = { lakeDir: 'DISCOGS_DATA_LAKE', rawDir: 'DISCOGS_RAW' } as const
  return (['lakeDir', 'rawDir'] as const).filter((directory) => lookup.own(names[directory]) !== undefined)
}
