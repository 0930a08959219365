/** The embedded engine: DuckDB in memory, spilling to a directory of its own. */
import { availableParallelism } from 'node:os'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue, StatementType } from '@duckdb/node-api'
import { messageOf, PipelineError } from '../errors.ts'
import { plain, statementTypeOf, StoredAnswer, structured } from './duckdb-answer.ts'
import {
  type AnswerTable,
  type NamedSql,
  named,
  type NestedValue,
  rowsOf,
  type SqlEngine,
  type SqlRow,
  type SqlTable,
  type SqlValue,
} from './engine.ts'
import { newerCapital, newerLowerCase } from './lower-case.ts'
import { quoteText } from './quote.ts'
import { readingPart, refusedStatement } from './read-only.ts'

export interface DuckDbOptions {
  /** Default: every core. */
  readonly threads?: number
  /** As DuckDB writes it. Default 2GB. */
  readonly memoryLimit?: string
  /** Where it spills what does not fit; created when needed. Without one it fails instead. */
  readonly tempDirectory?: string
  /** Interrupts the running statement and refuses further ones. */
  readonly signal?: AbortSignal
}

/** Of each connection. */
const settings = 'SET integer_division = true'

const blanks = 'chr(32) || chr(9) || chr(10) || chr(13)'

/**
 * Makes DuckDB understand the portable subset as Trino does, and defines the norms (datasets.md, "Warehouse tables").
 * `translate` costs 30 times what `lower` does, so it is kept for texts that need it: not ASCII (more bytes than code points), and
 * with such a letter in them.
 */
const prelude: readonly string[] = [
  "CREATE MACRO regexp_replace(s, p, r) AS system.main.regexp_replace(s, p, r, 'g')",
  'CREATE MACRO regexp_like(s, p) AS regexp_matches(s, p)',
  'CREATE MACRO bitwise_left_shift(x, n) AS (x << n)',
  'CREATE MACRO bitwise_xor(x, y) AS xor(x, y)',
  'CREATE MACRO bitwise_right_shift(x, n) AS (x >> n)',
  'CREATE MACRO bitwise_and(x, y) AS (x & y)',
  'CREATE MACRO bitwise_not(x) AS (~x)',
  'CREATE MACRO bitwise_or_agg(x) AS bit_or(x)',
  // A hash, if another one: fit to be compared within a statement.
  'CREATE MACRO to_utf8(x) AS x',
  'CREATE MACRO xxhash64(x) AS hash(x)',
  'CREATE MACRO from_big_endian_64(x) AS CAST((x >> 1) AS BIGINT)',
  `CREATE MACRO simple_lower(x) AS CASE WHEN strlen(x) = length(x) THEN lower(x)
     WHEN regexp_matches(x, ${quoteText(newerCapital)}) THEN lower(translate(x, ${quoteText(newerLowerCase.from)}, ${quoteText(newerLowerCase.to)}))
     ELSE lower(x) END`,
  `CREATE MACRO norm(x) AS trim(simple_lower(x), ${blanks})`,
  `CREATE MACRO norm_name(x) AS
     trim(regexp_replace(trim(regexp_replace(simple_lower(x), '[ \\t\\n\\r]+', ' '), ' '), '\\([0-9]+\\)$', ''), ' ')`,
]

const readingTypes: ReadonlySet<StatementType> = new Set([StatementType.SELECT, StatementType.SET, StatementType.TRANSACTION])

export class DuckDbEngine implements SqlEngine {
  readonly name = 'duckdb'
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #signal: AbortSignal | undefined
  readonly #isFirst: boolean
  readonly #interrupt = () => this.#connection.interrupt()

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    { signal, isFirst }: { readonly signal: AbortSignal | undefined; readonly isFirst: boolean },
  ) {
    this.#instance = instance
    this.#isFirst = isFirst
    this.#connection = connection
    this.#signal = signal
    signal?.addEventListener('abort', this.#interrupt)
  }

  static async open(options: DuckDbOptions = {}): Promise<DuckDbEngine> {
    const { threads = availableParallelism(), memoryLimit = '2GB', tempDirectory = '', signal } = options
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(threads),
      memory_limit: memoryLimit,
      temp_directory: tempDirectory,
      // Nothing is ever fetched from a network.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const connection = await instance.connect()
    await connection.run([settings, ...prelude].join(';\n'))
    return new DuckDbEngine(instance, connection, { signal, isFirst: true })
  }

  /** One more engine with the same tables, threads and memory, whose statements run beside those of this one. Dispose of it first. */
  async session(): Promise<DuckDbEngine> {
    const connection = await this.#instance.connect()
    await connection.run(settings)
    return new DuckDbEngine(this.#instance, connection, { signal: this.#signal, isFirst: false })
  }

  async query(sql: string | NamedSql, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return rowsOf(await this.table(sql, params))
  }

  /** Never streams: an error in mid-stream would end the rows without a word. */
  async table(sql: string | NamedSql, params: readonly SqlValue[] = []): Promise<SqlTable> {
    return this.#read(sql, params, plain)
  }

  async #read<Value extends SqlValue | NestedValue>(
    sql: string | NamedSql,
    params: readonly SqlValue[],
    valueOf: (value: DuckDBValue) => Value,
  ): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (readonly Value[])[] }> {
    const { name, text } = named(sql)
    try {
      this.#signal?.throwIfAborted()
      const reader = await this.#connection.runAndReadAll(text, [...params])
      return { columns: reader.columnNames(), rows: reader.getRows().map((row) => row.map(valueOf)) }
    } catch (cause) {
      throw new PipelineError(`duckdb: ${name}: ${messageOf(cause)}`, { cause })
    }
  }

  /**
   * Runs nothing. The words of a statement are judged first, because DuckDB creates files for some statements when it prepares them.
   * @throws PipelineError (exit 2) when the statement could write
   */
  async requireReadOnly(sql: string | NamedSql): Promise<void> {
    const { name, text } = named(sql)
    const { verb, statement } = readingPart({ name, text }, 'duckdb')
    const type = await statementTypeOf(this.#connection, statement)
    // A pragma that answers is a SELECT for DuckDB; others change settings, or write.
    const isReading = type === null || (verb === 'pragma' ? type === StatementType.SELECT : readingTypes.has(type))
    if (!isReading) throw refusedStatement(name, verb === 'pragma' ? 'this PRAGMA' : StatementType[type])
  }

  async execute(sql: string | NamedSql, params: readonly SqlValue[] = []): Promise<void> {
    await this.table(sql, params)
  }

  /** Runs several statements, without parameters, in one go. */
  async executeAll({ name, text }: NamedSql): Promise<void> {
    try {
      this.#signal?.throwIfAborted()
      await this.#connection.run(text)
    } catch (cause) {
      throw new PipelineError(`duckdb: ${name}: ${messageOf(cause)}`, { cause })
    }
  }

  /**
   * Writes the rows of a SELECT to one new Parquet file, ZSTD. The bytes depend on the rows alone as long as the SELECT
   * sorts by all its columns: DuckDB cuts row groups by count, in order, whatever the number of threads.
   * @returns rows written
   */
  async copyToParquet(sql: NamedSql, file: string): Promise<number> {
    const select = sql.text.trim().replace(/;$/, '')
    const options = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880'
    const { rows } = await this.table({ name: sql.name, text: `COPY (\n${select}\n) TO ${quoteText(file)} (${options})` })
    return Number(rows[0]?.[0])
  }

  /**
   * The rows in batches, in bounded memory; the first batch has the heading also when there is no row. The answer is complete
   * in DuckDB's own storage before the first row is given out: DuckDB's streams end without a word when an error comes in mid-stream.
   * @param signal interrupts this statement; the engine goes on
   */
  async *stream(sql: string | NamedSql, signal: AbortSignal = new AbortController().signal): AsyncGenerator<AnswerTable> {
    const answer = await this.#guarded(sql, signal, async (text) => {
      return (await StoredAnswer.of(this.#connection, text)) ?? (await this.#read({ ...named(sql), text }, [], structured))
    })
    if (!(answer instanceof StoredAnswer)) {
      yield answer
      return
    }
    try {
      yield { columns: answer.columns, rows: [] }
      let read = 0
      for (;;) {
        const rows = await this.#guarded(sql, signal, () => answer.nextRows())
        if (rows === null) break
        read += rows.length
        yield { columns: answer.columns, rows }
      }
      if (read !== answer.rowCount)
        throw new PipelineError(`duckdb: ${named(sql).name}: the rows ended after ${read} of ${answer.rowCount}`)
    } finally {
      await answer.drop()
    }
  }

  /**
   * Writes the rows of a query to one new Parquet file, ZSTD. Integers wider than 64 bits become DECIMAL(38, 0), which Parquet has.
   * @returns rows written
   */
  async saveAsParquet(sql: string | NamedSql, file: string, signal: AbortSignal): Promise<number> {
    return this.#guarded(sql, signal, async (text) => {
      const answer = await StoredAnswer.of(this.#connection, text)
      if (answer === null) throw new PipelineError('only the rows of a SELECT can be written as Parquet', { retryable: false })
      try {
        return await answer.copyToParquet(file)
      } finally {
        await answer.drop()
      }
    })
  }

  async #guarded<Result>(sql: string | NamedSql, signal: AbortSignal, work: (text: string) => Promise<Result>): Promise<Result> {
    const { name, text } = named(sql)
    using _interruption = interruptedBy(signal, this.#connection)
    try {
      signal.throwIfAborted()
      const result = await work(text.trim().replace(/;\s*$/, ''))
      // An interrupted stream looks like one at its end.
      signal.throwIfAborted()
      return result
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof PipelineError) throw cause
      throw new PipelineError(`duckdb: ${name}: ${messageOf(cause)}`, { cause })
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#interrupt)
    this.#connection.closeSync()
    if (this.#isFirst) this.#instance.closeSync()
    return Promise.resolve()
  }
}

/** An interrupt that comes before DuckDB has begun a statement is lost, so it is repeated. */
function interruptedBy(signal: AbortSignal, connection: DuckDBConnection): Disposable {
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    connection.interrupt()
    timer = setInterval(() => connection.interrupt(), 20)
  }
  signal.addEventListener('abort', begin, { once: true })
  return {
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', begin)
      clearInterval(timer)
    },
  }
}
