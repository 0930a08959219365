/**
 * Parquet files as table functions of DuckDB. The only file that names these functions: DuckDB takes `key=value` folders above a file
 * for columns, and `[`, `*` and `?` in a path for a pattern, unless it is told otherwise.
 */
import { PipelineError } from '../errors.ts'
import { quoteText, type SqlFragment } from './quote.ts'

export interface ReadOptions {
  /** Adds the column `filename`: the path as given here. */
  readonly withFileName?: boolean
  /** Gives the columns of all files, NULL where a file lacks one; by default, all files must have the columns of the first one. */
  readonly unionByName?: boolean
}

/** The rows of the files, columns paired by name. */
export function parquetRows(files: readonly string[], options: ReadOptions = {}): SqlFragment {
  const { withFileName = false, unionByName = false } = options
  const flags = `hive_partitioning = false, filename = ${withFileName}, union_by_name = ${unionByName}`
  return { sql: `read_parquet(${pathList(files)}, ${flags})` }
}

/** One row for each column chunk of the files. */
export function parquetChunks(files: readonly string[]): SqlFragment {
  return { sql: `parquet_metadata(${pathList(files)})` }
}

/** One row for each schema element of the files. */
export function parquetSchemas(files: readonly string[]): SqlFragment {
  return { sql: `parquet_schema(${pathList(files)})` }
}

function pathList(files: readonly string[]): string {
  return `[${files.map((file) => quoteText(literalPattern(file))).join(', ')}]`
}

/** The pattern that matches this path alone. In a pattern, DuckDB takes a backslash for a separator and has no escape for it. */
function literalPattern(path: string): string {
  const pattern = path.replaceAll(/[[*?]/g, '[$&]')
  if (pattern !== path && path.includes('\\')) {
    throw new PipelineError(`DuckDB cannot read ${path}: the path contains a backslash and one of [ * ?`, {
      hint: 'rename the directory',
      retryable: false,
    })
  }
  return pattern
}
