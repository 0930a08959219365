/** An engine with the tables of one run, asked one statement after another. */
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { compatibilityViews, datasets } from '../../discogs/catalogue.ts'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'
import { type AnswerTable, type EngineName, named } from '../../sql/engine.ts'
import { readingPart } from '../../sql/read-only.ts'
import { runDir } from '../../lake/layout.ts'
import { trinoSettings } from '../trino-settings.ts'
import { knownTables } from './known-tables.ts'
import type { Place } from './place.ts'

export interface SqlSession extends AsyncDisposable {
  readonly engine: EngineName
  readonly place: Place
  /**
   * The rows of one statement in batches, in bounded memory; the first batch has the heading also when there is no row.
   * @param signal cancels the statement where it runs; the session goes on
   * @throws PipelineError (exit 2) when the session only reads and the statement could write
   */
  stream(sql: string, signal: AbortSignal): AsyncIterable<AnswerTable>
  /** Writes the rows to a new Parquet file. @returns rows written */
  saveAsParquet(sql: string, file: string, signal: AbortSignal): Promise<number>
}

export interface SessionOptions {
  /** Ends the opening. */
  readonly signal: AbortSignal
  /** Whether statements may write. */
  readonly mayWrite: boolean
}

/**
 * Opens an engine, and registers the run on Trino if need be. Engines are loaded when they are needed: they would slow the start of every
 * other command.
 */
export function openSession(config: Config, place: Place, engine: EngineName, options: SessionOptions): Promise<SqlSession> {
  return engine === 'duckdb' ? openDuckDb(config, place, options) : openTrino(config, place, options)
}

/** Where DuckDB spills large answers. */
function spillDirectory({ stateDir }: Config): string {
  return join(stateDir, 'tmp', `sql-${process.pid}`)
}

async function openDuckDb(config: Config, place: Place, { mayWrite }: SessionOptions): Promise<SqlSession> {
  const [{ DuckDbEngine }, { registerReadable }, { commentViews }, { registerEvents }] = await Promise.all([
    import('../../sql/duckdb.ts'),
    import('../../sql/run-views.ts'),
    import('../../sql/view-comments.ts'),
    import('../../history/event-views.ts'),
  ])
  const engine = await DuckDbEngine.open({ tempDirectory: spillDirectory(config) })
  const missing = await registerReadable(engine, place.dir, datasets, compatibilityViews)
  await commentViews(
    engine,
    knownTables().filter(({ name, of }) => !missing.has(name) && !missing.has(of ?? '')),
  )
  await registerEvents(engine, config.lakeDir)
  const check = (sql: string): Promise<void> => (mayWrite ? Promise.resolve() : engine.requireReadOnly(sql))
  return {
    engine: 'duckdb',
    place,
    stream: (sql, signal) =>
      after(check(sql), () => explaining(engine.stream(sql, signal), (error) => explainMissing(error, missing))),
    saveAsParquet: async (sql, file, signal) => {
      await check(sql)
      return engine.saveAsParquet(sql, file, signal).catch((error: unknown) => {
        throw explainMissing(error, missing)
      })
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

async function* after(checked: Promise<void>, batches: () => AsyncIterable<AnswerTable>): AsyncGenerator<AnswerTable> {
  await checked
  yield* batches()
}

/** A table that a run does not have is missing for a reason. */
function explainMissing(error: unknown, missing: ReadonlyMap<string, string>): unknown {
  const found = [...missing].find(([name]) => messageOf(error).includes(name))
  if (found === undefined) return error
  return new PipelineError(messageOf(error), { hint: `${found[0]} is not in this run: ${found[1]}`, cause: error })
}

async function* explaining(
  batches: AsyncIterable<AnswerTable>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<AnswerTable> {
  try {
    yield* batches
  } catch (error) {
    throw explain(error)
  }
}

async function openTrino(config: Config, place: Place, { signal, mayWrite }: SessionOptions): Promise<SqlSession> {
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
  const stream = (sql: string, ended: AbortSignal): AsyncIterable<AnswerTable> =>
    streamTrino(() => TrinoEngine.open(settings, { schema, signal: ended }), sql, ended)
  const check = (sql: string): void => {
    if (!mayWrite) readingPart(named(sql), 'trino')
  }
  return {
    engine: 'trino',
    place,
    stream: (sql, ended) => {
      check(sql)
      return stream(sql, ended)
    },
    saveAsParquet: async (sql, file, ended) => {
      check(sql)
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
): AsyncGenerator<AnswerTable> {
  await using engine = await open()
  try {
    yield* engine.stream(sql)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

interface SqlEngineThatStreams extends AsyncDisposable {
  stream(sql: string): AsyncIterable<AnswerTable>
}
