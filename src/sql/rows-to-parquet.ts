/** Rows of any engine as a Parquet file, in bounded memory. */
import { DuckDBInstance, type DuckDBAppender } from '@duckdb/node-api'
import { type AnswerTable, distinctNames, type NestedValue, type SqlValue } from './engine.ts'
import { quoteIdentifier, quoteText } from './quote.ts'

export interface ParquetOptions {
  /** Where DuckDB spills. */
  readonly tempDirectory: string
}

/**
 * Writes batches of rows to one new file, ZSTD. The engine's own types are not known here: a column of whole numbers becomes BIGINT,
 * of numbers DOUBLE, of truth values BOOLEAN, everything else VARCHAR.
 * @returns rows written
 */
export async function rowsToParquet(
  batches: AsyncIterable<AnswerTable>,
  file: string,
  { tempDirectory }: ParquetOptions,
): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1GB', temp_directory: tempDirectory })
  const connection = await instance.connect()
  try {
    let names: readonly string[] = []
    let types: ColumnType[] = []
    let appender: DuckDBAppender | null = null
    for await (const { columns, rows } of batches) {
      if (appender === null) {
        names = distinctNames(columns)
        types = columns.map(() => 'NULL')
        await connection.run(`CREATE TABLE rows(${columns.map((_, index) => `c${index} VARCHAR`).join(', ')})`)
        appender = await connection.createAppender('rows')
      }
      for (const row of rows) append(appender, types, row)
      appender.flushSync()
    }
    appender?.closeSync()
    const selected = names.map((name, index) => `CAST(c${index} AS ${storedType(types[index])}) AS ${quoteIdentifier(name)}`)
    const copied = await connection.runAndReadAll(
      `COPY (SELECT ${selected.join(', ')} FROM rows) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    return Number(copied.getRows()[0]?.[0])
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

type ColumnType = 'NULL' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'VARCHAR'

function append(appender: DuckDBAppender, types: ColumnType[], row: readonly (SqlValue | NestedValue)[]): void {
  for (const [index, value] of row.entries()) {
    if (value === null) appender.appendNull()
    else appender.appendVarchar(String(value))
    types[index] = wider(types[index] ?? 'NULL', typeOf(value))
  }
  appender.endRow()
}

const int64 = 2n ** 63n

function typeOf(value: SqlValue | NestedValue): ColumnType {
  if (value === null) return 'NULL'
  if (typeof value === 'boolean') return 'BOOLEAN'
  if (typeof value === 'bigint') return value >= -int64 && value < int64 ? 'BIGINT' : 'VARCHAR'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'BIGINT' : 'DOUBLE'
  return 'VARCHAR'
}

function wider(before: ColumnType, found: ColumnType): ColumnType {
  if (before === found || found === 'NULL') return before
  if (before === 'NULL') return found
  const areNumbers = [before, found].every((one) => one === 'BIGINT' || one === 'DOUBLE')
  return areNumbers ? 'DOUBLE' : 'VARCHAR'
}

function storedType(type: ColumnType | undefined): string {
  return type === undefined || type === 'NULL' ? 'VARCHAR' : type
}
