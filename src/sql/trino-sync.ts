/** Reads what a Trino server knows, and brings it to what it is to know. */
import { PipelineError } from '../errors.ts'
import { eachOf } from './each-of.ts'
import type { SqlEngine, SqlRow } from './engine.ts'
import { literals, quoteIdentifier, quoteText } from './quote.ts'
import { type TableAt, tablesElsewhere } from './trino-locations.ts'
import {
  type Change,
  type FoundRelation,
  type FoundSchema,
  markOf,
  planSchema,
  qualified,
  type SchemaPlan,
  type WantedSchema,
} from './trino-schema.ts'

/** Names of the schemas of the session's catalog that begin so. */
export async function schemasNamed(engine: SqlEngine, prefix: string): Promise<readonly string[]> {
  const rows = await engine.query({
    name: 'schemas',
    text: `SELECT schema_name FROM information_schema.schemata WHERE starts_with(schema_name, ${quoteText(prefix)}) ORDER BY 1`,
  })
  return rows.map((row) => textOf(row, 'schema_name'))
}

/** What is there of these schemas: three questions, however many there are. */
export async function findSchemas(
  engine: SqlEngine,
  catalog: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, FoundSchema>> {
  if (names.length === 0) return new Map()
  const among = `IN (${literals(...names).sql})`
  const present = await engine.query({
    name: 'schemas',
    text: `SELECT schema_name FROM information_schema.schemata WHERE schema_name ${among}`,
  })
  const there = present.map((row) => textOf(row, 'schema_name'))
  const found = new Map<string, Map<string, FoundRelation> | null>(names.map((name) => [name, null]))
  for (const name of there) found.set(name, new Map())
  if (there.length === 0) return found
  const ofThese = `IN (${literals(...there).sql})`
  const [tables, comments, columns] = await Promise.all([
    engine.query({
      name: 'tables',
      text: `SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema ${ofThese}`,
    }),
    engine.query({
      name: 'comments',
      text: `SELECT schema_name, table_name, comment FROM system.metadata.table_comments
        WHERE catalog_name = ${quoteText(catalog)} AND schema_name ${ofThese}`,
    }),
    engine.query({
      name: 'columns',
      text: `SELECT table_schema, table_name, column_name, data_type, ordinal_position
        FROM information_schema.columns WHERE table_schema ${ofThese} ORDER BY 1, 2, 5`,
    }),
  ])
  const keyOf = (schema: string, table: string): string => `${schema}.${table}`
  const marks = new Map(
    comments.map((row) => [
      keyOf(textOf(row, 'schema_name'), textOf(row, 'table_name')),
      markOf(row['comment'] === null ? null : textOf(row, 'comment')),
    ]),
  )
  const typed = Map.groupBy(columns, (row) => keyOf(textOf(row, 'table_schema'), textOf(row, 'table_name')))
  for (const row of tables) {
    const [schema, name] = [textOf(row, 'table_schema'), textOf(row, 'table_name')]
    const key = keyOf(schema, name)
    found.get(schema)?.set(name, {
      kind: row['table_type'] === 'VIEW' ? 'view' : 'table',
      columns: (typed.get(key) ?? []).map((column) => `${textOf(column, 'column_name')} ${textOf(column, 'data_type')}`),
      mark: marks.get(key) ?? null,
    })
  }
  return found
}

/** What would have to be done. @param located tables whose place is to be looked at, if they look right else */
export async function planSchemas(
  engine: SqlEngine,
  catalog: string,
  wanted: readonly WantedSchema[],
  located: readonly TableAt[] = [],
): Promise<readonly SchemaPlan[]> {
  const found = await findSchemas(
    engine,
    catalog,
    wanted.map(({ name }) => name),
  )
  const marks = new Map(wanted.flatMap(({ name, relations }) => relations.map((one) => [`${name}.${one.name}`, one.mark])))
  const looksRight = ({ schema, table }: TableAt): boolean => {
    const relation = found.get(schema)?.get(table)
    return relation?.kind === 'table' && relation.mark === marks.get(`${schema}.${table}`)
  }
  const elsewhere = await tablesElsewhere(engine, located.filter(looksRight))
  return wanted.map((schema) => planSchema(schema, found.get(schema.name) ?? null, elsewhere))
}

/**
 * Carries plans out. A phase of one schema begins when the one before it is done; schemas do not wait for each other.
 * @throws PipelineError, the first one met, when all that had begun has ended; what was done stays, and another sync goes on from there
 */
export async function applyPlans(engine: SqlEngine, plans: readonly SchemaPlan[]): Promise<void> {
  const longest = Math.max(0, ...plans.map(({ phases }) => phases.length))
  for (let phase = 0; phase < longest; phase++) {
    await eachOf(
      plans.flatMap(({ phases }) => phases[phase] ?? []),
      (change) => apply(engine, change),
    )
  }
}

async function apply(engine: SqlEngine, { schema, relation, action, kind, statements }: Change): Promise<void> {
  const name = `${action} ${kind} ${relation === null ? schema : `${schema}.${relation}`}`
  for (const text of statements) await engine.execute({ name, text })
}

/** Rows of tables, as the server counts them: one question. */
export async function countRows(
  engine: SqlEngine,
  schema: string,
  tables: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  if (tables.length === 0) return new Map()
  const counts = tables.map((name) => `SELECT ${quoteText(name)} AS name, count(*) AS row_count FROM ${qualified(schema, name)}`)
  const rows = await engine.query({ name: `rows of ${schema}`, text: counts.join('\nUNION ALL\n') })
  return new Map(rows.map((row) => [textOf(row, 'name'), countOf(row)]))
}

/** Forgets a schema and all that is in it; files of external tables stay. */
export async function dropSchema(engine: SqlEngine, schema: string): Promise<void> {
  await engine.execute({ name: `drop schema ${schema}`, text: dropSchemaStatement(schema) })
}

export function dropSchemaStatement(schema: string): string {
  return `DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)} CASCADE`
}

function countOf(row: SqlRow): bigint {
  const value = row['row_count']
  if (typeof value === 'bigint') return value
  throw new PipelineError(`counting rows: a count was expected, not ${String(value)}`)
}

function textOf(row: SqlRow, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw new PipelineError(`reading the schemas of Trino: ${column} is ${String(value)}, a name was expected`)
}
