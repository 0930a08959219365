/**
 * Settings (design §11): the environment, else `.env` of the project, else the default. Nothing else in the project reads
 * `process.env`, but for `scheduler/child-environment.ts`, which hands it on to children.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, homedir, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { exitCodes, hasCode, PipelineError } from './errors.ts'
import { runningServer } from './infra/server-record.ts'
import type { TaskSettings } from './scheduler/context.ts'
import { type DownloadSettings, readDownloadSettings } from './settings/download.ts'
import type { TrinoSettings } from './sql/trino.ts'

type Environment = Readonly<Record<string, string | undefined>>

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
  const lookup = new Lookup(sources)
  const config: Config = {
    projectDir: lookup.projectDir,
    lakeDir: lookup.directory('DISCOGS_DATA_LAKE', 'lake/hive-data'),
    rawDir: lookup.directory('DISCOGS_RAW', 'lake/raw'),
    stateDir: lookup.directory('DAG_STATE', 'state'),
    explicitDirs: lookup.explicitDirs(),
    ...lookup.settings(),
    parallelism: lookup.integer('DAG_PARALLELISM', availableParallelism()),
    localTrino: lookup.localTrino(),
    notify: lookup.notify(),
    metricsFile: lookup.path('DAG_METRICS_FILE'),
  }
  lookup.refuse('the settings are not valid')
  return config
}

/** @throws PipelineError (exit 2) that lists everything missing or bad at once */
export function taskEnvironment(sources: ConfigSources = {}): TaskEnvironment {
  const lookup = new Lookup(sources)
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
    settings: lookup.settings(),
    stateDir: lookup.environmentPath('DAG_STATE'),
    resultFile: lookup.environmentPath('RESULT_FILE'),
    fault: lookup.fault(),
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

/** Reads values one by one and collects what is wrong with them. */
class Lookup {
  readonly projectDir: string
  readonly #cwd: string
  readonly #environment: Environment
  readonly #file: Environment
  readonly #problems: string[] = []

  constructor(sources: ConfigSources) {
    this.projectDir = sources.projectDir ?? dirname(import.meta.dirname)
    this.#cwd = sources.cwd ?? process.cwd()
    this.#environment = sources.environment ?? process.env
    this.#file = readEnvFile(resolve(this.projectDir, '.env'))
  }

  refuse(what: string): void {
    if (this.#problems.length === 0) return
    const lines = this.#problems.map((problem) => `  ${problem}`).join('\n')
    throw new PipelineError(`${what}:\n${lines}`, {
      exitCode: exitCodes.usage,
      retryable: false,
      hint: '.env.example explains every variable',
    })
  }

  /** The environment's own value; empty counts as unset, as in POSIX shells' `${NAME:-}`. */
  own(name: string): string | undefined {
    return this.#environment[name] || undefined
  }

  required(name: string): string {
    const found = this.own(name)
    if (found === undefined) this.#problems.push(`${name} is not set`)
    return found ?? ''
  }

  instant(name: string): Date | null {
    const found = this.own(name)
    if (found === undefined) return null
    const instant = new Date(found)
    if (!Number.isNaN(instant.getTime())) return instant
    this.#problems.push(`${name}=${found}: an instant is expected, as in 2026-04-20T06:00:00Z`)
    return null
  }

  directory(name: string, standard: string): string {
    return this.environmentPath(name) ?? resolve(this.projectDir, expanded(this.#file[name] || standard))
  }

  explicitDirs(): Config['explicitDirs'] {
    const names = { lakeDir: 'DISCOGS_DATA_LAKE', rawDir: 'DISCOGS_RAW' } as const
    return (['lakeDir', 'rawDir'] as const).filter((directory) => this.own(names[directory]) !== undefined)
  }

  environmentPath(name: string): string | null {
    const found = this.own(name)
    return found === undefined ? null : resolve(this.#cwd, expanded(found))
  }

  integer(name: string, standard: number, [least, most]: readonly [number, number] = [1, 999_999]): number {
    const text = this.#text(name)
    if (text === undefined) return standard
    const number = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most) return number
    this.#problems.push(`${name}=${text}: a whole number from ${least} to ${most} is expected`)
    return standard
  }

  settings(): TaskSettings {
    const trino = this.#trino()
    return { sqlEngine: this.#sqlEngine(trino), trinoUrl: trino?.url ?? null, trino, download: this.#download() }
  }

  /** Metastore and state of the local server. */
  trinoStateDir(): string {
    return join(this.directory('DAG_STATE', 'state'), 'trino')
  }

  localTrino(): LocalTrinoSettings {
    return {
      cacheDir: this.directory('DISCOGS_CACHE', join(homedir(), '.cache/discogs-lakehouse')),
      stateDir: this.trinoStateDir(),
      javaHome: this.path('TRINO_JAVA_HOME') ?? this.environmentPath('JAVA_HOME'),
      port: this.#text('TRINO_PORT') === undefined ? null : this.integer('TRINO_PORT', 8080, [1, 65_535]),
      heapMb: this.integer('TRINO_HEAP_MB', standardHeapMb(), [leastHeapMb, 999_999]),
      jvm: this.#text('TRINO_JVM') ?? '-XX:+UseG1GC',
      fileSystem: this.#fileSystem(),
    }
  }

  notify(): NotifySettings {
    const kinds = (this.#text('DAG_NOTIFY_ON') ?? 'failure,recovery,missed').split(',').map((kind) => kind.trim())
    const unknown = kinds.filter((kind) => !noticeKinds.includes(kind))
    if (unknown.length > 0) this.#problems.push(`DAG_NOTIFY_ON=${kinds.join(',')}: expected some of ${noticeKinds.join(', ')}`)
    return { command: this.#text('DAG_NOTIFY_COMMAND') ?? null, webhook: this.#url('DAG_NOTIFY_WEBHOOK') ?? null, kinds }
  }

  params(): Readonly<Record<string, string>> {
    const named = Object.entries(this.#environment).flatMap(([name, text]) =>
      name.startsWith('PARAM_') && text !== undefined ? [[name.slice('PARAM_'.length).toLowerCase(), text] as const] : [],
    )
    return Object.fromEntries(named.toSorted(([left], [right]) => (left < right ? -1 : 1)))
  }

  fault(): Fault | null {
    const text = this.own('TASK_FAULT')
    if (text === undefined) return null
    const match = /^([^:]+):([^:]+):(kill|hold)$/.exec(text)
    if (match?.[1] !== undefined && match[2] !== undefined) {
      return { taskId: match[1], step: match[2], action: match[3] === 'kill' ? 'kill' : 'hold' }
    }
    this.#problems.push(`TASK_FAULT=${text}: <task>:<step>:kill or <task>:<step>:hold is expected`)
    return null
  }

  /** The server that is named, else the local one while it runs. */
  #trino(): TrinoSettings | null {
    const named = this.#url('TRINO_URL')
    const local = named === null ? runningServer(this.trinoStateDir()) : null
    const url = named ?? local?.url
    if (url === undefined) return null
    const jwt = this.#text('TRINO_JWT') ?? null
    return {
      url,
      catalog: this.#text('TRINO_CATALOG') ?? 'hive',
      user: this.#text('TRINO_USER') ?? (jwt === null ? 'discogs' : ''),
      password: this.#text('TRINO_PASSWORD') ?? null,
      jwt,
      caFile: this.path('TRINO_CA_FILE'),
      lakeUri: this.#text('TRINO_LAKE_URI')?.replace(/\/+$/, '') ?? local?.lakeUri ?? null,
    }
  }

  #fileSystem(): LocalTrinoSettings['fileSystem'] {
    const text = this.#text('TRINO_FILE_SYSTEM') ?? 'native'
    if (text === 'native' || text === 'hadoop') return text
    this.#problems.push(`TRINO_FILE_SYSTEM=${text}: native or hadoop is expected`)
    return 'native'
  }

  #download(): DownloadSettings {
    return readDownloadSettings({
      text: (name) => this.#text(name),
      complain: (problem) => void this.#problems.push(problem),
    })
  }

  #sqlEngine(trino: TrinoSettings | null): TaskSettings['sqlEngine'] {
    const text = this.#text('SQL_ENGINE') ?? 'duckdb'
    if (text === 'duckdb' || text === 'trino' || text === 'both') {
      if (text !== 'duckdb' && trino === null)
        this.#problems.push(`SQL_ENGINE=${text} needs TRINO_URL, or a local server: \`npm run trino -- start\``)
      return text
    }
    this.#problems.push(`SQL_ENGINE=${text}: duckdb, trino or both is expected`)
    return 'duckdb'
  }

  #url(name: string): string | null {
    const text = this.#text(name)
    if (text === undefined) return null
    if (!/^https?:\/\//.test(text) || !URL.canParse(text))
      this.#problems.push(`${name}=${text}: an http or https URL is expected`)
    return text
  }

  path(name: string): string | null {
    return this.environmentPath(name) ?? (this.#file[name] ? resolve(this.projectDir, expanded(this.#file[name])) : null)
  }

  #text(name: string): string | undefined {
    return this.own(name) ?? (this.#file[name] || undefined)
  }
}

/** A leading `~/` is the home directory. Shells expand it only where it is not quoted, and nobody does in `.env`. */
function expanded(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

function readEnvFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return {}
    throw new PipelineError(`${file} cannot be read`, { cause, exitCode: exitCodes.usage, retryable: false })
  }
}
