/**
 * Tables that lie elsewhere than they are to, though they look right. No list of the metastore tells locations, only SHOW CREATE TABLE
 * does, which costs the server some 30 ms of CPU for each: whoever asks chooses which tables.
 */
import { eachOf } from './each-of.ts'
import type { SqlEngine } from './engine.ts'
import { qualified } from './trino-schema.ts'

export interface TableAt {
  readonly schema: string
  readonly table: string
  /** URI of the directory it is to lie at, without `/` at its end. */
  readonly location: string
}

/** @returns by `schema.table`, where those lie that are not at their place */
export async function tablesElsewhere(engine: SqlEngine, tables: readonly TableAt[]): Promise<ReadonlyMap<string, string>> {
  const elsewhere = new Map<string, string>()
  await eachOf(tables, async ({ schema, table, location }) => {
    const found = await locationOf(engine, schema, table)
    if (found !== location) elsewhere.set(`${schema}.${table}`, found)
  })
  return elsewhere
}

/** The location a table was made with, without `/` at its end. */
export async function locationOf(engine: SqlEngine, schema: string, table: string): Promise<string> {
  const shown = await engine.table(`SHOW CREATE TABLE ${qualified(schema, table)}`)
  const match = /external_location = '((?:[^']|'')*)'/.exec(String(shown.rows[0]?.[0]))
  return match?.[1]?.replaceAll("''", "'").replace(/\/$/, '') ?? 'a place of the server’s own'
}
