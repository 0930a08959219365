/** Rows of the tables as SQLite gives them; `migrations/` is the source, a test compares both. */
import type { Severity } from '../context.ts'
import type { TaskKind } from '../dag.ts'
import type { CatchUp } from '../timetable.ts'
import type { RunState, TaskState, TryState } from '../states.ts'

export type Trigger = 'manual' | 'schedule' | 'backfill'
export type PromotionState = 'begun' | 'done' | 'undone' | 'failed'
export type Subject = 'run' | 'attempt' | 'task' | 'try' | 'promotion' | 'schedule' | 'lease'
export type SlotState = 'due' | 'started' | 'missed'
export type RequestState = 'open' | 'done' | 'refused'
export type NoticeState = 'success' | 'failed' | 'cancelled' | 'missed'
/** What a notice means to whoever is told: a success after a failure is a recovery. */
export type NoticeKind = 'success' | 'failure' | 'recovery' | 'cancelled' | 'missed'
export type Channel = 'command' | 'webhook'
export type DeliveryState = 'pending' | 'sent' | 'given_up'

export interface Tables {
  plan: { plan_hash: string; dag_id: string; json: string; created_at: string }
  run: {
    run_id: string
    dag_id: string
    session: string
    params: string
    state: RunState
    reason: string | null
    trigger: Trigger
    triggered_by: string
    attempt: number
    created_at: string
    ended_at: string | null
    lake_dir: string | null
    raw_dir: string | null
  }
  attempt: {
    run_id: string
    attempt: number
    plan_hash: string
    state: RunState
    reason: string | null
    parallelism: number
    pid: number
    host: string
    started_at: string
    ended_at: string | null
  }
  task: {
    run_id: string
    attempt: number
    task_id: string
    position: number
    kind: TaskKind
    state: TaskState
    reason: string | null
    carried_from: number | null
    tries: number
    retries: number
    not_before: string | null
    queued_at: string | null
    started_at: string | null
    ended_at: string | null
    rows: string | null
    bytes: number | null
    note: string | null
    inputs: string | null
  }
  try: {
    run_id: string
    attempt: number
    task_id: string
    try: number
    state: TryState
    reason: string | null
    pid: number | null
    pid_started: string | null
    exit_code: number | null
    signal: string | null
    log_file: string
    result_file: string
    deadline: string | null
    started_at: string
    ended_at: string | null
  }
  check_result: {
    check_result_id: number
    run_id: string
    attempt: number
    task_id: string
    try: number
    check_name: string
    severity: Severity
    dataset: string | null
    value: string | null
    expected: string | null
    previous: string | null
    ok: number
    details: string
    duration_ms: number
    sample: string
    recorded_at: string
  }
  promotion: {
    promotion_id: number
    kind: 'promote' | 'rollback'
    state: PromotionState
    from_run_id: string | null
    to_run_id: string
    prev_link: string | null
    who: string
    reason: string
    verdict: string
    note: string | null
    begun_at: string
    ended_at: string | null
  }
  schedule: {
    dag_id: string
    cron: string
    paused: number
    next_slot: string
    last_slot: string | null
    catch_up_ms: number
    updated_at: string
    time_zone: string
    catch_up: CatchUp
    problem: string | null
  }
  slot: {
    dag_id: string
    slot: string
    state: SlotState
    reason: string | null
    run_id: string | null
    noticed_at: string
  }
  request: {
    request_id: number
    kind: 'cancel'
    run_id: string
    task_id: string | null
    who: string
    reason: string
    state: RequestState
    note: string | null
    requested_at: string
    ended_at: string | null
  }
  notice: {
    notice_id: number
    at: string
    dag_id: string
    session: string
    run_id: string | null
    attempt: number | null
    state: NoticeState
    reason: string | null
    settled: number
  }
  delivery: {
    notice_id: number
    channel: Channel
    kind: NoticeKind
    state: DeliveryState
    tries: number
    not_before: string
    error: string | null
    ended_at: string | null
  }
  lease: {
    name: string
    owner: string
    pid: number
    pid_started: string
    host: string
    token: number
    beats: number
    acquired_at: string
    heartbeat_at: string
  }
  event: {
    event_id: number
    at: string
    subject: Subject
    run_id: string | null
    attempt: number | null
    task_id: string | null
    try: number | null
    from_state: string | null
    to_state: string
    detail: string | null
  }
}
