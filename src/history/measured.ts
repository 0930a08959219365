/** Which snapshots have been measured, and what was found. */
import type { SqlEngine, SqlRow } from '../sql/engine.ts'
import { type EventSource, latest, shortHash } from './events.ts'
import type { History } from './history.ts'
import { isCounted, type Kpi, type KpiOfRun, type RegisteredRun } from './records.ts'
import { type Recorder, registeredRuns, textOf } from './registry.ts'

/** Snapshots that lie in the lake and are sound, in the order of their months. */
export async function soundRuns(source: EventSource): Promise<readonly RegisteredRun[]> {
  return (await registeredRuns(source)).filter(({ state }) => state === 'registered')
}

/**
 * Of these, those that have not been measured with the same questions, or whose files have changed since.
 * @param again all of them, but those that this history run has measured
 */
export async function unmeasured(
  source: EventSource,
  {
    runs,
    measuredBy,
    again,
    historyRunId,
  }: {
    readonly runs: readonly RegisteredRun[]
    readonly measuredBy: string
    readonly again: boolean
    readonly historyRunId: string
  },
): Promise<readonly RegisteredRun[]> {
  const rows = await source.latest('kpi_snapshot_latest')
  const measured = new Map(rows.map((row) => [String(row['run_id']), row]))
  return runs.filter((run) => {
    const row = measured.get(run.runId)
    if (row === undefined || row['manifest_sha256'] !== run.manifestSha256 || row['measured_by'] !== measuredBy) return true
    return again && row['history_run_id'] !== historyRunId
  })
}

/** Appends the KPIs of one snapshot. */
export async function recordKpis(
  history: History,
  { historyRunId, recordedAt }: Recorder,
  { run, kpis, measuredBy }: { readonly run: RegisteredRun; readonly kpis: readonly Kpi[]; readonly measuredBy: string },
): Promise<void> {
  const rows = kpis.map(({ kpi, member, value }) => ({
    recorded_at: recordedAt,
    history_run_id: historyRunId,
    run_id: run.runId,
    dump_month: run.dumpMonth,
    manifest_sha256: run.manifestSha256,
    measured_by: measuredBy,
    kpi,
    member,
    value,
  }))
  await history.append('kpi_snapshot_events', {
    name: `${run.runId}-${shortHash(`${measuredBy} ${run.manifestSha256}`)}-by-${historyRunId}`,
    rows,
  })
}

/** The newest KPIs of every snapshot that counts, in the order of their months, then by name. */
export async function latestKpis(source: SqlEngine | EventSource): Promise<readonly KpiOfRun[]> {
  const runs = (await registeredRuns(source)).filter(isCounted)
  const rows = await latest(source, 'kpi_snapshot_latest', ['run_id', 'kpi', 'member', 'value'])
  const byRun = Map.groupBy(rows, (row) => String(row['run_id']))
  return runs.flatMap(({ runId, dumpMonth }) =>
    (byRun.get(runId) ?? []).map((row) => ({
      runId,
      dumpMonth,
      kpi: String(row['kpi']),
      member: textOf(row, 'member'),
      value: valueOf(row),
    })),
  )
}

export function valueOf(row: SqlRow): bigint | null {
  const value = row['value'] ?? null
  return value === null ? null : BigInt(value)
}
