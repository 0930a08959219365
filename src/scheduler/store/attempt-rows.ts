/** The rows that a run and its attempts begin with. */
import { hostname } from 'node:os'
import { canonicalJson, type Plan, planHash } from '../plan.ts'
import { build, type Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { TaskRecord } from './records.ts'
import type { Trigger } from './tables.ts'

export interface NewRun {
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
}

/** A run in state running, without its attempt. */
export function insertRun(connection: Connection, run: NewRun): void {
  const row = {
    run_id: run.runId,
    dag_id: run.plan.dagId,
    session: run.session,
    params: canonicalJson(run.params),
    state: 'running',
    reason: null,
    trigger: run.trigger,
    triggered_by: run.triggeredBy,
    attempt: 1,
    created_at: connection.timestamp(),
    ended_at: null,
  } as const
  connection.run(build.insertInto('run').values(row))
  const detail = `triggered: ${run.trigger}, by ${run.triggeredBy}`
  appendEvent(connection, { subject: 'run', runId: run.runId, from: null, to: 'running', detail })
}

/** An attempt, its plan and its tasks. */
export function insertAttempt(connection: Connection, { runId, plan, parallelism, carried }: NewAttempt, attempt: number): void {
  const now = connection.timestamp()
  const hash = planHash(plan)
  const stored = { plan_hash: hash, dag_id: plan.dagId, json: canonicalJson(plan), created_at: now }
  connection.run(
    build
      .insertInto('plan')
      .values(stored)
      .onConflict((conflict) => conflict.doNothing()),
  )
  const row = {
    run_id: runId,
    attempt,
    plan_hash: hash,
    state: 'running',
    parallelism,
    pid: process.pid,
    host: hostname(),
    started_at: now,
  } as const
  connection.run(build.insertInto('attempt').values(row))
  const why = attempt === 1 ? 'the run was triggered' : `resumed after attempt ${attempt - 1}`
  appendEvent(connection, { subject: 'attempt', runId, attempt, from: null, to: 'running', detail: why })
  for (const [position, task] of plan.tasks.entries()) {
    const { id, kind, retries } = task
    const identity = { run_id: runId, attempt, task_id: id, position, kind, retries }
    const before = carried.find((one) => one.taskId === id)
    connection.run(build.insertInto('task').values({ ...identity, ...(before === undefined ? fresh : carriedColumns(before)) }))
    const detail =
      before === undefined ? 'waits for the tasks above it' : `carried over from attempt ${before.carriedFrom ?? before.attempt}`
    appendEvent(connection, {
      subject: 'task',
      runId,
      attempt,
      taskId: id,
      from: null,
      to: before === undefined ? 'waiting' : 'success',
      detail,
    })
  }
}

const fresh = { state: 'waiting' } as const

/** A carried task keeps what it reported, and names the attempt in which it really ran. */
function carriedColumns(task: TaskRecord) {
  return {
    state: 'success',
    carried_from: task.carriedFrom ?? task.attempt,
    tries: task.tries,
    queued_at: task.queuedAt,
    started_at: task.startedAt,
    ended_at: task.endedAt,
    rows: task.rows === null ? null : JSON.stringify(task.rows),
    bytes: task.bytes,
    note: task.note,
  } as const
}
