/** A real Trino on this machine, one node, without docker: started, found again, stopped. */
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalTrinoSettings } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { isAlive as isProcessAlive, processStart } from '../process-identity.ts'
import { TrinoEngine, type TrinoSettings } from '../sql/trino.ts'
import { type FetchOptions, fromMaven, fromMavenTar } from './fetch.ts'
import { findJava, type Java } from './java.ts'
import { withLock } from './lock.ts'
import { choosePort, requireFree } from './port.ts'
import { lastLines } from './program.ts'
import { recordFile, refuseForeignServer, removeRecord, runningServer, type ServerRecord } from './server-record.ts'
import { javaArguments, type ServerFiles, writeServerFiles } from './server-files.ts'

/** The newest that Maven Central has as archives. */
export const trinoVersion = '476'

const archives = [
  { artifact: `io.trino:trino-server-core:${trinoVersion}:tar.gz`, files: '*/lib/*', to: 'lib' },
  { artifact: `io.trino:trino-hive:${trinoVersion}:zip`, files: '**/*', to: 'plugin/hive' },
]
/** Twice as large, but the only one with Hadoop's file system, and with what checks passwords. */
const fullArchive = {
  artifact: `io.trino:trino-server:${trinoVersion}:tar.gz`,
  directories: ['lib', 'plugin/hive', 'plugin/password-authenticators'],
}

/** Beside the heap: code, threads, buffers. */
const besideHeapMb = 400
const comingUpMs = 180_000
const stopMs = 30_000
const pollMs = 100

export interface StartOptions {
  readonly settings: LocalTrinoSettings
  /** The server's files must lie outside. */
  readonly lakeDir: string
  /** Takes lines for a person. */
  readonly say: (line: string) => void
  /** Ends what is under way; a server that is not ready yet is stopped. */
  readonly signal?: AbortSignal
}

export interface ServerStatus {
  readonly state: 'running' | 'starting' | 'stopped'
  readonly server: ServerRecord | null
  /** Memory it holds now; null where the system does not tell. */
  readonly residentBytes: number | null
  readonly logFile: string
  readonly stateDir: string
}

/**
 * Starts the server, or finds the one that runs: afterwards it has answered a query that touches its catalog. Whatever is missing is
 * fetched. May be killed and called again at any time.
 */
export async function startTrino({ settings, lakeDir, say, signal }: StartOptions): Promise<ServerRecord> {
  const { stateDir } = settings
  requireOutside(stateDir, lakeDir)
  mkdirSync(stateDir, { recursive: true })
  const onWait = (): void => say('another process is starting the server: waiting for it')
  return withLock(join(stateDir, 'start.lock'), { onWait, signal }, async () => {
    refuseForeignServer(stateDir)
    const running = runningServer(stateDir)
    if (running !== null && running.readyAt !== null) return running
    const server = running ?? (await launch(settings, lakeDir, { cacheDir: settings.cacheDir, say, signal }))
    say(`waiting for the server (pid ${server.pid}, ${logFile(stateDir)})`)
    return whenReady(server, stateDir, signal)
  })
}

/** Also ends one that is starting. @returns false when none was running */
export async function stopTrino(stateDir: string): Promise<boolean> {
  refuseForeignServer(stateDir)
  const server = runningServer(stateDir)
  if (server !== null) await end(server)
  removeRecord(stateDir)
  return server !== null
}

export function trinoStatus(stateDir: string): ServerStatus {
  const server = runningServer(stateDir)
  return {
    state: server === null ? 'stopped' : server.readyAt === null ? 'starting' : 'running',
    server,
    residentBytes: server === null ? null : residentBytes(server.pid),
    logFile: logFile(stateDir),
    stateDir,
  }
}

/** How the local server is asked. */
export function localSettings({ url, lakeUri }: ServerRecord): TrinoSettings {
  return { url, catalog: 'hive', user: 'discogs', password: null, jwt: null, caFile: null, lakeUri }
}

/** Where the programs of a server lie; what is missing is fetched. */
export async function trinoPrograms(fileSystem: LocalTrinoSettings['fileSystem'], fetching: FetchOptions): Promise<string> {
  return fileSystem === 'hadoop'
    ? await fromMavenTar(`trino-${trinoVersion}-full`, fullArchive, fetching)
    : await fromMaven(`trino-${trinoVersion}`, archives, fetching)
}

async function launch(settings: LocalTrinoSettings, lakeDir: string, fetching: FetchOptions): Promise<ServerRecord> {
  const { stateDir, heapMb, jvm, fileSystem } = settings
  if (settings.port !== null) await requireFree(settings.port)
  requireMemory(heapMb)
  const home = await trinoPrograms(fileSystem, fetching)
  const java = await findJava(settings.javaHome, fetching)
  const port = settings.port ?? (await choosePort())
  const files: ServerFiles = { stateDir, home, heapMb, fileSystem, port, nodeId: `local-${randomUUID()}` }
  writeServerFiles(files)
  const args = javaArguments(files, jvm, archiveFile(home, java, jvm))
  const pid = startDetached(join(java.home, 'bin/java'), args, stateDir)
  const pidStarted = processStart(pid)
  if (pidStarted === null) throw died(stateDir)
  const server: ServerRecord = {
    url: `http://127.0.0.1:${port}`,
    nodeId: files.nodeId,
    pid,
    pidStarted,
    startedAt: new Date().toISOString(),
    version: trinoVersion,
    javaHome: java.home,
    lakeUri: fileSystem === 'hadoop' ? `file:${resolve(lakeDir)}` : null,
    readyAt: null,
  }
  writeRecord(stateDir, server)
  return server
}

/** It outlives us, and the terminal. */
function startDetached(program: string, args: readonly string[], stateDir: string): number {
  const log = openSync(logFile(stateDir), 'w')
  try {
    const child = spawn(program, args, { cwd: stateDir, detached: true, stdio: ['ignore', log, log] })
    // It is seen by its missing pid, or by its end.
    child.on('error', () => {})
    child.unref()
    if (child.pid === undefined) throw new PipelineError(`${program} cannot be run`, { retryable: false })
    return child.pid
  } finally {
    closeSync(log)
  }
}

/** @throws PipelineError when it dies, or takes too long: then it is ended */
async function whenReady(server: ServerRecord, stateDir: string, signal: AbortSignal | undefined): Promise<ServerRecord> {
  const death = new AbortController()
  const watch = setInterval(() => {
    if (!isAlive(server)) death.abort(died(stateDir))
  }, pollMs)
  try {
    await probe(server, AbortSignal.any([death.signal, ...(signal === undefined ? [] : [signal])]))
    const ready = { ...server, readyAt: new Date().toISOString() }
    writeRecord(stateDir, ready)
    return ready
  } catch (error) {
    await end(server)
    removeRecord(stateDir)
    signal?.throwIfAborted()
    throw death.signal.aborted ? death.signal.reason : error
  } finally {
    clearInterval(watch)
  }
}

/** `SELECT 1` would not do: the catalog has no node to run on for a second or two more. */
async function probe(server: ServerRecord, signal: AbortSignal): Promise<void> {
  await using engine = await TrinoEngine.open(localSettings(server), { schema: 'startup_probe', signal, patienceMs: comingUpMs })
  await requireOwn(engine, server)
  await engine.execute('CREATE SCHEMA IF NOT EXISTS startup_probe')
  await engine.execute('DROP TABLE IF EXISTS ready')
  await engine.execute('CREATE TABLE ready AS SELECT 1 AS x')
  await engine.execute('SELECT count(*) FROM ready')
  await engine.execute('DROP SCHEMA startup_probe CASCADE')
}

/** Somebody else's server may have taken the port after we looked; ours is then about to fail. */
async function requireOwn(engine: TrinoEngine, { nodeId, url }: ServerRecord): Promise<void> {
  const rows = await engine.query('SELECT node_id FROM system.runtime.nodes')
  if (rows.some((row) => row['node_id'] === nodeId)) return
  throw new PipelineError(`the Trino server that answers at ${url} is not the one that was started`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: 'another program took the port: start again, with another TRINO_PORT if it is set',
  })
}

async function end(server: ServerRecord): Promise<void> {
  signalProcess(server, 'SIGTERM')
  for (const until = performance.now() + stopMs; isAlive(server); ) {
    if (performance.now() > until) signalProcess(server, 'SIGKILL')
    await sleep(pollMs)
  }
}

function signalProcess(server: ServerRecord, signal: NodeJS.Signals): void {
  try {
    if (isAlive(server)) process.kill(server.pid, signal)
  } catch {
    // It ended in between.
  }
}

function isAlive({ pid, pidStarted }: ServerRecord): boolean {
  return isProcessAlive(pid, pidStarted)
}

function died(stateDir: string): PipelineError {
  return new PipelineError(
    `the Trino server ended while it was starting:\n${lastLines(readFileSync(logFile(stateDir), 'utf8'))}`,
    {
      hint: `its log is ${logFile(stateDir)}`,
    },
  )
}

function requireOutside(stateDir: string, lakeDir: string): void {
  if (relative(resolve(lakeDir), resolve(stateDir)).startsWith('..')) return
  throw new PipelineError(`the server's files would lie in the lake: ${stateDir}`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: 'DAG_STATE must be a directory outside DISCOGS_DATA_LAKE',
  })
}

function requireMemory(heapMb: number): void {
  const availableMb = Math.floor(process.availableMemory() / 2 ** 20)
  if (availableMb >= heapMb + besideHeapMb) return
  throw new PipelineError(
    `a Trino server with ${heapMb} MB of heap needs ${heapMb + besideHeapMb} MB of memory; ${availableMb} MB are free`,
    {
      retryable: false,
      hint: 'TRINO_HEAP_MB=512 is enough for a small month',
    },
  )
}

/** What the class loader has done once is kept; it depends on the runtime and its flags. */
function archiveFile(home: string, java: Java, jvm: string): string {
  const key = createHash('sha256').update(`${java.home} ${java.major} ${jvm}`).digest('hex').slice(0, 8)
  return `${home}-${key}.jsa`
}

function writeRecord(stateDir: string, server: ServerRecord): void {
  const temporary = `${recordFile(stateDir)}.tmp-${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(server, null, 2)}\n`)
  renameSync(temporary, recordFile(stateDir))
}

function logFile(stateDir: string): string {
  return join(stateDir, 'server.log')
}

/** proc_pid_status(5) */
function residentBytes(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  } catch {
    return null
  }
}
