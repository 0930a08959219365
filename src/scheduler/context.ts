/**
 * What a task sees of the world, and what it gives back: the two sides of the process boundary. Types only.
 */
import type { InputFile } from '../lake/input-file.ts'
import type { PromotionLedger } from '../lake/promotion-ledger.ts'
import type { RunBook } from '../lake/run-book.ts'
import type { DownloadSettings } from '../settings/download.ts'
import type { TrinoSettings } from '../sql/trino.ts'

export type Severity = 'CRITICAL' | 'WARN' | 'INFO'

/** The outcome of one check; one row of `check_result` and of the CSV reports. */
export interface CheckResult {
  readonly checkName: string
  readonly severity: Severity
  /** The dataset it is about, null for a check of the whole run. */
  readonly dataset: string | null
  /** What was measured, as text (a count, a ratio, a name), null if it could not be measured. */
  readonly value: string | null
  /** What was asked for, in words a person reads, such as `= 0` or `>= 98 % of previous`. */
  readonly expected: string | null
  /** The same measure of the previous snapshot, null if there is none. */
  readonly previous: string | null
  readonly ok: boolean
  readonly details: string
  readonly durationMs: number
  /** A few failing rows, as plain JSON values. */
  readonly sample: readonly Readonly<Record<string, unknown>>[]
}

/** How far a task is. `done` and `total` are in `unit`; all rates are per second of wall time. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly unit: 'bytes' | 'steps'
  readonly records?: number
  readonly recordsPerSecond?: number
  readonly etaSeconds?: number
  /** What is being done right now, such as a table's name. */
  readonly message?: string
}

/** What a task reports when it has succeeded. A failing task may still report `checks`. */
export interface TaskResult {
  /** Rows written, by dataset. */
  readonly rows?: Readonly<Record<string, number>>
  /** Bytes written. */
  readonly bytes?: number
  readonly checks?: readonly CheckResult[]
  /** Files that it has read. When one of them changes before its run has used the result, the task runs again. */
  readonly inputs?: readonly InputFile[]
  /** Set when there was nothing to do; the reason a person reads. The task still counts as success. */
  readonly note?: string
  /** Why the task decided against its work. Its state is then `skipped`; the tasks below it run all the same. */
  readonly skipped?: string
}

/** Settings that reach tasks from the environment. */
export interface TaskSettings {
  readonly sqlEngine: 'duckdb' | 'trino' | 'both'
  readonly trinoUrl: string | null
  /** Null when there is no server. Holds secrets: never logged, never part of a plan. */
  readonly trino: TrinoSettings | null
  /** May hold the password of a proxy. */
  readonly download: DownloadSettings
}

/** Everything a task may know: a task is a function of this and nothing else. */
export interface TaskContext {
  readonly runId: string
  readonly dagId: string
  readonly taskId: string
  /** The instant the run is for, UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
  readonly attempt: number
  /** Counts from 1. */
  readonly tryNumber: number
  /** When this task first asked, in this attempt, to be started again later (NotYetError); null when it has not. */
  readonly deferredSince: Date | null
  readonly args: readonly string[]
  /** All params of the run, by name, as text. */
  readonly params: Readonly<Record<string, string>>
  /** Names of params whose values must not be written anywhere. */
  readonly secretParams: readonly string[]
  /** Absolute. */
  readonly lakeDir: string
  /** Absolute; holds a folder per month. */
  readonly rawDir: string
  readonly settings: TaskSettings
  /** Aborted when the task must end (SIGTERM or SIGINT). */
  readonly signal: AbortSignal
  now(): Date
  log(line: string): void
  progress(progress: Progress): void
  /** Records check results even if the task fails afterwards. */
  recordChecks(checks: readonly CheckResult[]): void
  /** A named instant; tests kill or hold the process here. */
  reached(step: string): void
  /** Gate and audit trail of promotions in the scheduler's state; null when there is no scheduler. */
  ledger(): PromotionLedger | null
  /** What the state knows of runs; throws when there is no scheduler state. */
  runBook(): RunBook
}

/** A task: a plain function of its context. */
export type Task = (context: TaskContext) => Promise<TaskResult>
