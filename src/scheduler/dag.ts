/** Definitions: tasks and their edges as values. What a dag compiles to is in plan.ts. */
import type { z } from 'zod'
import { PipelineError } from '../errors.ts'
import { refuseUnknownDagOptions, refuseUnknownTaskOptions } from './known-options.ts'
import {
  describeParams,
  type ParamDescription,
  type ParamsSchema,
  type Readers,
  readersOf,
  type Resolved,
  resolveParams,
} from './params.ts'
import type { Session } from './session.ts'
import { standardTimetable, type Timetable } from './timetable.ts'

export type TaskKind = 'task' | 'check' | 'promote'

export const standardDeferLimitMs = 7 * 86_400_000

/** A defined task. Only `defineDag` hands them out, so an upstream that does not exist cannot be written down. */
export class TaskRef {
  readonly id: string
  readonly #definition: symbol

  constructor(id: string, definition: symbol) {
    this.id = id
    this.#definition = definition
  }

  belongsTo(definition: symbol): boolean {
    return this.#definition === definition
  }
}

export interface TaskOptions {
  /** Module `src/tasks/<script>.ts`; default: the id of the task. */
  readonly script?: string
  readonly args?: readonly string[]
  /** Options of the Node process, before the script: limits of its heap and the like. */
  readonly nodeOptions?: readonly string[]
  /** Variables for this task alone, such as settings of the C library. */
  readonly environment?: Readonly<Record<string, string>>
  readonly upstream?: readonly TaskRef[]
  /** How often a failed try is followed by another. Default 0. */
  readonly retries?: number
  /** Wait before the first retry, doubled for each one after it, and spread by up to a quarter either way. Default 10 s. */
  readonly retryDelayMs?: number
  /** No wait is longer. Default an hour. */
  readonly retryMaxDelayMs?: number
  /** Takes a place in this pool of the dag while it runs. Default: none. */
  readonly pool?: string
  /** The higher, the sooner a place is given to it. Default 0; 10 minutes of waiting count as 1. */
  readonly priority?: number
  /** A try that takes longer is stopped and has failed. Default: none. */
  readonly timeoutMs?: number
  /** A task that defers itself (exit code 75) fails once it has waited for so long since it did so first. Default 7 days. */
  readonly deferLimitMs?: number
}

export interface PromoteOptions<Values> extends TaskOptions {
  /** Guardrail: unless every param has this value the task is skipped, with the reason. */
  readonly requires?: Partial<Values>
}

/** What {@link defineDag} hands to the function that lists the tasks. */
export interface TaskKinds<Values> {
  readonly task: (id: string, options?: TaskOptions) => TaskRef
  /** A task whose success is a condition of promotion. */
  readonly check: (id: string, options?: TaskOptions) => TaskRef
  readonly promote: (id: string, options?: PromoteOptions<Values>) => TaskRef
}

export interface ScheduleOptions extends Partial<Timetable> {
  readonly cron: string
}

/** When the daemon tries a scheduled run again that failed for a reason that may pass. */
export interface Rerun {
  /** At most so often. */
  readonly times: number
  /** So long after the failure. */
  readonly delayMs: number
}

export interface DagOptions<Schema extends ParamsSchema> {
  /** One line for lists. */
  readonly about: string
  /** How many of its runs may be under way at once. Default: any number. */
  readonly maxActiveRuns?: number
  /** Places by name of the pool, for tasks of all dags that name it; where two dags differ, the smaller number holds. */
  readonly pools?: Readonly<Record<string, number>>
  /** Its tasks work on the run's directory in the lake: where that is gone, nothing that had succeeded can be kept. Default false. */
  readonly stages?: boolean
  /** Cron, in UTC unless a time zone is given; none: only by hand. */
  readonly schedule?: string | ScheduleOptions
  /**
   * Scheduled runs that failed for a reason that may pass (not a check, not exit code 78) are tried again by the daemon. Default: none are.
   */
  readonly rerun?: Rerun
  /** A strict zod object; values arrive as text. Keys are snake_case. Asked for every session: what can be made once should be. */
  readonly params: (session: Session) => Schema
  /** First part of the run id: `<prefix>__<YYYYMMDD_HHmmss>`. */
  readonly runPrefix: (params: z.output<Schema>) => string
}

export interface TaskDefinition {
  readonly id: string
  readonly kind: TaskKind
  readonly script: string
  readonly args: readonly string[]
  readonly nodeOptions: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly upstream: readonly string[]
  readonly retries: number
  readonly retryDelayMs: number
  readonly retryMaxDelayMs: number
  readonly pool: string | null
  readonly priority: number
  readonly timeoutMs: number | null
  readonly deferLimitMs: number
  /** Params as text. */
  readonly requires: Readonly<Record<string, string>>
}

export interface Dag {
  readonly name: string
  readonly about: string
  /** The cron expression. */
  readonly schedule: string | null
  /** Null: any number. */
  readonly maxActiveRuns: number | null
  readonly pools: Readonly<Record<string, number>>
  /** Whether its tasks work on the run's directory in the lake. */
  readonly stages: boolean
  /** Null: only by hand. */
  readonly timetable: Timetable | null
  /** Null: a scheduled run that failed waits for a person. */
  readonly rerun: Rerun | null
  readonly tasks: readonly TaskDefinition[]
  /**
   * Validates params given as text and fills in the others.
   * @throws PipelineError (exit 2) that names every bad param
   */
  readonly resolve: (session: Session, given: Readonly<Record<string, string>>) => Resolved
  readonly describeParams: (session: Session) => readonly ParamDescription[]
  /** Null: any task may read the param. */
  readonly readersOf: (session: Session, name: string) => Readers | null
}

/**
 * Defines a dag; a dag file default-exports the result.
 * @throws PipelineError (exit 2) for an option that does not exist, or an upstream task of another dag
 */
export function defineDag<Schema extends ParamsSchema>(
  name: string,
  options: DagOptions<Schema>,
  list: (kinds: TaskKinds<z.output<Schema>>) => void,
): Dag {
  refuseUnknownDagOptions(name, options)
  const tasks = new TaskList(name)
  list({
    task: (id, taskOptions) => tasks.add('task', id, taskOptions),
    check: (id, taskOptions) => tasks.add('check', id, taskOptions),
    promote: (id, taskOptions) => tasks.add('promote', id, taskOptions),
  })
  const timetable = timetableOf(options.schedule)
  return {
    name,
    about: options.about,
    maxActiveRuns: options.maxActiveRuns ?? null,
    pools: options.pools ?? {},
    stages: options.stages ?? false,
    schedule: timetable?.cron ?? null,
    timetable,
    rerun: options.rerun ?? null,
    tasks: tasks.definitions,
    resolve: (session, given) =>
      resolveParams({ dag: name, session, given, schema: options.params(session), runPrefix: options.runPrefix }),
    describeParams: (session) => describeParams(options.params(session)),
    readersOf: (session, name) => readersOf(options.params(session), name),
  }
}

function timetableOf(schedule: string | ScheduleOptions | undefined): Timetable | null {
  if (schedule === undefined) return null
  return { ...standardTimetable, ...(typeof schedule === 'string' ? { cron: schedule } : schedule) }
}

class TaskList {
  readonly definitions: TaskDefinition[] = []
  readonly #dag: string
  readonly #definition = Symbol('dag definition')

  constructor(dag: string) {
    this.#dag = dag
  }

  add(kind: TaskKind, id: string, options: PromoteOptions<Readonly<Record<string, unknown>>> = {}): TaskRef {
    refuseUnknownTaskOptions(this.#dag, id, options)
    const {
      script = id,
      args = [],
      nodeOptions = [],
      environment = {},
      upstream = [],
      retries = 0,
      retryDelayMs = 10_000,
      retryMaxDelayMs = 3_600_000,
      pool = null,
      priority = 0,
      timeoutMs = null,
      deferLimitMs = standardDeferLimitMs,
      requires = {},
    } = options
    const stranger = upstream.find((task) => !task.belongsTo(this.#definition))
    if (stranger !== undefined) {
      throw new PipelineError(`task ${id} of dag ${this.#dag}: its upstream task ${stranger.id} belongs to another dag`, {
        exitCode: 2,
      })
    }
    const required = Object.entries(requires).map(([param, value]) => [param, String(value)] as const)
    const edges = upstream.map((task) => task.id)
    this.definitions.push({
      id,
      kind,
      script,
      args,
      nodeOptions,
      environment,
      upstream: edges,
      retries,
      retryDelayMs,
      retryMaxDelayMs,
      pool,
      priority,
      timeoutMs,
      deferLimitMs,
      requires: Object.fromEntries(required.toSorted(([left], [right]) => (left < right ? -1 : 1))),
    })
    return new TaskRef(id, this.#definition)
  }
}
