/** What changed from one snapshot to a later one: ids by set comparison, the rest from KPIs and from the label counts of both. */
import { existsSync } from 'node:fs'
import type { DuckDbEngine } from '../sql/duckdb.ts'
import type { SqlEngine, SqlRow } from '../sql/engine.ts'
import { parquetRows } from '../sql/parquet-files.ts'
import { loadSql } from '../sql/texts.ts'
import type { DumpName } from '../discogs/dataset.ts'
import { runDir } from '../lake/layout.ts'
import { isAsRegistered } from './discover.ts'
import { type EventSource, latest, shortHash } from './events.ts'
import type { History } from './history.ts'
import { valueOf } from './measured.ts'
import { measuredBy as kpisMeasuredBy } from './questions.ts'
import { type Growth, type GrowthOfRun, isCounted, type KpiOfRun, monthOf, type RegisteredRun } from './records.ts'
import { type Recorder, registeredRuns } from './registry.ts'
import { comparableHashes, compareRecords, entities, type RecordChanges } from './record-hashes.ts'
import { labelCountsFile, rowHashFile } from './row-hashes.ts'

/** Raised when a definition here changes: what was measured before is measured again then. */
const version = 'growth-2'

/** So many labels, countries and formats are told. */
const mostGrown = 20

export interface Pair {
  readonly run: RegisteredRun
  readonly compared: RegisteredRun
  readonly span: Growth['span']
}

/**
 * The snapshots that are compared: of each month its newest run, with that of the nearest earlier month and that of the same month a year
 * before. Runs that are gone take part by what was kept of them.
 */
export function pairs(runs: readonly RegisteredRun[]): readonly Pair[] {
  const newest = new Map(runs.filter(isCounted).map((run) => [monthOf(run), run]))
  const months = [...newest.keys()].toSorted()
  return months.flatMap((month, index): Pair[] => {
    const run = newest.get(month)
    const previous = newest.get(months[index - 1] ?? '')
    const year = newest.get(`${Number(month.slice(0, 4)) - 1}${month.slice(4)}`)
    if (run === undefined) return []
    const compared: readonly [Growth['span'], RegisteredRun | undefined][] = [
      ['previous', previous],
      ['year', year],
    ]
    return compared.flatMap(([span, one]) => (one === undefined ? [] : [{ run, compared: one, span }]))
  })
}

/** Of these, those that have not been compared with the same files, and of which enough was kept. */
export async function uncompared(
  history: EventSource,
  lakeDir: string,
  again: boolean,
  historyRunId: string,
): Promise<readonly Pair[]> {
  const rows = await history.latest('growth_latest')
  const done = new Map(rows.map((row) => [`${row['run_id']} ${row['compared_run_id']} ${row['span']}`, row]))
  return pairs(await registeredRuns(history)).filter((pair) => {
    if (
      ![pair.run, pair.compared].every((run) =>
        [...entities.keys()].every((entity) => existsSync(rowHashFile(lakeDir, run, entity))),
      )
    )
      return false
    const row = done.get(`${pair.run.runId} ${pair.compared.runId} ${pair.span}`)
    return row === undefined || row['measured_by'] !== measuredBy(pair) || (again && row['history_run_id'] !== historyRunId)
  })
}

function measuredBy({ run, compared }: Pair): string {
  return `${version} ${kpisMeasuredBy()} ${run.manifestSha256?.slice(0, 12)} ${compared.manifestSha256?.slice(0, 12)}`
}

/**
 * Compares two snapshots by what was kept of them, and appends what was found: neither has to be there.
 * @param kpis the newest of both, others do no harm
 */
export async function recordGrowth(history: History, recorder: Recorder, pair: Pair, kpis: readonly KpiOfRun[]): Promise<void> {
  const { lakeDir, historyRunId, recordedAt } = recorder
  const engine = await history.engine()
  const found = [
    ...(await idGrowth(engine, lakeDir, pair)),
    ...memberGrowth(kpis, pair),
    ...(await labelGrowth(engine, lakeDir, pair)),
  ]
  const rows = found.map(({ span, measure, member, value }) => ({
    recorded_at: recordedAt,
    history_run_id: historyRunId,
    run_id: pair.run.runId,
    dump_month: pair.run.dumpMonth,
    compared_run_id: pair.compared.runId,
    span,
    measured_by: measuredBy(pair),
    measure,
    member,
    value,
  }))
  await history.append('growth_events', {
    name: `${pair.run.runId}-vs-${pair.compared.runId}-${pair.span}-${shortHash(measuredBy(pair))}-by-${historyRunId}`,
    rows,
  })
}

async function idGrowth(engine: DuckDbEngine, lakeDir: string, pair: Pair): Promise<readonly Growth[]> {
  const growth: Growth[] = []
  for (const entity of entities.keys()) {
    const { before, after, added, removed, changed } = await changesOf(engine, lakeDir, { ...pair, entity })
    const measures = { ids_before: before, ids_after: after, ids_added: added, ids_removed: removed, ids_changed: changed }
    for (const [measure, value] of Object.entries(measures)) growth.push({ span: pair.span, measure, member: entity, value })
  }
  return growth
}

/**
 * By what was kept. Where that was made in different ways, by ingest in one of the snapshots and from its tables in the other, both are
 * read again; of one that has been removed it can no longer be said which records have changed: null.
 */
async function changesOf(
  engine: DuckDbEngine,
  lakeDir: string,
  { run, compared, entity }: Pair & { readonly entity: DumpName },
): Promise<Omit<RecordChanges, 'changed'> & { readonly changed: bigint | null }> {
  const [before, after] = [compared, run].map((one) => parquetRows([rowHashFile(lakeDir, one, entity)]).sql) as [string, string]
  const kept = await compareRecords(engine, entity, `SELECT id, row_hash FROM ${before}`, `SELECT id, row_hash FROM ${after}`)
  const [bases] = await engine.query(
    `SELECT (SELECT max(basis) FROM ${before}) IS NOT DISTINCT FROM (SELECT max(basis) FROM ${after}) AS same`,
  )
  if (bases?.['same'] === true) return kept
  if (!isAsRegistered(lakeDir, run) || !isAsRegistered(lakeDir, compared)) return { ...kept, changed: null }
  const hashes = await comparableHashes(engine, entity, [runDir(lakeDir, compared.runId), runDir(lakeDir, run.runId)])
  if (hashes === null) return { ...kept, changed: null }
  const [old, current] = hashes
  return await compareRecords(engine, entity, old.text, current.text)
}

/** Genres and styles that were not there, countries and formats that grew most; nothing of what one of the snapshots does not have. */
function memberGrowth(kpis: readonly KpiOfRun[], { run, compared, span }: Pair): readonly Growth[] {
  const membersOf = (kpi: string, { runId }: RegisteredRun): ReadonlyMap<string, bigint> =>
    new Map(
      kpis.flatMap((one) =>
        one.kpi === kpi && one.runId === runId && one.member !== null && one.value !== null
          ? [[one.member, one.value] as const]
          : [],
      ),
    )
  const isMeasured = (kpi: string): boolean =>
    [compared, run].every(({ runId }) => {
      const ofRun = kpis.filter((one) => one.runId === runId)
      return ofRun.length > 0 && !ofRun.some((one) => one.kpi === kpi && one.member === null)
    })
  const told = <What extends string>(whats: readonly What[]): readonly What[] =>
    whats.filter((what) => isMeasured(`releases_by_${what}`))
  const appeared = told(['genre', 'style']).flatMap((what) => {
    const [before, after] = [membersOf(`releases_by_${what}`, compared), membersOf(`releases_by_${what}`, run)]
    return [...after]
      .filter(([member]) => !before.has(member))
      .map(([member, value]) => ({ span, measure: `new_${what}`, member, value }))
  })
  const grown = told(['country', 'format']).flatMap((what) => {
    const [before, after] = [membersOf(`releases_by_${what}`, compared), membersOf(`releases_by_${what}`, run)]
    const differences = [...after].map(([member, value]) => ({ member, value: value - (before.get(member) ?? 0n) }))
    return differences
      .filter(({ value }) => value > 0n)
      .toSorted(byValue)
      .slice(0, mostGrown)
      .map(({ member, value }) => ({ span, measure: `${what}_growth`, member, value }))
  })
  return [...appeared, ...grown]
}

/** Labels with the most new releases since the snapshot before, of those that were counted in both. Not told over a year. */
async function labelGrowth(engine: SqlEngine, lakeDir: string, { run, compared, span }: Pair): Promise<readonly Growth[]> {
  const [before, after] = [labelCountsFile(lakeDir, compared), labelCountsFile(lakeDir, run)]
  if (span !== 'previous' || !existsSync(before) || !existsSync(after)) return []
  const sql = await loadSql('history/label_growth', { before: parquetRows([before]), after: parquetRows([after]) })
  const rows = await engine.query(sql)
  return rows.map((row) => ({ span, measure: 'label_growth', member: String(row['member']), value: valueOf(row) }))
}

function byValue(left: { member: string; value: bigint }, right: { member: string; value: bigint }): number {
  return left.value === right.value ? (left.member < right.member ? -1 : 1) : left.value > right.value ? -1 : 1
}

/** The newest growth of the pairs that are compared now, in the order of their months. */
export async function latestGrowth(source: SqlEngine | EventSource): Promise<readonly GrowthOfRun[]> {
  const keyOf = (...parts: readonly unknown[]): string => parts.join(' ')
  const columns = ['run_id', 'compared_run_id', 'span', 'measure', 'member', 'value']
  const byPair = Map.groupBy(await latest(source, 'growth_latest', columns), (row: SqlRow) =>
    keyOf(row['run_id'], row['compared_run_id'], row['span']),
  )
  return pairs(await registeredRuns(source)).flatMap(({ run, compared, span }) =>
    (byPair.get(keyOf(run.runId, compared.runId, span)) ?? []).map((row) => ({
      runId: run.runId,
      dumpMonth: run.dumpMonth,
      comparedRunId: compared.runId,
      span,
      measure: String(row['measure']),
      member: String(row['member']),
      value: valueOf(row),
    })),
  )
}
