/** What a running local Trino server leaves for others to find: `server.json` in its state directory. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, hasCode, PipelineError } from '../errors.ts'
import { isAlive, lifeOf } from '../process-identity.ts'

export interface ServerRecord {
  readonly url: string
  /** How the server calls itself; tells it from another one at the same address. */
  readonly nodeId: string
  readonly pid: number
  /** Tells the process from a later one with the same pid. */
  readonly pidStarted: string
  /** UTC, ISO 8601. */
  readonly startedAt: string
  readonly version: string
  readonly javaHome: string
  /** Where it finds the lake that it was started for; null: where native file systems do. */
  readonly lakeUri: string | null
  /** When it first answered a query that touches the catalog, UTC, ISO 8601; null while it is coming up. */
  readonly readyAt: string | null
}

export function recordFile(stateDir: string): string {
  return join(stateDir, 'server.json')
}

/** @returns null when there is none, or its process is gone */
export function runningServer(stateDir: string): ServerRecord | null {
  const record = readRecord(recordFile(stateDir))
  return record !== null && isAlive(record.pid, record.pidStarted) ? record : null
}

/** @throws PipelineError (exit 5) when the server belongs to another PID namespace: whether it runs cannot be told, nor can it be stopped */
export function refuseForeignServer(stateDir: string): void {
  const record = readRecord(recordFile(stateDir))
  if (record === null || lifeOf(record.pid, record.pidStarted) !== 'elsewhere') return
  throw new PipelineError(`the Trino server of ${stateDir} was started in another PID namespace (pid ${record.pid} there)`, {
    exitCode: exitCodes.locked,
    retryable: false,
    hint: `stop it in its container; if that is gone, remove ${recordFile(stateDir)}`,
  })
}

/** The server that ended without `stop`: by a crash, a kill or a reboot. Null when it runs, or was stopped. */
export function lostServer(stateDir: string): ServerRecord | null {
  return runningServer(stateDir) === null ? readRecord(recordFile(stateDir)) : null
}

export function removeRecord(stateDir: string): void {
  rmSync(recordFile(stateDir), { force: true })
}

function readRecord(file: string): ServerRecord | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ServerRecord
  } catch (error) {
    // It is written in one piece, so what cannot be parsed is not ours. Whoever may not read the state is told so by those who need it.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].some((code) => hasCode(error, code)) || error instanceof SyntaxError) return null
    throw error
  }
}
