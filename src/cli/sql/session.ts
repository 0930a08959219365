/** An engine with the tables of one run, asked one statement after another. */
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { compatibilityViews, datasets } from '../../discogs/catalogue.ts'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'
import type { EngineName, SqlTable } from '../../sql/engine.ts'
import { runDir } from '../../lake/layout.ts'
import { trinoSettings } from '../trino-settings.ts'
import type { Place } from './place.ts'

export interface SqlSession extends AsyncDisposable {
  readonly engine: EngineName
  readonly place: Place
  /**
   * The rows of one statement in batches, in bounded memory; the first batch has the heading also when there is no row.
   * @param signal cancels the statement where it runs; the session goes on
   */
  stream(sql: string, signal: AbortSignal): AsyncIterable<SqlTable>
  /** Writes the rows to a new Parquet file. @returns rows written */
  saveAsParquet(sql: string, file: string, signal: AbortSignal): Promise<number>
}

/**
 * The engines are loaded when they are needed: they would slow the start of every other command. Trino is told of the run if it does not know it.
 * @param signal ends the opening
 */
export function openSession(config: Config, place: Place, engine: EngineName, signal: AbortSignal): Promise<SqlSession> {
  return engine === 'duckdb' ? openDuckDb(config, place) : openTrino(config, place, signal)
}

/** Where DuckDB spills large answers. */
function spillDirectory({ stateDir }: Config): string {
  return join(stateDir, 'tmp', `sql-${process.pid}`)
}

async function openDuckDb(config: Config, place: Place): Promise<SqlSession> {
  const [{ DuckDbEngine }, { registerReadable }, { registerEvents }] = await Promise.all([
    import('../../sql/duckdb.ts'),
    import('../../sql/run-views.ts'),
    import('../../history/event-views.ts'),
  ])
  const engine = await DuckDbEngine.open({ tempDirectory: spillDirectory(config) })
  const missing = await registerReadable(engine, place.dir, datasets, compatibilityViews)
  await registerEvents(engine, config.lakeDir)
  return {
    engine: 'duckdb',
    place,
    stream: (sql, signal) => explaining(engine.stream(sql, signal), (error) => explainMissing(error, missing)),
    saveAsParquet: async (sql, file, signal) => {
      return engine.saveAsParquet(sql, file, signal).catch((error: unknown) => {
        throw explainMissing(error, missing)
      })
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

/** A table that a run does not have is missing for a reason. */
function explainMissing(error: unknown, missing: ReadonlyMap<string, string>): unknown {
  const found = [...missing].find(([name]) => messageOf(error).includes(name))
  if (found === undefined) return error
  return new PipelineError(messageOf(error), { hint: `${found[0]} is not in this run: ${found[1]}`, cause: error })
}

async function* explaining(batches: AsyncIterable<SqlTable>, explain: (error: unknown) => unknown): AsyncGenerator<SqlTable> {
  try {
    yield* batches
  } catch (error) {
    throw explain(error)
  }
}

async function openTrino(config: Config, place: Place, signal: AbortSignal): Promise<SqlSession> {
  const settings = trinoSettings(config, '; --engine duckdb needs no server')
  const [{ TrinoEngine }, { runSchema, syncTrino }, { refuseConflicts }] = await Promise.all([
    import('../../sql/trino.ts'),
    import('../../serving/trino-lake.ts'),
    import('../../serving/sync-obstacles.ts'),
  ])
  requireSealed(config, place)
  const schema = runSchema(place.runId)
  const served = { lakeDir: config.lakeDir, trino: settings, signal }
  const { conflicts } = await syncTrino({ ...served, runs: [place.runId], active: false, locations: false })
  refuseConflicts(conflicts)
  const stream = (sql: string, ended: AbortSignal): AsyncIterable<SqlTable> =>
    streamTrino(() => TrinoEngine.open(settings, { schema, signal: ended }), sql, ended)
  return {
    engine: 'trino',
    place,
    stream,
    saveAsParquet: async (sql, file, ended) => {
      const { rowsToParquet } = await import('../../sql/rows-to-parquet.ts')
      return rowsToParquet(stream(sql, ended), file, { tempDirectory: spillDirectory(config) })
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Trino reads what is registered, and only what is sealed is registered. */
function requireSealed({ lakeDir }: Config, { runId, dir }: Place): void {
  if (dir === runDir(lakeDir, runId)) return
  throw new PipelineError(`run ${runId} is not sealed yet: Trino knows sealed runs only`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: '--engine duckdb reads it as it is',
  })
}

/** An engine a statement: that is what a signal cancels. */
async function* streamTrino(
  open: () => Promise<SqlEngineThatStreams>,
  sql: string,
  signal: AbortSignal,
): AsyncGenerator<SqlTable> {
  await using engine = await open()
  try {
    yield* engine.stream(sql)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

interface SqlEngineThatStreams extends AsyncDisposable {
  stream(sql: string): AsyncIterable<SqlTable>
}
