/** Reads what a Trino server knows, and brings it to what it should know. */
import { PipelineError } from '../errors.ts'
import { eachOf } from './each-of.ts'
import type { SqlEngine, SqlRow } from './engine.ts'
import { literals, quoteIdentifier, quoteText } from './quote.ts'
import { placesOf, type TableAt, textsOfViews } from './trino-locations.ts'
import {
  type Change,
  type Evidence,
  type FoundRelation,
  type FoundSchema,
  planSchema,
  type SchemaPlan,
  suspects,
} from './trino-plan.ts'
import { markOf, qualified, type WantedSchema } from './trino-schema.ts'

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
      // `comment` is a hidden column of this table.
      text: `SELECT table_schema, table_name, column_name, data_type, ordinal_position, comment
        FROM information_schema.columns WHERE table_schema ${ofThese} ORDER BY 1, 2, 5`,
    }),
  ])
  const keyOf = (schema: string, table: string): string => `${schema}.${table}`
  const commentOf = new Map(
    comments.map((row) => [keyOf(textOf(row, 'schema_name'), textOf(row, 'table_name')), optionalText(row, 'comment')]),
  )
  const typed = Map.groupBy(columns, (row) => keyOf(textOf(row, 'table_schema'), textOf(row, 'table_name')))
  for (const row of tables) {
    const [schema, name] = [textOf(row, 'table_schema'), textOf(row, 'table_name')]
    const key = keyOf(schema, name)
    const own = typed.get(key) ?? []
    const comment = commentOf.get(key) ?? ''
    found.get(schema)?.set(name, {
      kind: row['table_type'] === 'VIEW' ? 'view' : 'table',
      columns: own.map((column) => `${textOf(column, 'column_name')} ${textOf(column, 'data_type')}`),
      columnComments: own.map((column) => optionalText(column, 'comment')),
      comment,
      mark: markOf(comment),
    })
  }
  return found
}

/** What a plan depends on besides what is found. */
export interface PlanOptions {
  /** URIs that the lake has or had, without `/` at their end: tables elsewhere are never replaced. */
  readonly bases: readonly string[]
  /** Tables whose place is looked at even if they look right. */
  readonly located?: readonly TableAt[]
}

/** Plans what has to be done; does nothing yet. */
export async function planSchemas(
  engine: SqlEngine,
  catalog: string,
  wanted: readonly WantedSchema[],
  { bases, located = [] }: PlanOptions,
): Promise<readonly SchemaPlan[]> {
  const names = wanted.map(({ name }) => name)
  const found = await findSchemas(engine, catalog, names)
  const evidence = await evidenceOf(engine, wanted, found, { bases, located })
  const plans = (blocked?: ReadonlySet<string>): SchemaPlan[] =>
    wanted.map((schema) => planSchema(schema, found.get(schema.name) ?? null, evidence, blocked))
  const first = plans()
  const blocked = first.flatMap(({ conflicts }) => conflicts.map(({ schema, relation }) => `${schema}.${relation}`))
  return blocked.length === 0 ? first : plans(new Set(blocked))
}

/** Looks at relations that would be replaced or dropped: where tables lie, what views say. */
async function evidenceOf(
  engine: SqlEngine,
  wanted: readonly WantedSchema[],
  found: ReadonlyMap<string, FoundSchema>,
  { bases, located }: Required<PlanOptions>,
): Promise<Evidence> {
  const relation = (schema: string, name: string): FoundRelation | undefined => found.get(schema)?.get(name)
  const odd = wanted.flatMap((schema) =>
    suspects(schema, found.get(schema.name) ?? null).map((table) => ({ schema: schema.name, table })),
  )
  const tables = [...odd, ...located].filter(({ schema, table }) => relation(schema, table)?.kind === 'table')
  const distinct = new Map(tables.map((one) => [`${one.schema}.${one.table}`, one]))
  const isStranger = odd.some(({ schema, table }) => {
    const one = relation(schema, table)
    return one?.kind === 'view' && one.mark === null
  })
  const names = wanted.map(({ name }) => name)
  const [places, texts] = await Promise.all([
    placesOf(engine, [...distinct.values()]),
    isStranger ? textsOfViews(engine, names) : new Map<string, string>(),
  ])
  return { places, texts, bases }
}

/**
 * Carries plans out. A phase of one schema begins when the one before it is done; schemas do not wait for each other.
 * Comments on columns come last: consumers wait for views, not for their comments.
 * @throws PipelineError, the first one met, when all that had begun has ended; what was done stays, and another sync continues there
 */
export async function applyPlans(engine: SqlEngine, plans: readonly SchemaPlan[]): Promise<void> {
  const longest = Math.max(0, ...plans.map(({ phases }) => phases.length))
  for (let phase = 0; phase < longest; phase++) {
    await eachOf(
      plans.flatMap(({ phases }) => phases[phase] ?? []),
      (change) => execute(engine, change, change.statements),
    )
  }
  // One relation's comments in turn: the server reads and writes the whole definition for each.
  await eachOf(
    plans.flatMap(({ phases }) => phases.flat()),
    (change) => execute(engine, change, change.comments),
  )
}

const rounds = 5

/**
 * Applies plans, then looks again until nothing is left to do. The server rewrites a view's whole definition for each comment, so of two
 * syncs at once each may undo a comment of the other; whoever writes last finds that and repairs it.
 */
export async function settle(
  first: readonly SchemaPlan[],
  planAgain: () => Promise<readonly SchemaPlan[]>,
  apply: (plans: readonly SchemaPlan[]) => Promise<void>,
): Promise<void> {
  let plans = first
  for (let round = 0; round < rounds; round += 1) {
    await apply(plans)
    if (!plans.some(({ phases }) => phases.flat().some(({ comments }) => comments.length > 0))) return
    plans = await planAgain()
  }
}

async function execute(
  engine: SqlEngine,
  { schema, relation, action, kind }: Change,
  statements: readonly string[],
): Promise<void> {
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

/** Empty when there is none. */
function optionalText(row: SqlRow, column: string): string {
  return row[column] === null ? '' : textOf(row, column)
}

function textOf(row: SqlRow, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw new PipelineError(`reading the schemas of Trino: ${column} is ${String(value)}, a name was expected`)
}
