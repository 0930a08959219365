/**
 * Whether the tables of the server are where the lake has them, and have its rows: every table of what is published and of the newest run,
 * of older runs the largest, so that a lake of many runs is examined in seconds, too.
 */
import { basename } from 'node:path'
import { messageOf } from '../../errors.ts'
import { readManifest } from '../../lake/manifest.ts'
import { activeRunId } from '../../lake/pointer.ts'
import { activeLink, linkTarget, runDir } from '../../lake/layout.ts'
import { sealedRuns } from '../../lake/sealed-runs.ts'
import { activeSchema, lakeUri, runSchema, stableOf, stableSchema, tablesAt } from '../../serving/trino-lake.ts'
import { eachOf } from '../../sql/each-of.ts'
import { locationOf, placesOf } from '../../sql/trino-locations.ts'
import { countRows, schemasNamed } from '../../sql/trino-sync.ts'
import type { TrinoEngine } from '../../sql/trino.ts'
import { type Findings, plural, some } from './finding.ts'
import type { ServedConfig } from './same-lake.ts'

/** A schema whose tables we know where to look for. */
interface ServedRun {
  readonly schema: string
  readonly runId: string
  /** Directory of its datasets, relative to the lake. */
  readonly place: string
  /** Rows by dataset, as the manifest says. */
  readonly written: ReadonlyMap<string, number>
  /** Whether every table is looked at. */
  readonly isThorough: boolean
}

const sync = '`dag trino sync` registers what is missing or differs'

export async function examineTables(findings: Findings, engine: TrinoEngine, config: ServedConfig): Promise<void> {
  const present = new Set(await schemasNamed(engine, activeSchema))
  const wanted = servedRuns(config)
  const there = wanted.filter(({ schema }) => present.has(schema))
  examineRegistered(findings, config, { present, wanted })
  const unreadable = sealedRuns(config.lakeDir).unreadable.map(({ runId }) => runSchema(runId))
  const known = new Set([...wanted.map(({ schema }) => schema), ...unreadable])
  const others = [...present].filter((schema) => schema.startsWith(runSchema('')) && !known.has(schema))
  await examineOrphans(findings, engine, config, others)
  if (there.length === 0) return
  const tables = await tablesOf(engine, there)
  await examineLocations(findings, engine, config, tables)
  await examineCounts(findings, engine, tables)
  await examineStable(findings, engine, config, present)
}

function servedRuns(config: ServedConfig): readonly ServedRun[] {
  const { runs } = sealedRuns(config.lakeDir)
  const active = published(config)
  const newest = runs.at(-1)?.runId
  const served = runs.map(({ runId, dir }) => ({
    schema: runSchema(runId),
    runId,
    place: linkTarget(runId),
    written: new Map(readManifest(dir).datasets.map(({ name, rows }) => [name, rows])),
    isThorough: runId === active || runId === newest,
  }))
  const one = served.find(({ runId }) => runId === active)
  return one === undefined ? served : [{ ...one, schema: activeSchema, place: basename(activeLink(config.lakeDir)) }, ...served]
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
    const location = first === undefined ? null : await locationOf(engine, schema, String(first['table_name']))
    if (location?.startsWith(`${lakeUri(config)}/`) === true) orphans.push(schema)
  })
  findings.each('orphans', {
    good: 'no schema of a run that is gone',
    bad: orphans.toSorted().map((schema) => `no sealed run is behind ${schema}`),
    advice: '`dag trino sync --drop <run_id>` forgets it; files are never touched',
  })
}

interface ServedTables extends ServedRun {
  readonly tables: readonly string[]
}

/** The tables to look at that there are. */
async function tablesOf(engine: TrinoEngine, runs: readonly ServedRun[]): Promise<readonly ServedTables[]> {
  const rows = await engine.query(
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1, 2",
  )
  const present = Map.groupBy(rows, (row) => String(row['table_schema']))
  return runs.map((run) => {
    const there = (present.get(run.schema) ?? []).map((row) => String(row['table_name']))
    const known = there
      .filter((table) => run.written.has(table))
      .toSorted((left, right) => (run.written.get(right) ?? 0) - (run.written.get(left) ?? 0))
    return { ...run, tables: run.isThorough ? known : known.slice(0, 1) }
  })
}

async function examineLocations(
  findings: Findings,
  engine: TrinoEngine,
  config: ServedConfig,
  runs: readonly ServedTables[],
): Promise<void> {
  const tables = runs.flatMap((run) => {
    const examined = new Set(run.tables)
    return tablesAt(lakeUri(config), { ...run, rows: run.written }).filter(({ table }) => examined.has(table))
  })
  const places = await placesOf(engine, tables)
  const bad = tables.flatMap(({ schema, table, location }) => {
    const place = places.get(`${schema}.${table}`) ?? 'a place of the server’s own'
    return place === location ? [] : [`${schema}.${table} lies at ${place}, expected ${location}`]
  })
  findings.each('locations', {
    good: `${plural(tables.length, 'table')} where the lake is`,
    bad: bad.toSorted(),
    advice: sync,
  })
}

async function examineCounts(findings: Findings, engine: TrinoEngine, runs: readonly ServedTables[]): Promise<void> {
  const bad: string[] = []
  let counted = 0
  await eachOf(runs, async ({ schema, written, tables }) => {
    try {
      for (const [name, count] of await countRows(engine, schema, tables)) {
        counted += 1
        if (count !== BigInt(written.get(name) ?? 0)) bad.push(`${schema}.${name}: ${count} rows instead of ${written.get(name)}`)
      }
    } catch (error) {
      bad.push(`${schema}: ${messageOf(error)}`)
    }
  })
  findings.each('rows', { good: `${plural(counted, 'table')} with the rows of the manifests`, bad: bad.toSorted(), advice: sync })
}

/** Views that are missing, or show another run than the published one. */
async function examineStable(
  findings: Findings,
  engine: TrinoEngine,
  config: ServedConfig,
  present: ReadonlySet<string>,
): Promise<void> {
  const runId = published(config)
  if (runId === null) return findings.none(stableSchema, 'nothing is published that it could show')
  if (!present.has(stableSchema)) return findings.none(stableSchema, 'there is no such schema', sync)
  const rows = await engine.query('SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = ?', [
    stableSchema,
  ])
  const definitions = new Map(rows.map((row) => [String(row['table_name']), String(row['view_definition'])]))
  const { relations } = stableOf({ runId, dir: runDir(config.lakeDir, runId) })
  findings.each(stableSchema, {
    good: `${plural(relations.length, 'view')} of ${runId}, which is published`,
    bad: relations.flatMap(({ name }) => viewProblem(name, definitions.get(name), runSchema(runId))),
    advice: '`dag trino sync --active` makes its views anew',
  })
}

function viewProblem(name: string, definition: string | undefined, schema: string): string[] {
  if (definition === undefined) return [`the view ${name} is missing`]
  const shown = /\bFROM\s+(?:"?\w+"?\.)?"?(\w+)"?\."?\w+"?\s*$/i.exec(definition)?.[1] ?? 'something else'
  return shown === schema ? [] : [`the view ${name} shows ${shown}, not ${schema}`]
}
