/** The answer of a query as a temporary table of DuckDB: complete or an error, spilling to disk when it is large. */
import {
  DuckDBArrayValue,
  type DuckDBConnection,
  DuckDBListValue,
  DuckDBMapValue,
  type DuckDBResult,
  DuckDBStructValue,
  DuckDBUnionValue,
  type DuckDBValue,
  StatementType,
} from '@duckdb/node-api'
import { messageOf } from '../errors.ts'
import { distinctNames, type NestedValue, type SqlValue } from './engine.ts'
import { quoteIdentifier, quoteText } from './quote.ts'

let counter = 0

export class StoredAnswer {
  /** As the query names them; two may have one name. */
  readonly columns: readonly string[]
  readonly rowCount: number
  readonly #connection: DuckDBConnection
  readonly #table: string
  #result: DuckDBResult | null = null

  private constructor(connection: DuckDBConnection, table: string, columns: readonly string[], rowCount: number) {
    this.#connection = connection
    this.#table = table
    this.columns = columns
    this.rowCount = rowCount
  }

  /**
   * Runs a query to its end.
   * @returns null when it is no query whose rows a table could hold (DDL, SHOW, EXPLAIN); it has not run then
   */
  static async of(connection: DuckDBConnection, query: string): Promise<StoredAnswer | null> {
    const columns = await columnsOf(connection, query)
    if (columns === null) return null
    counter += 1
    const table = `temp.main.answer_${counter}`
    const names = columns.map((_, index) => `c${index}`).join(', ')
    try {
      await connection.run(`CREATE TEMP TABLE ${table}(${names}) AS\n${query}`)
    } catch (error) {
      // It was a statement by itself, but cannot stand behind AS: SHOW, DESCRIBE, SUMMARIZE.
      if (messageOf(error).startsWith('Parser Error')) return null
      throw error
    }
    const count = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)
    return new StoredAnswer(connection, table, columns, Number(count.getRows()[0]?.[0]))
  }

  /** The next rows in the order of the query, null after the last ones. DuckDB ends silently on errors: count. */
  async nextRows(): Promise<(readonly (SqlValue | NestedValue)[])[] | null> {
    this.#result ??= await this.#connection.stream(`FROM ${this.#table}`)
    const chunk = await this.#result.fetchChunk()
    return chunk === null || chunk.rowCount === 0 ? null : chunk.getRows().map((row) => row.map(structured))
  }

  /** @returns rows written */
  async copyToParquet(file: string): Promise<number> {
    const { rows } = await this.#read(`SELECT column_name, column_type FROM (DESCRIBE ${this.#table})`)
    const types = new Map(rows.map(([name, type]) => [String(name), String(type)]))
    const names = distinctNames(this.columns)
    const selected = names.map((name, index) => {
      const column = `c${index}`
      const isWide = /^U?HUGEINT$/.test(types.get(column) ?? '')
      return `${isWide ? `CAST(${column} AS DECIMAL(38, 0))` : column} AS ${quoteIdentifier(name)}`
    })
    const copy = `COPY (SELECT ${selected.join(', ')} FROM ${this.#table}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`
    return Number((await this.#read(copy)).rows[0]?.[0])
  }

  async drop(): Promise<void> {
    this.#result = null
    await this.#connection.run(`DROP TABLE IF EXISTS ${this.#table}`)
  }

  async #read(sql: string): Promise<{ readonly rows: readonly (readonly DuckDBValue[])[] }> {
    return { rows: (await this.#connection.runAndReadAll(sql)).getRows() }
  }
}

/** Dates, decimals and nested values become the text DuckDB shows. */
export function plain(value: DuckDBValue): SqlValue {
  return typeof value === 'object' && value !== null ? value.toString() : (value ?? null)
}

/** As {@link plain}, but lists, maps and structs keep their structure. */
export function structured(value: DuckDBValue): SqlValue | NestedValue {
  return isNested(value) ? { toString: () => value.toString(), toJSON: () => jsonOf(value) } : plain(value)
}

type Nested = DuckDBListValue | DuckDBArrayValue | DuckDBStructValue | DuckDBMapValue | DuckDBUnionValue

const nestedClasses = [DuckDBListValue, DuckDBArrayValue, DuckDBStructValue, DuckDBMapValue, DuckDBUnionValue]

function isNested(value: DuckDBValue): value is Nested {
  return typeof value === 'object' && value !== null && nestedClasses.some((one) => value instanceof one)
}

/** Keys of a map become texts, as JSON has no others. */
function jsonOf(value: DuckDBValue): unknown {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(jsonOf)
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, one]) => [name, jsonOf(one)]))
  if (value instanceof DuckDBMapValue)
    return Object.fromEntries(value.entries.map((one) => [String(plain(one.key)), jsonOf(one.value)]))
  return value instanceof DuckDBUnionValue ? jsonOf(value.value) : plain(value)
}

/** What kind of statement it is; null when it cannot be prepared, as one with an error, or several. */
export async function statementTypeOf(connection: DuckDBConnection, sql: string): Promise<StatementType | null> {
  try {
    const statement = await connection.prepare(sql)
    const type = statement.statementType
    statement.destroySync()
    return type
  } catch {
    return null
  }
}

/** The heading of a query, null of another statement. Errors point at the text as it was written. */
async function columnsOf(connection: DuckDBConnection, query: string): Promise<readonly string[] | null> {
  const statement = await connection.prepare(query)
  try {
    if (statement.statementType !== StatementType.SELECT) return null
    return Array.from({ length: statement.columnCount }, (_, index) => statement.columnName(index))
  } finally {
    statement.destroySync()
  }
}
