/** What a task process is told. */
import { delimiter, join } from 'node:path'
import type { Config } from '../config.ts'

export interface TaskIdentity {
  readonly runId: string
  readonly dagId: string
  readonly taskId: string
  readonly session: string
  readonly attempt: number
  readonly tryNumber: number
  readonly deferredSince: Date | null
  readonly params: Readonly<Record<string, string>>
  /** Names of params that no log may show. */
  readonly secretParams?: readonly string[]
  readonly resultFile: string
}

/** What a task is told, as {@link import('../config.ts').taskEnvironment} reads it. */
export function childEnvironment(identity: TaskIdentity, config: Config): Record<string, string> {
  const params = Object.entries(identity.params).map(([name, value]) => [`PARAM_${name.toUpperCase()}`, value] as const)
  return {
    ...inherited(),
    PATH: [join(config.projectDir, 'node_modules', '.bin'), process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(
      delimiter,
    ),
    RUN_ID: identity.runId,
    DAG_ID: identity.dagId,
    TASK_ID: identity.taskId,
    SESSION: identity.session,
    ATTEMPT: String(identity.attempt),
    TRY: String(identity.tryNumber),
    DEFERRED_SINCE: identity.deferredSince?.toISOString() ?? '',
    ...Object.fromEntries(params),
    SECRET_PARAMS: (identity.secretParams ?? []).join(','),
    DISCOGS_DATA_LAKE: config.lakeDir,
    DISCOGS_RAW: config.rawDir,
    DAG_STATE: config.stateDir,
    SQL_ENGINE: config.sqlEngine,
    ...trinoEnvironment(config.trino),
    RESULT_FILE: identity.resultFile,
    // What node made of the sources is kept: a task starts in half the time.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(config.stateDir, 'compile-cache'),
  }
}

/** Complete: what the server of another checkout, or `.env`, would add is not of this run. */
function trinoEnvironment(trino: Config['trino']): Record<string, string> {
  if (trino === null) return {}
  const { url, catalog, user, password, jwt, caFile, lakeUri } = trino
  const values = {
    TRINO_URL: url,
    TRINO_CATALOG: catalog,
    TRINO_USER: user,
    TRINO_PASSWORD: password,
    TRINO_JWT: jwt,
    TRINO_CA_FILE: caFile,
    TRINO_LAKE_URI: lakeUri,
  }
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])))
}

/** Our own environment without params that are not of this run. */
function inherited(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || name.startsWith('PARAM_') ? [] : [[name, value] as const],
  )
  return Object.fromEntries(kept)
}
