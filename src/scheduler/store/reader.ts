/** Questions to the state. Lists are in the order people expect: tasks as planned, runs and promotions newest first. */
import { createRequire } from 'node:module'
import { exitCodes, PipelineError } from '../../errors.ts'
import { suggest } from '../nearest.ts'
import type { Plan } from '../plan-graph.ts'
import type * as PlanJson from '../plan-json.ts'
import type { RunState } from '../states.ts'
import type { Connection } from './connection.ts'
import { attemptOf, checkOf, eventOf, promotionOf, runOf, taskOf, tryOf } from './from-rows.ts'
import type { TaskKey } from './writer.ts'
import type {
  AttemptRecord,
  CheckRecord,
  EventRecord,
  PromotionRecord,
  Row,
  RunRecord,
  TaskRecord,
  TryRecord,
} from './records.ts'

export interface RunFilter {
  readonly dagId?: string | null
  readonly state?: RunState | null
  readonly limit?: number
}

export class Reader {
  readonly #connection: Connection
  readonly #stateDir: string

  constructor(connection: Connection, stateDir: string) {
    this.#connection = connection
    this.#stateDir = stateDir
  }

  runs({ dagId = null, state = null, limit = 1000 }: RunFilter = {}): readonly RunRecord[] {
    const rows = this.#connection.all<Row<'run'>>(
      `select * from run
       where (@dagId is null or dag_id = @dagId) and (@state is null or state = @state)
       order by created_at desc, run_id desc limit @limit`,
      { dagId, state, limit },
    )
    return rows.map(runOf)
  }

  /** @throws PipelineError (exit 4) */
  run(runId: string): RunRecord {
    const run = this.findRun(runId)
    if (run !== null) return run
    const known = this.runs({ limit: 200 }).map((run) => run.runId)
    const hint =
      suggest(runId, known) ??
      (known[0] === undefined ? 'there are no runs yet' : `the latest run is ${known[0]}; \`dag runs\` lists all`)
    throw new PipelineError(`there is no run ${runId}`, { exitCode: exitCodes.notFound, retryable: false, hint })
  }

  findRun(runId: string): RunRecord | null {
    const [row] = this.#connection.all<Row<'run'>>('select * from run where run_id = ?', runId)
    return row === undefined ? null : runOf(row)
  }

  findSession(dagId: string, session: string): RunRecord | null {
    const [row] = this.#connection.all<Row<'run'>>('select * from run where dag_id = ? and session = ?', dagId, session)
    return row === undefined ? null : runOf(row)
  }

  /** @throws PipelineError (exit 4) */
  attempt(runId: string, attempt?: number): AttemptRecord {
    const number = attempt ?? this.run(runId).attempt
    const [row] = this.#connection.all<Row<'attempt'>>('select * from attempt where run_id = ? and attempt = ?', runId, number)
    if (row !== undefined) return attemptOf(row)
    throw new PipelineError(`run ${runId} has no attempt ${number}`, {
      exitCode: exitCodes.notFound,
      retryable: false,
      hint: `its latest attempt is ${this.run(runId).attempt}`,
    })
  }

  attempts(runId: string): readonly AttemptRecord[] {
    this.run(runId)
    return this.#connection.all<Row<'attempt'>>('select * from attempt where run_id = ? order by attempt', runId).map(attemptOf)
  }

  /** Attempts in state running: of the scheduler that holds the lease, or of one that is dead. */
  runningAttempts(): readonly AttemptRecord[] {
    return this.#connection.all<Row<'attempt'>>("select * from attempt where state = 'running'").map(attemptOf)
  }

  /** Tasks of an attempt, by default the latest. */
  tasks(runId: string, attempt?: number): readonly TaskRecord[] {
    const number = this.attempt(runId, attempt).attempt
    const rows = this.#connection.all<Row<'task'>>(
      'select * from task where run_id = ? and attempt = ? order by position',
      runId,
      number,
    )
    return rows.map(taskOf)
  }

  /** Tries of all attempts, oldest first. */
  tries(runId: string): readonly TryRecord[] {
    this.run(runId)
    const rows = this.#connection.all<Row<'try'>>(
      'select * from try where run_id = ? order by attempt, started_at, task_id, try',
      runId,
    )
    return rows.map((row) => tryOf(row, this.#stateDir))
  }

  /** Tries of one task in one attempt that have failed, oldest first. */
  failedTries({ runId, attempt, taskId }: TaskKey): readonly TryRecord[] {
    const rows = this.#connection.all<Row<'try'>>(
      "select * from try where run_id = ? and attempt = ? and task_id = ? and state = 'failed' order by try",
      runId,
      attempt,
      taskId,
    )
    return rows.map((row) => tryOf(row, this.#stateDir))
  }

  /** When a task first asked in an attempt to be started again later, null when it has not. */
  deferredSince({ runId, attempt, taskId }: TaskKey): Date | null {
    const [row] = this.#connection.all<{ readonly since: string | null }>(
      "select min(ended_at) as since from try where run_id = ? and attempt = ? and task_id = ? and state = 'deferred'",
      runId,
      attempt,
      taskId,
    )
    return typeof row?.since === 'string' ? new Date(row.since) : null
  }

  /** Check results that count in an attempt, by default the latest: of the last try of each task, carried over ones included. */
  checks(runId: string, attempt?: number): readonly CheckRecord[] {
    const rows = this.#connection.all<Row<'check_result'>>(
      `select check_result.* from task join check_result
         on check_result.run_id = task.run_id and check_result.task_id = task.task_id
         and check_result.attempt = coalesce(task.carried_from, task.attempt) and check_result.try = task.tries
       where task.run_id = ? and task.attempt = ?
       order by task.position, check_result.check_result_id`,
      runId,
      this.attempt(runId, attempt).attempt,
    )
    return rows.map(checkOf)
  }

  promotions(limit = 100): readonly PromotionRecord[] {
    return this.#connection
      .all<Row<'promotion'>>('select * from promotion order by promotion_id desc limit ?', limit)
      .map(promotionOf)
  }

  promotion(id: number): PromotionRecord {
    const [row] = this.#connection.all<Row<'promotion'>>('select * from promotion where promotion_id = ?', id)
    if (row === undefined)
      throw new PipelineError(`there is no promotion ${id}`, { exitCode: exitCodes.notFound, retryable: false })
    return promotionOf(row)
  }

  /** Promotions that were begun and not ended, oldest first. */
  begunPromotions(): readonly PromotionRecord[] {
    return this.#connection
      .all<Row<'promotion'>>("select * from promotion where state = 'begun' order by promotion_id")
      .map(promotionOf)
  }

  /**
   * Promote tasks of ended runs that are recorded as failed or cancelled although the promotion that they began is done. By hand a run is
   * promoted before or after its task ran, not meanwhile.
   */
  unreportedPromotions(): readonly { readonly task: TaskRecord; readonly promotionId: number }[] {
    return this.#connection
      .all<Row<'task'> & { readonly promotion_id: number }>(
        `select task.*, max(promotion.promotion_id) as promotion_id
         from task
         join run on run.run_id = task.run_id and run.attempt = task.attempt and run.state <> 'running'
         join promotion on promotion.to_run_id = task.run_id and promotion.kind = 'promote' and promotion.state = 'done'
           and promotion.begun_at between task.started_at and task.ended_at
         where task.state in ('failed', 'cancelled') and task.kind = 'promote'
         group by task.run_id, task.attempt, task.task_id`,
      )
      .map((row) => ({ task: taskOf(row), promotionId: row.promotion_id }))
  }

  /** The newest finished promotion of a run that replaced another run. */
  promotionOver(runId: string): PromotionRecord | null {
    const [row] = this.#connection.all<Row<'promotion'>>(
      `select * from promotion
       where to_run_id = @runId and kind = 'promote' and state = 'done' and from_run_id is not null and from_run_id <> @runId
       order by promotion_id desc limit 1`,
      { runId },
    )
    return row === undefined ? null : promotionOf(row)
  }

  /** True when the pointer was moved away from the run by a rollback after its latest promotion. */
  isRolledBack(runId: string): boolean {
    const [last] = this.#connection.all<Pick<Row<'promotion'>, 'kind'>>(
      `select kind from promotion
       where state = 'done' and (kind = 'promote' and to_run_id = @runId or kind = 'rollback' and from_run_id = @runId)
       order by promotion_id desc limit 1`,
      { runId },
    )
    return last?.kind === 'rollback'
  }

  /** True when the pointer was ever moved to the run. */
  wasPublished(runId: string): boolean {
    const rows = this.#connection.all<Pick<Row<'promotion'>, 'promotion_id'>>(
      `select promotion_id from promotion where state = 'done' and to_run_id = ? limit 1`,
      runId,
    )
    return rows.length > 0
  }

  /** Everything that happened to a run, oldest first; `after` is the id of the last event already seen. */
  events(runId: string, after = 0): readonly EventRecord[] {
    return this.#connection
      .all<Row<'event'>>('select * from event where run_id = ? and event_id > ? order by event_id', runId, after)
      .map(eventOf)
  }

  /** Id of the event with which a run began to run for the last time, 0 when there is none. */
  lastBegin(runId: string): number {
    const [begin] = this.#connection.all<Pick<Row<'event'>, 'event_id'>>(
      `select event_id from event where run_id = ? and subject = 'run' and to_state = 'running' order by event_id desc limit 1`,
      runId,
    )
    return begin?.event_id ?? 0
  }

  planOf(runId: string, attempt?: number): Plan {
    const { planHash } = this.attempt(runId, attempt)
    const [row] = this.#connection.all<Pick<Row<'plan'>, 'json'>>('select json from plan where plan_hash = ?', planHash)
    if (row === undefined)
      throw new PipelineError(`the plan ${planHash} of run ${runId} is missing in the state`, { retryable: false })
    return planJson().parsePlan(row.json)
  }
}

/** Loaded when a plan is asked for: `dag status` and the like would wait for its validator a quarter of their time. */
function planJson(): typeof PlanJson {
  return createRequire(import.meta.url)('../plan-json.ts')
}
