/** Transitions: one function each, each one immediate transaction (or part of the caller's), each appends to the event log. */
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
  readonly reason: string | null
}

/** How a try has ended, and what that makes of its task. */
export interface TryEnd {
  readonly tryState: Exclude<TryState, 'running'>
  readonly taskState: TaskState
  readonly reason: string | null
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
        detail: `attempt ${number}`,
      })
      insertAttempt(this.#connection, attempt, number)
    })
    return number
  }

  changeTask(key: TaskKey, from: TaskState, { state, reason }: TaskChange): void {
    this.#connection.write(() => {
      const ended = state === 'queued' || state === 'waiting' ? null : this.#connection.timestamp()
      const query = build.updateTable('task').set({ state, reason, not_before: null, ended_at: ended })
      this.#expectOne(
        query
          .where('run_id', '=', key.runId)
          .where('attempt', '=', key.attempt)
          .where('task_id', '=', key.taskId)
          .where('state', '=', from),
        `task ${key.taskId} of run ${key.runId} is not ${from} any more`,
      )
      appendEvent(this.#connection, { subject: 'task', ...key, from, to: state, detail: reason })
    })
  }

  /** queued → running, with a new try. */
  startTry(key: TryKey, files: { readonly logFile: string; readonly resultFile: string; readonly deadline: Date | null }): void {
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
        deadline: files.deadline?.toISOString() ?? null,
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
      })
      appendEvent(this.#connection, { subject: 'try', ...key, from: null, to: 'running' })
    })
  }

  /** Which process a running try is: enough to find it again after this process has died. */
  recordProcess(key: TryKey, pid: number, pidStarted: string | null): void {
    this.#connection.write(() => {
      this.#connection.run(this.#tryUpdate(key).set({ pid, pid_started: pidStarted }))
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
      appendEvent(this.#connection, { subject: 'try', ...key, from: 'running', to: end.tryState, detail: reason })
      const { runId, attempt, taskId } = key
      appendEvent(this.#connection, {
        subject: 'task',
        runId,
        attempt,
        taskId,
        from: 'running',
        to: end.taskState,
        detail: reason,
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
      appendEvent(this.#connection, { subject: 'attempt', runId, attempt, from: 'running', to: state, detail: reason })
      appendEvent(this.#connection, { subject: 'run', runId, from: 'running', to: state, detail: reason })
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
