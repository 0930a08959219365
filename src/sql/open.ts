import { PipelineError } from '../errors.ts'
import { DuckDbEngine, type DuckDbOptions } from './duckdb.ts'
import type { EngineName, SqlEngine } from './engine.ts'

export interface EngineSettings {
  readonly sqlEngine: EngineName | 'both'
  readonly trinoUrl: string | null
}

/** The engines a setting asks for. */
export function engineNames(sqlEngine: EngineSettings['sqlEngine']): readonly EngineName[] {
  return sqlEngine === 'both' ? ['duckdb', 'trino'] : [sqlEngine]
}

/**
 * Opens one engine: the only place that knows how. Ask {@link engineNames} first where the setting may be `both`.
 * @throws PipelineError when the engine is not to be had
 */
export async function openEngine({ sqlEngine, trinoUrl }: EngineSettings, options: DuckDbOptions = {}): Promise<SqlEngine> {
  if (sqlEngine === 'duckdb') return DuckDbEngine.open(options)
  throw new PipelineError(
    `SQL engine ${sqlEngine} cannot be opened at ${trinoUrl ?? '(no address)'}: no Trino server is set up`,
    {
      hint: 'set SQL_ENGINE=duckdb',
      retryable: false,
    },
  )
}
