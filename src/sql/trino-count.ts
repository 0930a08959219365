/**
 * Counts the rows of many directories in one question. A UNION over as many tables costs the server a stage for each; a table of its own
 * whose partitions are the directories (partition projection: they are named in its definition, no metastore is asked) is a single scan.
 */
import { randomBytes } from 'node:crypto'
import { PipelineError } from '../errors.ts'
import type { SqlEngine } from './engine.ts'
import { quoteIdentifier, quoteText } from './quote.ts'
import { trinoFailure } from './trino.ts'
import { dropSchema, schemasNamed } from './trino-sync.ts'

const schemaPrefix = 'discogs_count_'
/** A count takes seconds; another sync's may be under way. */
const abandonedMs = 10 * 60_000

/**
 * Makes a schema for it and drops it again; what a killed sync left is dropped, too.
 * @param base URI without `/` at its end
 * @param directories relative to it
 * @returns rows by directory, without those that have none; null when the server cannot say, because one is missing or unreadable for it
 */
export async function countDirectories(
  engine: SqlEngine,
  base: string,
  directories: readonly string[],
): Promise<ReadonlyMap<string, bigint> | null> {
  if (directories.length === 0) return new Map()
  await dropAbandoned(engine)
  const schema = `${schemaPrefix}${Date.now()}_${randomBytes(4).toString('hex')}`
  const table = `${quoteIdentifier(schema)}.directories`
  try {
    await engine.execute({ name: 'schema to count in', text: `CREATE SCHEMA ${quoteIdentifier(schema)}` })
    await engine.execute({ name: 'table to count with', text: tableOver(table, base, directories) })
    const rows = await engine.query({
      name: 'rows of directories',
      text: `SELECT directory, count(*) AS row_count FROM ${table} GROUP BY directory`,
    })
    return new Map(rows.map((row) => [String(row['directory']), countOf(row['row_count'])]))
  } catch (error) {
    if (trinoFailure(error) !== null) return null
    throw error
  } finally {
    await dropSchema(engine, schema)
  }
}

/** A table needs a column that is no partition's; the files have none of this name. */
function tableOver(table: string, base: string, directories: readonly string[]): string {
  return `CREATE TABLE ${table} (
  no_such_column bigint,
  directory varchar WITH (partition_projection_type = 'ENUM', partition_projection_values = ARRAY[${directories.map(quoteText).join(', ')}])
)
WITH (
  external_location = ${quoteText(base)}, format = 'PARQUET', partitioned_by = ARRAY['directory'],
  partition_projection_enabled = true, partition_projection_location_template = ${quoteText(`${base}/\${directory}`)}
)`
}

async function dropAbandoned(engine: SqlEngine): Promise<void> {
  for (const schema of await schemasNamed(engine, schemaPrefix)) {
    // Exactly as named above: a schema of somebody else may begin with the same words.
    const madeAt = Number(/^(\d{13})_[0-9a-f]{8}$/.exec(schema.slice(schemaPrefix.length))?.[1])
    if (Date.now() - madeAt > abandonedMs) await dropSchema(engine, schema)
  }
}

function countOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  throw new PipelineError(`counting rows: a count was expected, not ${String(value)}`)
}
