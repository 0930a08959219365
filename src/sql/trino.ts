/** A Trino server as an engine. */
import { readFile } from 'node:fs/promises'
import { messageOf, PipelineError } from '../errors.ts'
import {
  type AnswerTable,
  type NamedSql,
  named,
  rowsOf,
  type SqlEngine,
  type SqlRow,
  type SqlTable,
  type SqlValue,
} from './engine.ts'
import { refuseClearText } from './trino/client.ts'
import { defineNorms } from './trino/norms.ts'
import { bindParameters } from './trino/parameters.ts'
import { type Edit, originalPosition, rewritten } from './trino/rewrite.ts'
import { type Statement, type StatementOptions, tablesOf } from './trino/statement.ts'
import { significant, type Token, tokensOf } from './trino/tokens.ts'
import { converter, structuredConverter } from './trino/values.ts'

export { TrinoFailure, trinoFailure } from './trino/failure.ts'

/** Where a server is, and as whom it is asked. */
export interface TrinoSettings {
  readonly url: string
  readonly catalog: string
  /** Empty with a token: then whom the token names. */
  readonly user: string
  readonly password: string | null
  readonly jwt: string | null
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string | null
  /** Base of the lake as the server sees it; null: `local://<absolute lake directory>`. */
  readonly lakeUri: string | null
}

export interface TrinoOptions {
  /** For names without one. */
  readonly schema?: string
  /** Ends the running statement, also on the server, and refuses further ones. */
  readonly signal?: AbortSignal
  /** Session properties. */
  readonly session?: Readonly<Record<string, string>>
  /** For one statement, the rows included. Default: none. */
  readonly timeoutMs?: number
  /** Splits done and known of the running statement; `total` may grow. */
  readonly onProgress?: (progress: { done: number; total: number }) => void
  /** How long to try again while the connection is refused or the server too busy. Default 10 s; one that is starting up gets a minute at least. */
  readonly patienceMs?: number
}

const defaultPatienceMs = 10_000

export class TrinoEngine implements SqlEngine {
  readonly name = 'trino'
  readonly #options: StatementOptions

  private constructor(options: StatementOptions) {
    this.#options = options
  }

  /**
   * Waits for a server that is starting up.
   * @throws PipelineError when nothing answers there, the credentials are refused, or there is no such catalog
   */
  static async open(settings: TrinoSettings, options: TrinoOptions = {}): Promise<TrinoEngine> {
    refuseClearText(settings)
    const { schema, signal, session = {}, timeoutMs, onProgress, patienceMs = defaultPatienceMs } = options
    const ca = settings.caFile === null ? null : await readCa(settings.caFile)
    const engine = new TrinoEngine({ settings, ca, schema, signal, session, timeoutMs, onProgress, patienceMs })
    await engine.#requireCatalog(settings.catalog)
    return engine
  }

  async query(sql: string | NamedSql, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return rowsOf(await this.table(sql, params))
  }

  async table(sql: string | NamedSql, params: readonly SqlValue[] = []): Promise<SqlTable> {
    let columns: readonly string[] = []
    const rows: (readonly SqlValue[])[] = []
    for await (const part of tablesOf(statementOf(named(sql), params), this.#options, ({ type }) => converter(type))) {
      columns = part.columns
      for (const row of part.rows) rows.push(row)
    }
    return { columns, rows }
  }

  async execute(sql: string | NamedSql, params: readonly SqlValue[] = []): Promise<void> {
    await this.table(sql, params)
  }

  /**
   * The rows as they come, a few thousand at a time. A query may fail after any number of them: only what was read to the end
   * is the result. Leaving early ends the query on the server.
   */
  stream(sql: string | NamedSql, params: readonly SqlValue[] = []): AsyncIterable<AnswerTable> {
    return tablesOf(statementOf(named(sql), params), this.#options, structuredConverter)
  }

  /** The same session, where names without a schema mean this one. */
  withSchema(schema: string): TrinoEngine {
    return new TrinoEngine({ ...this.#options, schema })
  }

  /** Nothing is held between statements. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }

  async #requireCatalog(catalog: string): Promise<void> {
    const catalogs = (await this.table('SHOW CATALOGS')).rows.flat().map(String)
    if (catalogs.includes(catalog)) return
    throw new PipelineError(`trino: the server at ${this.#options.settings.url} has no catalog ${catalog}`, {
      retryable: false,
      hint: `TRINO_CATALOG names it; there are: ${catalogs.join(', ')}`,
    })
  }
}

/** @throws PipelineError when the parameters do not fit */
function statementOf({ name, text }: NamedSql, params: readonly SqlValue[]): Statement {
  const tokens = tokensOf(text)
  const edits = [...defineNorms(tokens), ...bindParameters(tokens, params, name), ...withoutSemicolon(tokens)].toSorted(
    (left, right) => left.at - right.at,
  )
  return { name, text: rewritten(text, edits), origin: (position) => originalPosition(text, edits, position) }
}

/** The server takes a statement without one. */
function withoutSemicolon(tokens: readonly Token[]): Edit[] {
  const last = significant(tokens).at(-1)
  return last?.kind === 'mark' && last.text === ';' ? [{ at: last.at, length: 1, insert: '' }] : []
}

async function readCa(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new PipelineError(`trino: TRINO_CA_FILE ${file} cannot be read: ${messageOf(cause)}`, { cause, retryable: false })
  })
}
