/**
 * Rows to records, table by table. What is stored as JSON was checked before it came here, and `json_valid` holds it together: it is only
 * parsed, since whoever only looks should not wait for a validator to be loaded.
 */
import { join } from 'node:path'
import type {
  AttemptRecord,
  CheckRecord,
  EventRecord,
  LeaseRecord,
  PromotionRecord,
  Row,
  RunRecord,
  TaskRecord,
  TryRecord,
} from './records.ts'

export function runOf(row: Row<'run'>): RunRecord {
  return {
    runId: row.run_id,
    dagId: row.dag_id,
    session: row.session,
    params: JSON.parse(row.params),
    state: row.state,
    reason: row.reason,
    trigger: row.trigger,
    triggeredBy: row.triggered_by,
    attempt: row.attempt,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    lakeDir: row.lake_dir,
    rawDir: row.raw_dir,
  }
}

export function attemptOf(row: Row<'attempt'>): AttemptRecord {
  return {
    runId: row.run_id,
    attempt: row.attempt,
    planHash: row.plan_hash,
    state: row.state,
    reason: row.reason,
    parallelism: row.parallelism,
    pid: row.pid,
    host: row.host,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

export function taskOf(row: Row<'task'>): TaskRecord {
  return {
    runId: row.run_id,
    attempt: row.attempt,
    taskId: row.task_id,
    kind: row.kind,
    state: row.state,
    reason: row.reason,
    carriedFrom: row.carried_from,
    tries: row.tries,
    retries: row.retries,
    notBefore: row.not_before,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    rows: row.rows === null ? null : JSON.parse(row.rows),
    bytes: row.bytes,
    note: row.note,
    inputs: row.inputs === null ? null : JSON.parse(row.inputs),
  }
}

/** Paths are kept relative to the state's directory, so that it can be moved. */
export function tryOf(row: Row<'try'>, stateDir: string): TryRecord {
  return {
    runId: row.run_id,
    attempt: row.attempt,
    taskId: row.task_id,
    tryNumber: row.try,
    state: row.state,
    reason: row.reason,
    pid: row.pid,
    pidStarted: row.pid_started,
    exitCode: row.exit_code,
    signal: row.signal,
    logFile: join(stateDir, row.log_file),
    resultFile: join(stateDir, row.result_file),
    deadline: row.deadline,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

export function checkOf(row: Row<'check_result'>): CheckRecord {
  return {
    runId: row.run_id,
    attempt: row.attempt,
    taskId: row.task_id,
    tryNumber: row.try,
    checkName: row.check_name,
    severity: row.severity,
    dataset: row.dataset,
    value: row.value,
    expected: row.expected,
    previous: row.previous,
    ok: row.ok === 1,
    details: row.details,
    durationMs: row.duration_ms,
    sample: JSON.parse(row.sample),
    recordedAt: row.recorded_at,
  }
}

export function promotionOf(row: Row<'promotion'>): PromotionRecord {
  return {
    id: row.promotion_id,
    kind: row.kind,
    state: row.state,
    fromRunId: row.from_run_id,
    toRunId: row.to_run_id,
    prevLink: row.prev_link,
    who: row.who,
    reason: row.reason,
    verdict: row.verdict,
    note: row.note,
    begunAt: row.begun_at,
    endedAt: row.ended_at,
  }
}

export function eventOf(row: Row<'event'>): EventRecord {
  return {
    id: row.event_id,
    at: row.at,
    subject: row.subject,
    runId: row.run_id,
    attempt: row.attempt,
    taskId: row.task_id,
    tryNumber: row.try,
    fromState: row.from_state,
    toState: row.to_state,
    detail: row.detail,
  }
}

export function leaseOf(row: Row<'lease'>): LeaseRecord {
  return {
    owner: row.owner,
    pid: row.pid,
    pidStarted: row.pid_started,
    host: row.host,
    token: row.token,
    beats: row.beats,
    acquiredAt: row.acquired_at,
    heartbeatAt: row.heartbeat_at,
  }
}
