/**
 * Tables that lie elsewhere than they are to, though they look right. No list of the metastore tells locations, and SHOW CREATE TABLE,
 * which does, costs the server some 40 ms of CPU for each table: so many tables are asked at once for the path of a row, and only those
 * whose answer is odd are looked at one by one.
 */
import { eachOf } from './each-of.ts'
import type { SqlEngine } from './engine.ts'
import { trinoFailure } from './trino.ts'
import { qualified } from './trino-schema.ts'

export interface TableAt {
  readonly schema: string
  readonly table: string
  /** URI of the directory it is to lie at, without `/` at its end. */
  readonly location: string
  /** Without rows there is no path to see. */
  readonly hasRows: boolean
}

/** Scans of one question: each is a stage of its own on the server. */
const atOnce = 32

/**
 * A table that is to be empty, and is, goes unseen wherever it lies.
 * @returns by `schema.table`, where those lie that are not at their place
 */
export async function tablesElsewhere(engine: SqlEngine, tables: readonly TableAt[]): Promise<ReadonlyMap<string, string>> {
  const groups = Array.from({ length: Math.ceil(tables.length / atOnce) }, (_, index) =>
    tables.slice(index * atOnce, (index + 1) * atOnce),
  )
  const odd: TableAt[] = []
  await eachOf(groups, async (group) => {
    odd.push(...(await oddOnes(engine, group)))
  })
  const elsewhere = new Map<string, string>()
  await eachOf(odd, async ({ schema, table, location }) => {
    const found = await locationOf(engine, schema, table)
    if (normal(found) !== normal(location)) elsewhere.set(`${schema}.${table}`, found)
  })
  return elsewhere
}

/** The location a table was made with, without `/` at its end. */
export async function locationOf(engine: SqlEngine, schema: string, table: string): Promise<string> {
  const shown = await engine.table(`SHOW CREATE TABLE ${qualified(schema, table)}`)
  const match = /external_location = '((?:[^']|'')*)'/.exec(String(shown.rows[0]?.[0]))
  return match?.[1]?.replaceAll("''", "'").replace(/\/$/, '') ?? 'a place of the server’s own'
}

async function oddOnes(engine: SqlEngine, tables: readonly TableAt[]): Promise<readonly TableAt[]> {
  const paths = await pathsOf(engine, tables)
  if (paths === null) return tables
  return tables.filter(({ location, hasRows }, index) => {
    const path = paths.get(index)
    return path === undefined ? hasRows : !normal(path).startsWith(`${normal(location)}/`)
  })
}

/** The file of some row of each table, by its index; null when one of them cannot be read. */
async function pathsOf(engine: SqlEngine, tables: readonly TableAt[]): Promise<ReadonlyMap<number, string> | null> {
  const questions = tables.map(
    ({ schema, table }, index) => `(SELECT ${index} AS place, "$path" AS path FROM ${qualified(schema, table)} LIMIT 1)`,
  )
  try {
    const rows = await engine.query({ name: 'paths', text: questions.join('\nUNION ALL\n') })
    return new Map(rows.map((row) => [Number(row['place']), String(row['path'])]))
  } catch (error) {
    if (trinoFailure(error) !== null) return null
    throw error
  }
}

/** `file:/data` and `file:///data` are one place. */
function normal(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*):\/+/i, '$1:/')
}
