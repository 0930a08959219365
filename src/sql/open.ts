import { PipelineError } from '../errors.ts'
import type { DuckDbOptions } from './duckdb.ts'
import type { EngineName, SqlEngine } from './engine.ts'
import type { TrinoSettings } from './trino.ts'

export interface EngineSettings {
  readonly sqlEngine: EngineName | 'both'
  readonly trino: TrinoSettings | null
}

export interface EngineOptions extends DuckDbOptions {
  /** Of Trino: the schema of names without one. */
  readonly schema?: string
}

/** The engines a setting asks for. */
export function engineNames(sqlEngine: EngineSettings['sqlEngine']): readonly EngineName[] {
  return sqlEngine === 'both' ? ['duckdb', 'trino'] : [sqlEngine]
}

/**
 * Opens one engine: the only place that knows how. Ask {@link engineNames} first where the setting may be `both`.
 * @throws PipelineError when the engine is not to be had
 */
export async function openEngine({ sqlEngine, trino }: EngineSettings, options: EngineOptions = {}): Promise<SqlEngine> {
  // Loaded by who opens one: DuckDB takes as long as node itself to start, the client of Trino twice as long.
  if (sqlEngine === 'duckdb') return (await import('./duckdb.ts')).DuckDbEngine.open(options)
  if (sqlEngine === 'trino' && trino !== null) {
    const { schema, signal } = options
    const { TrinoEngine } = await import('./trino.ts')
    return TrinoEngine.open(trino, { ...(schema === undefined ? {} : { schema }), ...(signal === undefined ? {} : { signal }) })
  }
  throw new PipelineError(`SQL engine ${sqlEngine} cannot be opened: no Trino server is set up`, {
    hint: 'start one with `npm run trino -- start`, name one in TRINO_URL, or set SQL_ENGINE=duckdb',
    retryable: false,
  })
}
