/** Transitions: one function each, each one immediate transaction (or part of the caller's), each appends to the event log. */
import { hostname } from 'node:os'
import { PipelineError } from '../../errors.ts'
import { canonicalJson } from '../plan.ts'
import type { Directories } from '../binding.ts'
import type { RunState, TaskState, TryState } from '../states.ts'
import type { Connection } from './connection.ts'
import { insertChecks } from './check-rows.ts'
import { insertAttempt, insertRun, type NewAttempt, type NewRun } from './attempt-rows.ts'
import { appendEvent } from './event-rows.ts'
import type { CheckResult, TaskResult } from '../context.ts'
import type { Row } from './records.ts'

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
  /** Of retry_wait and deferred. */
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

  /** Records where a run lies, when that is new. */
  bindRun(runId: string, { lakeDir, rawDir }: Directories): void {
    this.#connection.write(() => {
      const [before] = this.#connection.all<Pick<Row<'run'>, 'state' | 'lake_dir'>>(
        'select state, lake_dir from run where run_id = ?',
        runId,
      )
      const bound = this.#connection.run(
        `update run set lake_dir = @lakeDir, raw_dir = @rawDir
         where run_id = @runId and (lake_dir is not @lakeDir or raw_dir is not @rawDir)`,
        { runId, lakeDir, rawDir },
      )
      if (bound.changes === 0 || before?.lake_dir == null) return
      const detail = `belongs to the lake ${lakeDir} and the raw directory ${rawDir}`
      appendEvent(this.#connection, { subject: 'run', runId, from: before.state, to: before.state, detail })
    })
  }

  /** @returns its number */
  createAttempt(attempt: NewAttempt, previous: { readonly attempt: number; readonly state: RunState }): number {
    const number = previous.attempt + 1
    this.#connection.write(() => {
      const run = this.#connection.run(
        `update run set state = 'running', reason = null, ended_at = null, attempt = @number
         where run_id = @runId and attempt = @attempt and state = @state`,
        { runId: attempt.runId, attempt: previous.attempt, state: previous.state, number },
      )
      expectOne(run, `run ${attempt.runId} is not ${previous.state} any more`)
      appendEvent(this.#connection, {
        subject: 'run',
        runId: attempt.runId,
        from: previous.state,
        to: 'running',
        detail: `attempt ${number} begins`,
      })
      if (attempt.changedParams != null) this.#changeParams(attempt.runId, attempt.changedParams)
      insertAttempt(this.#connection, attempt, number)
    })
    return number
  }

  #changeParams(runId: string, { params, changes }: NonNullable<NewAttempt['changedParams']>): void {
    this.#connection.run('update run set params = @params where run_id = @runId', { runId, params: canonicalJson(params) })
    const detail = `params: ${changes.join(', ')}`
    if (changes.length > 0) appendEvent(this.#connection, { subject: 'run', runId, from: 'running', to: 'running', detail })
  }

  changeTask(key: TaskKey, from: TaskState, { state, reason, because }: TaskChange): void {
    this.#connection.write(() => {
      const task = this.#connection.run(
        `update task set state = @state, reason = @reason, not_before = null,
           queued_at = case @state when 'queued' then @now else queued_at end,
           ended_at = case when @state in ('queued', 'waiting') then null else @now end
         where run_id = @runId and attempt = @attempt and task_id = @taskId and state = @from`,
        { ...key, from, state, reason, now: this.#connection.timestamp() },
      )
      expectOne(task, `task ${key.taskId} of run ${key.runId} is not ${from} any more`)
      const { runId, attempt, taskId } = key
      const detail = because ?? reason ?? 'decided'
      appendEvent(this.#connection, { subject: 'task', runId, attempt, taskId, from, to: state, detail })
    })
  }

  /** queued → running, with a new try. */
  startTry(key: TryKey, { files, deadline, process }: NewTry): void {
    this.#connection.write(() => {
      const now = this.#connection.timestamp()
      const task = this.#connection.run(
        `update task set state = 'running', reason = null, tries = @tryNumber, started_at = coalesce(started_at, @now)
         where run_id = @runId and attempt = @attempt and task_id = @taskId and state = 'queued'`,
        { ...key, now },
      )
      expectOne(task, `task ${key.taskId} of run ${key.runId} is not queued any more`)
      const { pid = null, pidStarted = null } = process ?? {}
      this.#connection.run(
        `insert into try (run_id, attempt, task_id, try, state, log_file, result_file, pid, pid_started, deadline, started_at)
         values (@runId, @attempt, @taskId, @tryNumber, 'running', @logFile, @resultFile, @pid, @pidStarted, @deadline, @now)`,
        { ...key, ...files, pid, pidStarted, deadline: deadline?.toISOString() ?? null, now },
      )
      appendEvent(this.#connection, {
        subject: 'task',
        runId: key.runId,
        attempt: key.attempt,
        taskId: key.taskId,
        from: 'queued',
        to: 'running',
        detail: 'a place is free',
      })
      const detail = key.tryNumber === 1 ? 'first try' : `try ${key.tryNumber}`
      appendEvent(this.#connection, { subject: 'try', ...key, from: null, to: 'running', detail })
    })
  }

  /** A running attempt gets another scheduler, this process. @param why its own is not there any more */
  adoptAttempt({ runId, attempt }: AttemptKey, why = 'scheduler died'): void {
    this.#connection.write(() => {
      const scheduler = { pid: process.pid, host: hostname() }
      const adopted = this.#connection.run(
        `update attempt set pid = @pid, host = @host where run_id = @runId and attempt = @attempt and state = 'running'`,
        { runId, attempt, ...scheduler },
      )
      expectOne(adopted, `attempt ${attempt} of run ${runId} is not running`)
      const detail = `${why}: pid ${scheduler.pid} on ${scheduler.host} goes on`
      appendEvent(this.#connection, { subject: 'attempt', runId, attempt, from: 'running', to: 'running', detail })
    })
  }

  /** Deferred tasks look again now. @param taskId only this one; null: all of the attempt. @returns the tasks */
  wakeDeferred({ runId, attempt }: AttemptKey, taskId: string | null, who: string): readonly string[] {
    return this.#connection.write(() => {
      const woken = this.#connection.all<{ readonly task_id: string }>(
        `update task set not_before = @now
         where run_id = @runId and attempt = @attempt and state = 'deferred' and (@taskId is null or task_id = @taskId)
         returning task_id`,
        { runId, attempt, taskId, now: this.#connection.timestamp() },
      )
      for (const { task_id: id } of woken)
        appendEvent(this.#connection, {
          subject: 'task',
          runId,
          attempt,
          taskId: id,
          from: 'deferred',
          to: 'deferred',
          detail: `woken by ${who}`,
        })
      return woken.map((row) => row.task_id)
    })
  }

  /** Ends a try and moves its task on; result and checks become visible together with the state. */
  endTry(key: TryKey, end: TryEnd): void {
    this.#connection.write(() => {
      const now = this.#connection.timestamp()
      const { tryState, taskState, exitCode, signal, reason, result } = end
      const ended = this.#connection.run(
        `update try set state = @tryState, reason = @reason, exit_code = @exitCode, signal = @signal, ended_at = @now
         where run_id = @runId and attempt = @attempt and task_id = @taskId and try = @tryNumber and state = 'running'`,
        { ...key, tryState, reason, exitCode, signal, now },
      )
      expectOne(ended, `try ${key.tryNumber} of task ${key.taskId} of run ${key.runId} is not running`)
      const notBefore = end.notBefore?.toISOString() ?? null
      const rows = result?.rows === undefined ? null : JSON.stringify(result.rows)
      const inputs = result?.inputs === undefined ? null : JSON.stringify(result.inputs)
      const { bytes = null, note = null } = result ?? {}
      const task = this.#connection.run(
        `update task set state = @taskState, reason = @reason, not_before = @notBefore, ended_at = @now, rows = @rows, bytes = @bytes,
           note = @note, inputs = @inputs
         where run_id = @runId and attempt = @attempt and task_id = @taskId and state = 'running'`,
        { ...key, taskState, reason, notBefore, rows, bytes, note, inputs, now },
      )
      expectOne(task, `task ${key.taskId} of run ${key.runId} is not running`)
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
      const change = { runId, attempt, state, reason, now: this.#connection.timestamp() }
      const ended = this.#connection.run(
        `update attempt set state = @state, reason = @reason, ended_at = @now
         where run_id = @runId and attempt = @attempt and state = 'running'`,
        change,
      )
      expectOne(ended, `attempt ${attempt} of run ${runId} is not running`)
      this.#connection.run(
        'update run set state = @state, reason = @reason, ended_at = @now where run_id = @runId and attempt = @attempt',
        change,
      )
      const detail = reason ?? 'every task has succeeded or was skipped'
      appendEvent(this.#connection, { subject: 'attempt', runId, attempt, from: 'running', to: state, detail })
      appendEvent(this.#connection, { subject: 'run', runId, from: 'running', to: state, detail })
    })
  }
}

function expectOne({ changes }: { readonly changes: number }, problem: string): void {
  if (changes !== 1)
    throw new PipelineError(problem, { retryable: false, hint: 'another process has changed the state in between' })
}
