/**
 * The lake as a Trino server shows it: `discogs` on what `active` names, `discogs_r_<run id>` for each snapshot, `discogs_stable` with views
 * over the published one. The schemas come from the catalogue, the counts they are held against from the manifests.
 */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compatibilityViews, datasets } from '../discogs/catalogue.ts'
import type { Dataset } from '../discogs/dataset.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { activeLink, linkTarget, runDir } from '../lake/layout.ts'
import { readManifest } from '../lake/manifest.ts'
import { type ActiveRun, activeRunId, resolveActive } from '../lake/pointer.ts'
import { sealedRuns, type UnreadableRun } from '../lake/sealed-runs.ts'
import type { SqlEngine } from '../sql/engine.ts'
import { TrinoEngine, type TrinoOptions, type TrinoSettings } from '../sql/trino.ts'
import { eachOf } from '../sql/each-of.ts'
import { countDirectories } from '../sql/trino-count.ts'
import type { TableAt } from '../sql/trino-locations.ts'
import { type Change, type Conflict, leftAlone, type SchemaPlan, withoutComments } from '../sql/trino-plan.ts'
import { tablesOver, viewsOver, type WantedSchema } from '../sql/trino-schema.ts'
import { applyPlans, countRows, planSchemas, schemasNamed, settle } from '../sql/trino-sync.ts'
import { collisionsRetried, refuseConflicts } from './sync-obstacles.ts'

/** The contract with consumers: tables on `active/…`, and the compatibility views. */
export const activeSchema = 'discogs'

/** For consumers who query around the clock: views over the published run's own schema. */
export const stableSchema = 'discogs_stable'

const runSchemaPrefix = 'discogs_r_'

/** The schema of one snapshot. Trino writes names in lower case. */
export function runSchema(runId: string): string {
  return `${runSchemaPrefix}${runId.replaceAll('-', '_').toLowerCase()}`
}

/** A lake and the server that shows it. */
export interface ServedLake {
  readonly lakeDir: string
  readonly trino: TrinoSettings
  /** The URI that the lake had before it was moved: tables there are replaced, too. */
  readonly movedFrom?: string
  readonly signal?: AbortSignal
}

export interface SyncRequest extends ServedLake {
  /** Snapshots to register: these, or every sealed one of the lake. */
  readonly runs: readonly string[] | 'all'
  /** Also what is published: `discogs`, `discogs_stable` and the schema of that run. */
  readonly active: boolean
  readonly dryRun?: boolean
  /**
   * Also look where tables lie that look right: all of what is published and of a run that is named, of other runs the largest.
   * Default true; it takes a second.
   */
  readonly locations?: boolean
  /** Also comment the columns of views, and repair comments. Default true; the server takes some 10 ms for each column. */
  readonly comments?: boolean
}

export interface SyncOutcome {
  readonly schemas: readonly string[]
  readonly changes: readonly Change[]
  /** Relations that were right already. */
  readonly kept: number
  /** Datasets of the catalogue that a snapshot does not have, as `<schema>.<dataset>`: a query of them is refused, never answered. */
  readonly missing: readonly string[]
  /** Relations of others in these schemas, as `<schema>.<relation>`: left alone. */
  readonly foreign: readonly string[]
  /** Those of others that have names of ours: left alone, so these names do not show the lake. */
  readonly conflicts: readonly Conflict[]
  /** Runs whose manifest cannot be read: nothing was done for them; of `runs: 'all'` only. */
  readonly unreadable: readonly UnreadableRun[]
  /** Schemas of runs that the lake has not any more; of `runs: 'all'` only. */
  readonly orphaned: readonly string[]
  /** Tables that were made, and whose rows were counted and found as many as the manifest says. */
  readonly verified: number
}

/**
 * Brings the server to what the lake is, and does nothing where it is so already. Tables that were made are counted: a wrong URI reads as
 * an empty table, without an error (docs/trino.md). When the pointer moves meanwhile, what is published is done again; so is everything
 * when another sync gets in the way. Callers decide about conflicts.
 * @throws PipelineError when the server is not to be had, a run is not sealed, or it sees other rows than were written
 */
export async function syncTrino(request: SyncRequest): Promise<SyncOutcome> {
  await using engine = await openTrino(request)
  for (;;) {
    const active = request.active ? resolveActive(request.lakeDir) : null
    const outcome = await collisionsRetried(request.signal, () => syncOnce(engine, request, active))
    if (!request.active || activeRunId(request.lakeDir) === (active?.runId ?? null)) return outcome
  }
}

/** What is published: `discogs_stable` is moved to it. What a promotion and a rollback call: quick, so it looks at no locations. */
export async function syncPublished(lake: ServedLake): Promise<SyncOutcome> {
  return syncTrino({ ...lake, runs: [], active: true, locations: false })
}

/**
 * Moves `discogs_stable` after the pointer, which stays where it is whatever happens here.
 * @returns what happened, for a person
 */
export async function followPointer(lakeDir: string, trino: TrinoSettings, signal?: AbortSignal): Promise<string> {
  try {
    const { changes, conflicts } = await syncPublished({ lakeDir, trino, ...(signal === undefined ? {} : { signal }) })
    refuseConflicts(conflicts.filter(({ schema }) => schema === stableSchema))
    const others =
      conflicts.length === 0 ? '' : `; ${conflicts.length} names of ${activeSchema} are taken, \`dag trino sync\` lists them`
    return `Trino: ${stableSchema} shows the published run (${changes.length} changes)${others}`
  } catch (error) {
    signal?.throwIfAborted()
    return `Trino: ${stableSchema} does not show the published run yet: ${messageOf(error)}; \`dag trino sync --active\` repairs it`
  }
}

/**
 * A session in the schema of one snapshot, which is registered first if need be; with `published` so is what is published. Comments are
 * left to the next sync: whoever asks for a session has a question.
 * @returns also the datasets that the snapshot does not have
 */
export async function openRunOnTrino(
  lake: ServedLake,
  runId: string,
  { published = false, session = {} }: { readonly published?: boolean; readonly session?: TrinoOptions['session'] } = {},
): Promise<{ readonly engine: TrinoEngine; readonly missing: readonly string[] }> {
  const { conflicts } = await syncTrino({ ...lake, runs: [runId], active: published, locations: published, comments: false })
  refuseConflicts(conflicts)
  const engine = await openTrino(lake, runSchema(runId), session)
  return { engine, missing: missingDatasets(runDir(lake.lakeDir, runId)) }
}

/** URI of the lake as the server reaches it. */
export function lakeUri({ lakeDir, trino }: Pick<ServedLake, 'lakeDir' | 'trino'>): string {
  return (trino.lakeUri ?? `local://${lakeDir}`).replace(/\/+$/, '')
}

/** URIs of the lake: that of today, and the one it was moved from. */
export function lakeUris(lake: ServedLake): readonly string[] {
  return [lakeUri(lake), ...(lake.movedFrom === undefined ? [] : [lake.movedFrom.replace(/\/+$/, '')])]
}

/** Opens a session. Without a schema, statements name theirs. */
export async function openTrino(
  { trino, signal }: Pick<ServedLake, 'trino' | 'signal'>,
  schema?: string,
  session: TrinoOptions['session'] = {},
): Promise<TrinoEngine> {
  const options = { ...(schema === undefined ? {} : { schema }), ...(signal === undefined ? {} : { signal }), session }
  return TrinoEngine.open(trino, options)
}

/** A schema on a directory, and the rows that are to be seen in it. */
interface Snapshot {
  readonly wanted: WantedSchema
  /** The directory, relative to the lake. */
  readonly place: string
  readonly rows: ReadonlyMap<string, number>
  readonly missing: readonly string[]
}

async function syncOnce(engine: SqlEngine, request: SyncRequest, active: ActiveRun | null): Promise<SyncOutcome> {
  const { lakeDir, trino, dryRun = false } = request
  const { runs: sealed, unreadable } = request.runs === 'all' ? sealedRuns(lakeDir) : { runs: [], unreadable: [] }
  const runs = request.runs === 'all' ? sealed.map(({ runId }) => runId) : request.runs
  const snapshots = [...new Set(active === null ? runs : [...runs, active.runId])].map((runId) => snapshotOf(request, runId))
  assertDistinct(snapshots)
  const published = active === null ? [] : [publishedOf(request, active)]
  const stable = active === null ? [] : [stableOf(active)]
  const sources = [...snapshots, ...published]
  const wanted = [...sources.map((source) => source.wanted), ...stable]
  const plan = async (located: readonly TableAt[] = []): Promise<readonly SchemaPlan[]> => {
    const found = await planSchemas(engine, trino.catalog, wanted, { bases: lakeUris(request), located })
    return ofThisLake(wanted, request.comments === false ? found.map(withoutComments) : found)
  }
  const plans = await plan(locatedTables(request, sources, active))
  // Views of `discogs_stable` need the tables they show.
  const apply = async (some: readonly SchemaPlan[]): Promise<void> => {
    await applyPlans(engine, some.slice(0, sources.length))
    await applyPlans(engine, some.slice(sources.length))
  }
  if (!dryRun) await settle(plans, plan, apply)
  const changes = plans.flatMap(({ phases }) => phases.flat())
  const verified = dryRun ? 0 : await verify(engine, request, active, { sources, changes })
  return {
    schemas: wanted.map(({ name }) => name),
    changes,
    kept: plans.reduce((sum, { kept }) => sum + kept.length, 0),
    missing: sources.flatMap(({ wanted: { name }, missing }) => missing.map((dataset) => `${name}.${dataset}`)),
    foreign: plans.flatMap(({ foreign }, index) => foreign.map((relation) => `${wanted[index]?.name}.${relation}`)),
    conflicts: plans.flatMap(({ conflicts }) => conflicts),
    unreadable,
    orphaned: request.runs === 'all' ? await orphanedSchemas(engine, [...runs, ...unreadable.map(({ runId }) => runId)]) : [],
    verified,
  }
}

/** Where `discogs` shows another lake, so does `discogs_stable`, though nothing tells whose views are. */
function ofThisLake(wanted: readonly WantedSchema[], plans: readonly SchemaPlan[]): readonly SchemaPlan[] {
  const conflicts = plans.flatMap((plan) => plan.conflicts)
  if (!conflicts.some(({ schema, isOfOtherLake }) => schema === activeSchema && isOfOtherLake)) return plans
  return wanted.map((schema, index) => {
    const plan = plans[index]
    return plan !== undefined && schema.name !== stableSchema ? plan : leftAlone(schema, `${activeSchema} shows another lake`)
  })
}

function snapshotOf(lake: ServedLake, runId: string): Snapshot {
  return snapshot(lake, runSchema(runId), { directory: runDir(lake.lakeDir, runId), place: linkTarget(runId) })
}

function publishedOf(lake: ServedLake, { dir }: ActiveRun): Snapshot {
  return snapshot(lake, activeSchema, { directory: dir, place: basename(activeLink(lake.lakeDir)) })
}

function snapshot(
  lake: ServedLake,
  schema: string,
  { directory, place }: { readonly directory: string; readonly place: string },
): Snapshot {
  const location = `${lakeUri(lake)}/${place}`
  return {
    wanted: tablesOver({ schema, location, datasets: presentDatasets(directory), views: compatibilityViews }),
    place,
    rows: new Map(readManifest(directory).datasets.map(({ name, rows }) => [name, rows])),
    missing: missingDatasets(directory),
  }
}

/** Tables whose place is to be looked at: see `locations` of the request. */
function locatedTables(request: SyncRequest, sources: readonly Snapshot[], active: ActiveRun | null): readonly TableAt[] {
  if (request.locations === false) return []
  const isThorough = new Set([activeSchema, ...(active === null ? [] : [runSchema(active.runId)])])
  const areNamed = request.runs !== 'all'
  return sources.flatMap((source) => {
    const tables = tablesAt(lakeUri(request), { ...source, schema: source.wanted.name })
    return areNamed || isThorough.has(source.wanted.name) ? tables : tables.slice(0, 1)
  })
}

/** The tables of a schema and where they are to lie, the one with the most rows first. @param base URI of the lake */
export function tablesAt(
  base: string,
  { schema, place, rows }: { readonly schema: string; readonly place: string; readonly rows: ReadonlyMap<string, number> },
): readonly TableAt[] {
  return [...rows]
    .toSorted(([, left], [, right]) => right - left)
    .map(([table]) => ({ schema, table, location: `${base}/${place}/${table}` }))
}

/** The views that show a published run. */
export function stableOf({ runId, dir }: ActiveRun): WantedSchema {
  return viewsOver({ schema: stableSchema, of: runSchema(runId), datasets: presentDatasets(dir), views: compatibilityViews })
}

/** A table needs a directory; a snapshot from before a dataset was thought of has none. */
function presentDatasets(directory: string): readonly Dataset[] {
  return datasets.filter(({ name }) => existsSync(join(directory, name)))
}

function missingDatasets(directory: string): readonly string[] {
  return datasets.filter(({ name }) => !existsSync(join(directory, name))).map(({ name }) => name)
}

/** `2026-04__a` and `2026_04__a` would be one schema. */
function assertDistinct(snapshots: readonly Snapshot[]): void {
  const names = snapshots.map(({ wanted }) => wanted.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new PipelineError(`two runs of the lake would share the schema ${twice}`, {
      retryable: false,
      hint: 'name them one by one with --run',
    })
}

async function orphanedSchemas(engine: SqlEngine, runs: readonly string[]): Promise<readonly string[]> {
  const wanted = new Set(runs.map(runSchema))
  return (await schemasNamed(engine, runSchemaPrefix)).filter((name) => !wanted.has(name))
}

/** Counts what the tables that were made show; the tables themselves where that is not what was written. @returns how many tables */
async function verify(
  engine: SqlEngine,
  request: SyncRequest,
  active: ActiveRun | null,
  { sources, changes }: { readonly sources: readonly Snapshot[]; readonly changes: readonly Change[] },
): Promise<number> {
  const made = sources.map((source) => ({ ...source, tables: tablesMade(source.wanted.name, changes) }))
  const directories = made.flatMap(({ place, tables }) => tables.map((table) => `${place}/${table}`))
  const seen = await countDirectories(engine, lakeUri(request), directories)
  const differences: string[] = []
  await eachOf(made, async ({ wanted: { name: schema }, place, rows, tables }) => {
    const written = (table: string): bigint => BigInt(rows.get(table) ?? 0)
    const odd = tables.filter((table) => seen === null || (seen.get(`${place}/${table}`) ?? 0n) !== written(table))
    const counted = await countRows(engine, schema, odd)
    // What `discogs` shows may have changed under the question; then all is done again.
    if (schema === activeSchema && activeRunId(request.lakeDir) !== active?.runId) return
    const wrong = [...counted].filter(([table, count]) => count !== written(table))
    differences.push(...wrong.map(([table, count]) => `${schema}.${table}: ${count} instead of ${written(table)}`))
  })
  if (differences.length > 0) throw seesOther(request, differences)
  return directories.length
}

function tablesMade(schema: string, changes: readonly Change[]): readonly string[] {
  const made = changes.filter((change) => change.schema === schema && change.kind === 'table' && change.action !== 'drop')
  return made.flatMap(({ relation }) => (relation === null ? [] : [relation]))
}

/** It may be the server's configuration, the network or the lake: never a reason to think less of the data. */
export function seesOther(lake: Pick<ServedLake, 'lakeDir' | 'trino'>, differences: readonly string[]): PipelineError {
  return new PipelineError(
    `Trino sees other rows than were written in ${differences.length} tables: ${differences.slice(0, 5).join(', ')}`,
    { hint: `the lake is at ${lakeUri(lake)} for the server: see TRINO_LAKE_URI, and "sync" in docs/trino.md` },
  )
}
