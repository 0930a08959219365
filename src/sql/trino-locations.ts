/**
 * Where tables lie, and what views say. No list of the metastore has the locations; only SHOW CREATE TABLE does, which costs the server some
 * 30 ms of CPU for each table, so callers choose the tables.
 */
import { eachOf } from './each-of.ts'
import type { SqlEngine } from './engine.ts'
import { literals } from './quote.ts'
import { qualified } from './trino-schema.ts'

export interface TableName {
  readonly schema: string
  readonly table: string
}

export interface TableAt extends TableName {
  /** URI of the directory where it should lie, without `/` at its end. */
  readonly location: string
}

/** @returns by `schema.table`, where each table lies; null for a managed table */
export async function placesOf(engine: SqlEngine, tables: readonly TableName[]): Promise<ReadonlyMap<string, string | null>> {
  const places = new Map<string, string | null>()
  await eachOf(tables, async ({ schema, table }) => {
    places.set(`${schema}.${table}`, await locationOf(engine, schema, table))
  })
  return places
}

/** The location a table was made with, without `/` at its end; null for a managed table. */
export async function locationOf(engine: SqlEngine, schema: string, table: string): Promise<string | null> {
  const shown = await engine.table(`SHOW CREATE TABLE ${qualified(schema, table)}`)
  const match = /external_location = '((?:[^']|'')*)'/.exec(String(shown.rows[0]?.[0]))
  return match?.[1]?.replaceAll("''", "'").replace(/\/$/, '') ?? null
}

/** @returns by `schema.view`, the text of each view of these schemas */
export async function textsOfViews(engine: SqlEngine, schemas: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await engine.query({
    name: 'views',
    text: `SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE table_schema IN (${literals(...schemas).sql})`,
  })
  return new Map(
    rows.map((row) => [`${String(row['table_schema'])}.${String(row['table_name'])}`, String(row['view_definition'])]),
  )
}
