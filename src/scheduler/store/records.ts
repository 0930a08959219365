/** What the store gives out: rows of the state in the code's own names. Times are ISO 8601, UTC, with milliseconds. */
import type { InputFile } from '../../lake/input-file.ts'
import type { Promotion } from '../../lake/promotion-ledger.ts'
import type { CheckResult } from '../context.ts'
import type { TaskKind } from '../dag.ts'
import type { RunState, TaskState, TryState } from '../states.ts'
import type { PromotionState, Subject, Tables, Trigger } from './tables.ts'

export type Row<Name extends keyof Tables> = Tables[Name]

export interface RunRecord {
  readonly runId: string
  readonly dagId: string
  readonly session: string
  /** As they are shown: `***` in place of a secret. */
  readonly params: Readonly<Record<string, string>>
  /** Names of the params that hold secrets here; only on its way to the tasks. */
  readonly secretParams?: readonly string[]
  readonly state: RunState
  readonly reason: string | null
  readonly trigger: Trigger
  readonly triggeredBy: string
  /** The latest attempt; counts from 1. */
  readonly attempt: number
  readonly createdAt: string
  readonly endedAt: string | null
  /** Absolute; null when it was last run before it was recorded. */
  readonly lakeDir: string | null
  /** Likewise. */
  readonly rawDir: string | null
}

export interface AttemptRecord {
  readonly runId: string
  readonly attempt: number
  readonly planHash: string
  readonly state: RunState
  readonly reason: string | null
  readonly parallelism: number
  readonly pid: number
  readonly host: string
  readonly startedAt: string
  readonly endedAt: string | null
}

export interface TaskRecord {
  readonly runId: string
  readonly attempt: number
  readonly taskId: string
  readonly kind: TaskKind
  readonly state: TaskState
  readonly reason: string | null
  /** The earlier attempt in which it succeeded, null when it belongs to this one. */
  readonly carriedFrom: number | null
  readonly tries: number
  readonly retries: number
  /** Of retry_wait and deferred: when the next try may start. */
  readonly notBefore: string | null
  /** Since when it is, or was, waiting for a place. */
  readonly queuedAt: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly rows: Readonly<Record<string, number>> | null
  readonly bytes: number | null
  readonly note: string | null
  readonly inputs: readonly InputFile[] | null
}

export interface TryRecord {
  readonly runId: string
  readonly attempt: number
  readonly taskId: string
  readonly tryNumber: number
  readonly state: TryState
  readonly reason: string | null
  readonly pid: number | null
  readonly pidStarted: string | null
  readonly exitCode: number | null
  readonly signal: string | null
  /** Absolute. */
  readonly logFile: string
  /** Absolute. */
  readonly resultFile: string
  readonly deadline: string | null
  readonly startedAt: string
  readonly endedAt: string | null
}

export interface CheckRecord extends CheckResult {
  readonly runId: string
  readonly attempt: number
  readonly taskId: string
  readonly tryNumber: number
  readonly recordedAt: string
}

export interface PromotionRecord extends Promotion {
  readonly id: number
  readonly state: PromotionState
  /** What the checks of the promoted run said when it was begun. */
  readonly verdict: string
  readonly note: string | null
  readonly begunAt: string
  readonly endedAt: string | null
}

export interface EventRecord {
  readonly id: number
  readonly at: string
  readonly subject: Subject
  readonly runId: string | null
  readonly attempt: number | null
  readonly taskId: string | null
  readonly tryNumber: number | null
  readonly fromState: string | null
  readonly toState: string
  readonly detail: string | null
}

export interface LeaseRecord {
  readonly owner: string
  readonly pid: number
  readonly pidStarted: string
  readonly host: string
  /** Grows with every holder there ever was. */
  readonly token: number
  /** Heartbeats so far. */
  readonly beats: number
  readonly acquiredAt: string
  readonly heartbeatAt: string
}
