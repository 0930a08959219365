/** What a SQL engine is to the rest of the project. DuckDB is one, a Trino server another. */

export type EngineName = 'duckdb' | 'trino'

/** BIGINT and wider are bigint, narrower numbers and DOUBLE number; everything else that is not text or BOOLEAN is written as text. */
export type SqlValue = string | number | bigint | boolean | null

export type SqlRow = Readonly<Record<string, SqlValue>>

/** A result with its heading, also when there is no row. Values stand in the order of the columns. */
export interface SqlTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly SqlValue[])[]
}

/** A list, map or struct: `toString` is the text that the engine shows, `toJSON` the value with its structure. */
export interface NestedValue {
  toString(): string
  toJSON(): unknown
}

/** A result for a person or a file: as {@link SqlTable}, but nested values keep their structure. */
export interface AnswerTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (SqlValue | NestedValue)[])[]
}

/** A statement and what errors call it: the name of its file. */
export interface NamedSql {
  readonly name: string
  readonly text: string
}

/**
 * One session of an engine. A statement is one statement, in the portable subset; `?` marks a parameter.
 * Results are read whole before anything is returned. Every error is a PipelineError that names the statement.
 */
export interface SqlEngine extends AsyncDisposable {
  readonly name: EngineName
  /** Rows by column name; of two columns with one name the last one counts. */
  query(sql: string | NamedSql, params?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  table(sql: string | NamedSql, params?: readonly SqlValue[]): Promise<SqlTable>
  execute(sql: string | NamedSql, params?: readonly SqlValue[]): Promise<void>
}

/** Gives an ad-hoc statement its first words as a name. */
export function named(sql: string | NamedSql): NamedSql {
  if (typeof sql !== 'string') return sql
  const words = sql.trim().replaceAll(/\s+/g, ' ')
  return { name: words.length > 60 ? `${words.slice(0, 60)}…` : words, text: sql }
}

/** The rows of a table as objects. */
export function rowsOf({ columns, rows }: SqlTable): SqlRow[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])))
}

/** Of two columns with one name the second one is called `name_2`. */
export function distinctNames(columns: readonly string[]): readonly string[] {
  return columns.map((name, index) => {
    const before = columns.slice(0, index).filter((other) => other === name).length
    return before === 0 ? name : `${name}_${before + 1}`
  })
}
