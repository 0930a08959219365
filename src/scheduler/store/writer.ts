/** Transitions: one function each, each one immediate transaction (or part of the caller's), each appends to the event log. */
import { hostname } from 'node:os'
import { PipelineError } from '../../errors.ts'
import type { RunState, TaskState, TryState } from '../states.ts'
import { build, type Connection } from './connection.ts'
import { insertChecks } from './check-rows.ts'
import { insertAttempt, insertRun, type NewAttempt, type NewRun } from './attempt-rows.ts'
import { appendEvent } from './event-rows.ts'
import type { CheckResult, TaskResult } from '../context.ts'

export interface AttemptKey {
  readonly runId: string
  readonly attempt: number
}

export interface TaskKey extends AttemptKey {
  readonly taskId: string
}

export interface TryKey extends TaskKey {
  readonly tryNumber: number
}

export interface TaskChange {
  readonly state: TaskState
  /** What stays to be said of a task in this state. */
  readonly reason: string | null
  /** Why it changes, for the event log; default: the reason. */
  readonly because?: string
}

/** A try as it begins. */
export interface NewTry {
  /** Relative to the state's directory. */
  readonly files: { readonly logFile: string; readonly resultFile: string }
  readonly deadline: Date | null
  /** Enough to find it again after this process has died; null when it could not be started. */
  readonly process: { readonly pid: number; readonly pidStarted: string | null } | null
}

/** How a try has ended, and what that makes of its task. */
export interface TryEnd {
  readonly tryState: Exclude<TryState, 'running'>
  readonly taskState: TaskState
  readonly reason: string | null
  /** Why, for the event log; default: the reason. */
  readonly because?: string
  readonly exitCode: number | null
  readonly signal: string | null
  /** Of retry_wait. */
  readonly notBefore: Date | null
  readonly result: TaskResult | null
  readonly checks: readonly CheckResult[]
}

export class Writer {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Several transitions as one. */
  transaction<Result>(work: () => Result): Result {
    return this.#connection.write(work)
  }

  /** A run, its first attempt and its tasks. The caller has made sure that neither the run nor its session exists. */
  createRun(run: NewRun): void {
    this.#connection.write(() => {
      insertRun(this.#connection, run)
      insertAttempt(this.#connection, { ...run, carried: [] }, 1)
    })
  }

  /** @returns its number */
  createAttempt(attempt: NewAttempt, previous: { readonly attempt: number; readonly state: RunState }): number {
    const number = previous.attempt + 1
    this.#connection.write(() => {
      const query = build.updateTable('run').set({ state: 'running', reason: null, ended_at: null, attempt: number })
      this.#expectOne(
        query.where('run_id', '=', attempt.runId).where('attempt', '=', previous.attempt).where('state', '=', previous.state),
        `run ${attempt.runId} is not ${previous.state} any more`,
      )
      appendEvent(this.#connection, {
        subject: 'run',
        runId: attempt.runId,
        from: previous.state,
        to: 'running',
        detail: `attempt ${number} begins`,
      })
      insertAttempt(this.#connection, attempt, number)
    })
    return number
  }

  changeTask(key: TaskKey, from: TaskState, { state, reason, because }: TaskChange): void {
    this.#connection.write(() => {
      const now = this.#connection.timestamp()
      const times = state === 'queued' ? { queued_at: now, ended_at: null } : { ended_at: state === 'waiting' ? null : now }
      const query = build.updateTable('task').set({ state, reason, not_before: null, ...times })
      this.#expectOne(
        query
          .where('run_id', '=', key.runId)
          .where('attempt', '=', key.attempt)
          .where('task_id', '=', key.taskId)
          .where('state', '=', from),
        `task ${key.taskId} of run ${key.runId} is not ${from} any more`,
      )
      const { runId, attempt, taskId } = key
      const detail = because ?? reason ?? 'decided'
      appendEvent(this.#connection, { subject: 'task', runId, attempt, taskId, from, to: state, detail })
    })
  }

  /** queued → running, with a new try. */
  startTry(key: TryKey, { files, deadline, process }: NewTry): void {
    this.#connection.write(() => {
      const now = this.#connection.timestamp()
      const task = build.updateTable('task').set({ state: 'running', reason: null, tries: key.tryNumber })
      this.#expectOne(
        task
          .set((columns) => ({ started_at: columns.fn.coalesce('started_at', columns.val(now)) }))
          .where('run_id', '=', key.runId)
          .where('attempt', '=', key.attempt)
          .where('task_id', '=', key.taskId)
          .where('state', '=', 'queued'),
        `task ${key.taskId} of run ${key.runId} is not queued any more`,
      )
      const row = {
        run_id: key.runId,
        attempt: key.attempt,
        task_id: key.taskId,
        try: key.tryNumber,
        state: 'running',
        log_file: files.logFile,
        result_file: files.resultFile,
        pid: process?.pid ?? null,
        pid_started: process?.pidStarted ?? null,
        deadline: deadline?.toISOString() ?? null,
        started_at: now,
      } as const
      this.#connection.run(build.insertInto('try').values(row))
      appendEvent(this.#connection, {
        subject: 'task',
        runId: key.runId,
        attempt: key.attempt,
        taskId: key.taskId,
        from: 'queued',
        to: 'running',
        detail: 'a place is free',
      })
      const detail = key.tryNumber === 1 ? 'first try' : `try ${key.tryNumber}, after one that failed`
      appendEvent(this.#connection, { subject: 'try', ...key, from: null, to: 'running', detail })
    })
  }

  /** A running attempt gets another scheduler, this process, after its own has died. */
  adoptAttempt({ runId, attempt }: AttemptKey): void {
    this.#connection.write(() => {
      const scheduler = { pid: process.pid, host: hostname() }
      const query = build.updateTable('attempt').set(scheduler).where('run_id', '=', runId).where('attempt', '=', attempt)
      this.#expectOne(query.where('state', '=', 'running'), `attempt ${attempt} of run ${runId} is not running`)
      const detail = `scheduler died: pid ${scheduler.pid} on ${scheduler.host} goes on`
      appendEvent(this.#connection, { subject: 'attempt', runId, attempt, from: 'running', to: 'running', detail })
    })
  }

  /** Ends a try and moves its task on; result and checks become visible together with the state. */
  endTry(key: TryKey, end: TryEnd): void {
    this.#connection.write(() => {
      const now = this.#connection.timestamp()
      const { exitCode, signal, reason, result } = end
      const ended = this.#tryUpdate(key).set({ state: end.tryState, reason, exit_code: exitCode, signal, ended_at: now })
      this.#expectOne(
        ended.where('state', '=', 'running'),
        `try ${key.tryNumber} of task ${key.taskId} of run ${key.runId} is not running`,
      )
      const change = {
        state: end.taskState,
        reason,
        not_before: end.notBefore?.toISOString() ?? null,
        ended_at: now,
        rows: result?.rows === undefined ? null : JSON.stringify(result.rows),
        bytes: result?.bytes ?? null,
        note: result?.note ?? null,
      }
      const task = build.updateTable('task').set(change).where('run_id', '=', key.runId).where('attempt', '=', key.attempt)
      this.#expectOne(
        task.where('task_id', '=', key.taskId).where('state', '=', 'running'),
        `task ${key.taskId} of run ${key.runId} is not running`,
      )
      insertChecks(this.#connection, key, end.checks)
      const detail = end.because ?? reason ?? 'ended'
      appendEvent(this.#connection, { subject: 'try', ...key, from: 'running', to: end.tryState, detail })
      const { runId, attempt, taskId } = key
      appendEvent(this.#connection, {
        subject: 'task',
        runId,
        attempt,
        taskId,
        from: 'running',
        to: end.taskState,
        detail,
      })
    })
  }

  /** Ends the attempt and with it the run. */
  endAttempt({ runId, attempt }: AttemptKey, state: Exclude<RunState, 'running'>, reason: string | null): void {
    this.#connection.write(() => {
      const ended = { state, reason, ended_at: this.#connection.timestamp() }
      this.#expectOne(
        build
          .updateTable('attempt')
          .set(ended)
          .where('run_id', '=', runId)
          .where('attempt', '=', attempt)
          .where('state', '=', 'running'),
        `attempt ${attempt} of run ${runId} is not running`,
      )
      this.#connection.run(build.updateTable('run').set(ended).where('run_id', '=', runId).where('attempt', '=', attempt))
      const detail = reason ?? 'every task has succeeded or was skipped'
      appendEvent(this.#connection, { subject: 'attempt', runId, attempt, from: 'running', to: state, detail })
      appendEvent(this.#connection, { subject: 'run', runId, from: 'running', to: state, detail })
    })
  }

  #tryUpdate({ runId, attempt, taskId, tryNumber }: TryKey) {
    return build
      .updateTable('try')
      .where('run_id', '=', runId)
      .where('attempt', '=', attempt)
      .where('task_id', '=', taskId)
      .where('try', '=', tryNumber)
  }

  #expectOne(query: Parameters<Connection['run']>[0], problem: string): void {
    const { changes } = this.#connection.run(query)
    if (changes !== 1)
      throw new PipelineError(problem, { retryable: false, hint: 'another process has changed the state in between' })
  }
}
