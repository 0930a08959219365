/** Whether the tables of the server are where the lake has them, and have its rows. */
import { basename } from 'node:path'
import { messageOf } from '../../errors.ts'
import { readManifest } from '../../lake/manifest.ts'
import { activeRunId } from '../../lake/pointer.ts'
import { activeLink, linkTarget, runDir } from '../../lake/layout.ts'
import { sealedRuns } from '../../lake/sealed-runs.ts'
import { activeSchema, lakeUri, runSchema } from '../../serving/trino-lake.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import { countRows, eachOf, schemasNamed } from '../../sql/trino-sync.ts'
import type { TrinoEngine } from '../../sql/trino.ts'
import { type Findings, plural, some } from './finding.ts'
import type { ServedConfig } from './same-lake.ts'

/** A schema whose tables we know where to look for. */
interface ServedRun {
  readonly schema: string
  readonly runId: string
  /** URI of the directory of its datasets. */
  readonly location: string
}

const sync = '`dag trino sync` registers what is missing or differs'

export async function examineTables(findings: Findings, engine: TrinoEngine, config: ServedConfig): Promise<void> {
  const present = new Set(await schemasNamed(engine, activeSchema))
  const wanted = servedRuns(config)
  const there = wanted.filter(({ schema }) => present.has(schema))
  examineRegistered(findings, config, { present, wanted })
  const known = new Set(wanted.map(({ schema }) => schema))
  const others = [...present].filter((schema) => schema.startsWith(runSchema('')) && !known.has(schema))
  await examineOrphans(findings, engine, config, others)
  if (there.length === 0) return
  const tables = await tablesOf(engine, there)
  await examineLocations(findings, engine, tables)
  await examineCounts(findings, engine, config, tables)
}

function servedRuns(config: ServedConfig): readonly ServedRun[] {
  const uri = lakeUri(config)
  const runs = sealedRuns(config.lakeDir).map(({ runId }) => ({
    schema: runSchema(runId),
    runId,
    location: `${uri}/${linkTarget(runId)}`,
  }))
  const active = runs.find(({ runId }) => runId === published(config))
  if (active === undefined) return runs
  return [{ schema: activeSchema, runId: active.runId, location: `${uri}/${basename(activeLink(config.lakeDir))}` }, ...runs]
}

/** A broken link is reported elsewhere. */
function published({ lakeDir }: ServedConfig): string | null {
  try {
    return activeRunId(lakeDir)
  } catch {
    return null
  }
}

function examineRegistered(
  findings: Findings,
  config: ServedConfig,
  { present, wanted }: { readonly present: ReadonlySet<string>; readonly wanted: readonly ServedRun[] },
): void {
  const missing = wanted.filter(({ schema }) => !present.has(schema))
  const shown = `${plural(wanted.length - missing.length, 'schema')} of ${wanted.length}`
  const isNeeded = missing.some(({ runId }) => runId === published(config)) && config.sqlEngine !== 'duckdb'
  if (missing.length === 0) findings.ok('registered', `${shown}: what is published and every sealed run`)
  else if (isNeeded) findings.wrong('registered', `missing: ${some(missing.map(({ schema }) => schema))}`, sync)
  else findings.none('registered', `${shown}; missing: ${some(missing.map(({ schema }) => schema))}`, sync)
}

/** Schemas of runs that this lake has not any more. Another lake's runs may be registered on the same server: they are none of ours. */
async function examineOrphans(
  findings: Findings,
  engine: TrinoEngine,
  config: ServedConfig,
  schemas: readonly string[],
): Promise<void> {
  const orphans: string[] = []
  await eachOf(schemas, async (schema) => {
    const [first] = await engine.query(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE' LIMIT 1",
      [schema],
    )
    const location = first === undefined ? '' : await locationOf(engine, schema, String(first['table_name']))
    if (location.startsWith(`${lakeUri(config)}/`)) orphans.push(schema)
  })
  findings.each('orphans', {
    good: 'no schema of a run that is gone',
    bad: orphans.toSorted().map((schema) => `no sealed run is behind ${schema}`),
    advice: 'drop it: DROP SCHEMA <schema> CASCADE; files are never touched',
  })
}

interface ServedTables extends ServedRun {
  readonly tables: readonly string[]
}

async function tablesOf(engine: TrinoEngine, runs: readonly ServedRun[]): Promise<readonly ServedTables[]> {
  const rows = await engine.query(
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1, 2",
  )
  return runs.map((run) => ({
    ...run,
    tables: rows.filter((row) => row['table_schema'] === run.schema).map((row) => String(row['table_name'])),
  }))
}

async function examineLocations(findings: Findings, engine: TrinoEngine, runs: readonly ServedTables[]): Promise<void> {
  const bad: string[] = []
  const tables = runs.flatMap((run) => run.tables.map((table) => ({ ...run, table })))
  await eachOf(tables, async ({ schema, location, table }) => {
    const found = await locationOf(engine, schema, table)
    if (found !== `${location}/${table}`) bad.push(`${schema}.${table} lies at ${found}, expected ${location}/${table}`)
  })
  findings.each('locations', { good: `${plural(tables.length, 'table')} where the lake is`, bad: bad.toSorted(), advice: sync })
}

async function locationOf(engine: TrinoEngine, schema: string, table: string): Promise<string> {
  const shown = await engine.table(`SHOW CREATE TABLE ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)
  const match = /external_location = '((?:[^']|'')*)'/.exec(String(shown.rows[0]?.[0]))
  return match?.[1]?.replaceAll("''", "'").replace(/\/$/, '') ?? 'a place of the server’s own'
}

async function examineCounts(
  findings: Findings,
  engine: TrinoEngine,
  config: ServedConfig,
  runs: readonly ServedTables[],
): Promise<void> {
  const bad: string[] = []
  let counted = 0
  await eachOf(runs, async ({ schema, runId, tables }) => {
    const written = new Map(readManifest(runDir(config.lakeDir, runId)).datasets.map(({ name, rows }) => [name, rows]))
    const known = tables.filter((table) => written.has(table))
    try {
      for (const [name, count] of await countRows(engine, schema, known)) {
        counted += 1
        if (count !== BigInt(written.get(name) ?? 0)) bad.push(`${schema}.${name}: ${count} rows instead of ${written.get(name)}`)
      }
    } catch (error) {
      bad.push(`${schema}: ${messageOf(error)}`)
    }
  })
  findings.each('rows', { good: `${plural(counted, 'table')} with the rows of the manifests`, bad: bad.toSorted(), advice: sync })
}
