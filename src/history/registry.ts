/** The registry: what is known of every snapshot, as events. */
import { basename } from 'node:path'
import { runDir } from '../lake/layout.ts'
import type { SqlEngine, SqlRow } from '../sql/engine.ts'
import { discoverRuns, excluded, inOrder, isAsRegistered, isReal } from './discover.ts'
import { eventFiles, type EventSource, latest } from './events.ts'
import type { History } from './history.ts'
import { isGeneratedSnapshot, type RegisteredRun } from './records.ts'
import { describeLacks, showSnapshot } from './snapshot-tables.ts'

/** Who records, and when. */
export interface Recorder {
  readonly lakeDir: string
  /** Of the run of the history pipeline. */
  readonly historyRunId: string
  /** UTC, ISO 8601. */
  readonly recordedAt: string
}

/**
 * Records what has changed since the last time: snapshots that are new, became invalid, or are gone from the lake.
 * @param again records every snapshot, changed or not
 * @returns what was recorded
 */
export async function recordRuns(history: History, recorder: Recorder, again: boolean): Promise<readonly RegisteredRun[]> {
  const { lakeDir, historyRunId, recordedAt } = recorder
  const known = new Map((await registeredRuns(history)).map((run) => [run.runId, run]))
  const found = discoverRuns(lakeDir, [...known.values()].some(isReal))
  const hasReal = [...known.values(), ...found].some(isReal)
  const present = new Set(found.map(({ runId }) => runId))
  const gone = [...known.values()].filter(({ runId }) => !present.has(runId)).map((run) => goneRun(run, hasReal))
  const removed = gone.filter((run) => !isKnown(run, known.get(run.runId)))
  const files = eventFiles(lakeDir, 'run_registry_events')
  // A first try wrote them all, or none.
  const isDone = files.some((file) => basename(file).startsWith(`${historyRunId}-`))
  const isNew = (run: RegisteredRun): boolean => !isKnown(run, known.get(run.runId)) || (again && !isDone)
  const changed = [...(await withLacks(history, found.filter(isNew))), ...removed]
  const rows = changed.map((run) => ({
    recorded_at: recordedAt,
    history_run_id: historyRunId,
    run_id: run.runId,
    dump_month: run.dumpMonth,
    session: run.session,
    state: run.state,
    reason: run.reason,
    manifest_sha256: run.manifestSha256,
    row_count: run.rows,
    byte_count: run.bytes,
    checks_passed: run.checksPassed,
    checks_warned: run.checksWarned,
    origin: run.origin,
  }))
  // A second try of the same history run writes what the first one did not, in a file of its own.
  await history.append('run_registry_events', { name: `${historyRunId}-${files.length + 1}`, rows })
  return changed
}

function goneRun(run: RegisteredRun, hasReal: boolean): RegisteredRun {
  if (run.state === 'excluded') return run
  if (hasReal && isGeneratedSnapshot(run)) return excluded(run)
  return { ...run, state: 'removed', reason: 'it is in the lake no more' }
}

/** What a sound run lacks is found in its files when it is recorded, and not looked for again. */
function isKnown(run: RegisteredRun, known: RegisteredRun | undefined): boolean {
  if (known === undefined || known.state !== run.state || known.manifestSha256 !== run.manifestSha256) return false
  return run.state === 'registered' || known.reason === run.reason
}

/** Says of sound runs what they do not have of what the catalogue knows today. */
async function withLacks(history: History, runs: readonly RegisteredRun[]): Promise<readonly RegisteredRun[]> {
  const told: RegisteredRun[] = []
  for (const run of runs) {
    const isSound = run.state === 'registered'
    const reason = isSound
      ? describeLacks(await showSnapshot(await history.engine(), runDir(history.lakeDir, run.runId)))
      : run.reason
    // Gone in the meantime: the next history run says so of those it knows.
    if (!isSound || isAsRegistered(history.lakeDir, run)) told.push({ ...run, reason })
  }
  return told
}

/** What the registry says of every run, in the order of their months. */
export async function registeredRuns(source: SqlEngine | EventSource): Promise<readonly RegisteredRun[]> {
  return (await latest(source, 'run_registry_latest')).map(runOf).toSorted(inOrder)
}

function runOf(row: SqlRow): RegisteredRun {
  return {
    runId: String(row['run_id']),
    dumpMonth: textOf(row, 'dump_month'),
    session: textOf(row, 'session') ?? '',
    state: String(row['state']) as RegisteredRun['state'],
    reason: textOf(row, 'reason'),
    manifestSha256: textOf(row, 'manifest_sha256'),
    rows: BigInt(row['row_count'] ?? 0),
    bytes: BigInt(row['byte_count'] ?? 0),
    checksPassed: BigInt(row['checks_passed'] ?? 0),
    checksWarned: BigInt(row['checks_warned'] ?? 0),
    origin: textOf(row, 'origin') as RegisteredRun['origin'],
  }
}

export function textOf(row: SqlRow, column: string): string | null {
  const value = row[column] ?? null
  return value === null ? null : String(value)
}
