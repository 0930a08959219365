/** Questions to the state. Lists are in the order people expect: tasks as planned, runs and promotions newest first. */
import { exitCodes, PipelineError } from '../../errors.ts'
import { suggest } from '../nearest.ts'
import { parsePlan, type Plan } from '../plan.ts'
import type { RunState } from '../states.ts'
import { build, type Connection } from './connection.ts'
import { attemptOf, checkOf, eventOf, promotionOf, runOf, taskOf, tryOf } from './from-rows.ts'
import type { TaskKey } from './writer.ts'
import type { AttemptRecord, CheckRecord, EventRecord, PromotionRecord, RunRecord, TaskRecord, TryRecord } from './records.ts'

export interface RunFilter {
  readonly dagId?: string
  readonly state?: RunState
  readonly limit?: number
}

export class Reader {
  readonly #connection: Connection
  readonly #stateDir: string

  constructor(connection: Connection, stateDir: string) {
    this.#connection = connection
    this.#stateDir = stateDir
  }

  runs({ dagId, state, limit = 1000 }: RunFilter = {}): readonly RunRecord[] {
    let query = build.selectFrom('run').selectAll().orderBy('created_at', 'desc').orderBy('run_id', 'desc').limit(limit)
    if (dagId !== undefined) query = query.where('dag_id', '=', dagId)
    if (state !== undefined) query = query.where('state', '=', state)
    return this.#connection.all(query).map(runOf)
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
    const row = this.#connection.first(build.selectFrom('run').selectAll().where('run_id', '=', runId))
    return row === undefined ? null : runOf(row)
  }

  findSession(dagId: string, session: string): RunRecord | null {
    const query = build.selectFrom('run').selectAll().where('dag_id', '=', dagId).where('session', '=', session)
    const row = this.#connection.first(query)
    return row === undefined ? null : runOf(row)
  }

  /** @throws PipelineError (exit 4) */
  attempt(runId: string, attempt?: number): AttemptRecord {
    const number = attempt ?? this.run(runId).attempt
    const query = build.selectFrom('attempt').selectAll().where('run_id', '=', runId).where('attempt', '=', number)
    const row = this.#connection.first(query)
    if (row !== undefined) return attemptOf(row)
    throw new PipelineError(`run ${runId} has no attempt ${number}`, {
      exitCode: exitCodes.notFound,
      retryable: false,
      hint: `its latest attempt is ${this.run(runId).attempt}`,
    })
  }

  attempts(runId: string): readonly AttemptRecord[] {
    this.run(runId)
    return this.#connection
      .all(build.selectFrom('attempt').selectAll().where('run_id', '=', runId).orderBy('attempt'))
      .map(attemptOf)
  }

  /** Attempts in state running: of the scheduler that holds the lease, or of one that is dead. */
  runningAttempts(): readonly AttemptRecord[] {
    return this.#connection.all(build.selectFrom('attempt').selectAll().where('state', '=', 'running')).map(attemptOf)
  }

  /** Tasks of an attempt, by default the latest. */
  tasks(runId: string, attempt?: number): readonly TaskRecord[] {
    const number = this.attempt(runId, attempt).attempt
    const query = build
      .selectFrom('task')
      .selectAll()
      .where('run_id', '=', runId)
      .where('attempt', '=', number)
      .orderBy('position')
    return this.#connection.all(query).map(taskOf)
  }

  /** Tries of all attempts, oldest first. */
  tries(runId: string): readonly TryRecord[] {
    this.run(runId)
    const query = build
      .selectFrom('try')
      .selectAll()
      .where('run_id', '=', runId)
      .orderBy('attempt')
      .orderBy('started_at')
      .orderBy('task_id')
    return this.#connection.all(query.orderBy('try')).map((row) => tryOf(row, this.#stateDir))
  }

  /** Tries of one task in one attempt that have failed, oldest first. */
  failedTries({ runId, attempt, taskId }: TaskKey): readonly TryRecord[] {
    const query = build.selectFrom('try').selectAll().where('run_id', '=', runId).where('attempt', '=', attempt)
    const failed = query.where('task_id', '=', taskId).where('state', '=', 'failed').orderBy('try')
    return this.#connection.all(failed).map((row) => tryOf(row, this.#stateDir))
  }

  /** Check results that count in an attempt, by default the latest: of the last try of each task, carried over ones included. */
  checks(runId: string, attempt?: number): readonly CheckRecord[] {
    const tasks = this.tasks(runId, attempt)
    return tasks.flatMap((task) => {
      const query = build.selectFrom('check_result').selectAll().where('run_id', '=', runId)
      const last = query
        .where('task_id', '=', task.taskId)
        .where('attempt', '=', task.carriedFrom ?? task.attempt)
        .where('try', '=', task.tries)
      return this.#connection.all(last.orderBy('check_result_id')).map(checkOf)
    })
  }

  promotions(limit = 100): readonly PromotionRecord[] {
    const query = build.selectFrom('promotion').selectAll().orderBy('promotion_id', 'desc').limit(limit)
    return this.#connection.all(query).map(promotionOf)
  }

  promotion(id: number): PromotionRecord {
    const row = this.#connection.first(build.selectFrom('promotion').selectAll().where('promotion_id', '=', id))
    if (row === undefined)
      throw new PipelineError(`there is no promotion ${id}`, { exitCode: exitCodes.notFound, retryable: false })
    return promotionOf(row)
  }

  /** Promotions that were begun and not ended, oldest first. */
  begunPromotions(): readonly PromotionRecord[] {
    const query = build.selectFrom('promotion').selectAll().where('state', '=', 'begun').orderBy('promotion_id')
    return this.#connection.all(query).map(promotionOf)
  }

  /** The newest finished promotion of a run that replaced another run. */
  promotionOver(runId: string): PromotionRecord | null {
    const query = build
      .selectFrom('promotion')
      .selectAll()
      .where('to_run_id', '=', runId)
      .where('kind', '=', 'promote')
      .where('state', '=', 'done')
      .where('from_run_id', 'is not', null)
      .where('from_run_id', '!=', runId)
      .orderBy('promotion_id', 'desc')
    const row = this.#connection.first(query.limit(1))
    return row === undefined ? null : promotionOf(row)
  }

  /** True when the pointer was moved away from the run by a rollback after its latest promotion. */
  isRolledBack(runId: string): boolean {
    const query = build
      .selectFrom('promotion')
      .select('kind')
      .where('state', '=', 'done')
      .orderBy('promotion_id', 'desc')
      .limit(1)
    const about = query.where((column) =>
      column.or([
        column.and([column('kind', '=', 'promote'), column('to_run_id', '=', runId)]),
        column.and([column('kind', '=', 'rollback'), column('from_run_id', '=', runId)]),
      ]),
    )
    return this.#connection.first(about)?.kind === 'rollback'
  }

  /** Everything that happened to a run, oldest first; `after` is the id of the last event already seen. */
  events(runId: string, after = 0): readonly EventRecord[] {
    const query = build
      .selectFrom('event')
      .selectAll()
      .where('run_id', '=', runId)
      .where('event_id', '>', after)
      .orderBy('event_id')
    return this.#connection.all(query).map(eventOf)
  }

  planOf(runId: string, attempt?: number): Plan {
    const { planHash } = this.attempt(runId, attempt)
    const row = this.#connection.first(build.selectFrom('plan').select('json').where('plan_hash', '=', planHash))
    if (row === undefined)
      throw new PipelineError(`the plan ${planHash} of run ${runId} is missing in the state`, { retryable: false })
    return parsePlan(row.json)
  }
}
