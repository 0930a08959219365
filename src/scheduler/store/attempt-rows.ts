/** The rows that a run and its attempts begin with. */
import { hostname } from 'node:os'
import type { Directories } from '../binding.ts'
import { canonicalJson, hashOf, type Plan, type PlannedTask } from '../plan.ts'
import type { Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { TaskRecord } from './records.ts'
import type { Trigger } from './tables.ts'

export interface NewRun extends Directories {
  readonly runId: string
  /** `YYYY-MM-DD HH:MM:SS` */
  readonly session: string
  readonly params: Readonly<Record<string, string>>
  readonly trigger: Trigger
  readonly triggeredBy: string
  readonly plan: Plan
  readonly parallelism: number
}

export interface NewAttempt {
  readonly runId: string
  readonly plan: Plan
  readonly parallelism: number
  /** Tasks of the attempt before that need not run again. */
  readonly carried: readonly TaskRecord[]
  /** By task id, why a task that had succeeded runs again. */
  readonly renewed?: ReadonlyMap<string, string>
  /** New params of the run, secrets masked, and what changes by them. */
  readonly changedParams?: { readonly params: NewRun['params']; readonly changes: readonly string[] } | null
}

/** A run in state running, without its attempt. */
export function insertRun(connection: Connection, run: NewRun): void {
  const { runId, session, trigger, triggeredBy, lakeDir, rawDir } = run
  const [dagId, params, now] = [run.plan.dagId, canonicalJson(run.params), connection.timestamp()]
  connection.run(
    `insert into run (run_id, dag_id, session, params, state, trigger, triggered_by, attempt, created_at, lake_dir, raw_dir)
     values (@runId, @dagId, @session, @params, 'running', @trigger, @triggeredBy, 1, @now, @lakeDir, @rawDir)`,
    { runId, dagId, session, params, trigger, triggeredBy, now, lakeDir, rawDir },
  )
  const detail = `triggered: ${trigger}, by ${triggeredBy}`
  appendEvent(connection, { subject: 'run', runId, from: null, to: 'running', detail })
}

/** An attempt, its plan and its tasks. */
export function insertAttempt(
  connection: Connection,
  { runId, plan, parallelism, carried, renewed }: NewAttempt,
  attempt: number,
): void {
  const hash = insertPlan(connection, plan)
  connection.run(
    `insert into attempt (run_id, attempt, plan_hash, state, parallelism, pid, host, started_at)
     values (@runId, @attempt, @hash, 'running', @parallelism, @pid, @host, @now)`,
    { runId, attempt, hash, parallelism, pid: process.pid, host: hostname(), now: connection.timestamp() },
  )
  const why = attempt === 1 ? 'the run was triggered' : `resumed after attempt ${attempt - 1}`
  appendEvent(connection, { subject: 'attempt', runId, attempt, from: null, to: 'running', detail: why })
  const before = new Map(carried.map((task) => [task.taskId, task]))
  for (const [position, task] of plan.tasks.entries()) {
    const place = { runId, attempt, position }
    const done = before.get(task.id)
    if (done === undefined) insertWaiting(connection, task, place, renewed?.get(task.id))
    else insertCarried(connection, task, place, done)
  }
}

/** Unless it is there already. @returns its hash */
function insertPlan(connection: Connection, plan: Plan): string {
  const json = canonicalJson(plan)
  const hash = hashOf(json)
  connection.run(
    'insert into plan (plan_hash, dag_id, json, created_at) values (?, ?, ?, ?) on conflict do nothing',
    hash,
    plan.dagId,
    json,
    connection.timestamp(),
  )
  return hash
}

interface Place {
  readonly runId: string
  readonly attempt: number
  readonly position: number
}

function insertWaiting(connection: Connection, { id: taskId, kind, retries }: PlannedTask, place: Place, why?: string): void {
  connection.run(
    `insert into task (run_id, attempt, task_id, position, kind, state, retries)
     values (@runId, @attempt, @taskId, @position, @kind, 'waiting', @retries)`,
    { ...place, taskId, kind, retries },
  )
  const { runId, attempt } = place
  const detail = why === undefined ? 'waits for the tasks above it' : `runs again: ${why}`
  appendEvent(connection, { subject: 'task', runId, attempt, taskId, from: null, to: 'waiting', detail })
}

/** A carried task keeps what it reported, and names the attempt in which it really ran. */
function insertCarried(connection: Connection, { id: taskId, kind, retries }: PlannedTask, place: Place, done: TaskRecord): void {
  const { tries, queuedAt, startedAt, endedAt, bytes, note } = done
  const rows = done.rows === null ? null : JSON.stringify(done.rows)
  const inputs = done.inputs === null ? null : JSON.stringify(done.inputs)
  const carriedFrom = done.carriedFrom ?? done.attempt
  connection.run(
    `insert into task (run_id, attempt, task_id, position, kind, state, retries, carried_from, tries, queued_at, started_at, ended_at,
       rows, bytes, note, inputs)
     values (@runId, @attempt, @taskId, @position, @kind, 'success', @retries, @carriedFrom, @tries, @queuedAt, @startedAt, @endedAt,
       @rows, @bytes, @note, @inputs)`,
    { ...place, taskId, kind, retries, carriedFrom, tries, queuedAt, startedAt, endedAt, rows, bytes, note, inputs },
  )
  const { runId, attempt } = place
  const detail = `carried over from attempt ${carriedFrom}`
  appendEvent(connection, { subject: 'task', runId, attempt, taskId, from: null, to: 'success', detail })
}
