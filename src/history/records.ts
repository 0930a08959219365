/** What the history pipeline measures and keeps, one record an event; `events.ts` writes them as Parquet. */

import { isGenerated } from '../lake/generated.ts'

/** Keys that a run is told by, first in every event. */
export interface OfRun {
  readonly runId: string
  /** `YYYY-MM` of the dumps; null when the run was made without that param. */
  readonly dumpMonth: string | null
}

/** A snapshot as it was found. */
export interface RegisteredRun extends OfRun {
  /** The instant the run was for, UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
  /**
   * `invalid` and `excluded` snapshots are left out of everything else: a generated one is excluded from a lake that has real ones, and one of the first records of each dump from every lake.
   * A `removed` one keeps what was measured.
   */
  readonly state: 'registered' | 'invalid' | 'excluded' | 'removed'
  /** What its dumps were; null for one that an earlier version registered. */
  readonly origin: 'real' | 'generated' | null
  /** Why it is not `registered`, or what it does not have of what snapshots have today. */
  readonly reason: string | null
  /** Of its manifest file; tells a run from another one under the same name. */
  readonly manifestSha256: string | null
  readonly rows: bigint
  readonly bytes: bigint
  /** Of the checks before the seal, from the run's reports. */
  readonly checksPassed: bigint
  readonly checksWarned: bigint
}

/** `YYYY-MM` of the dumps, else of the session. */
export function monthOf({ dumpMonth, session }: RegisteredRun): string {
  return dumpMonth ?? session.slice(0, 7)
}

/** Whether a snapshot has numbers: it is sound, or was when it was removed. */
export function isCounted({ state }: Pick<RegisteredRun, 'state'>): boolean {
  return state === 'registered' || state === 'removed'
}

/** Whether a snapshot was made from generated dumps; months tell it of those that carry no mark. */
export function isGeneratedSnapshot(run: RegisteredRun): boolean {
  return run.origin === 'generated' || isGenerated({ params: { dump_month: monthOf(run) } })
}

/** One number about one snapshot: a count, or a share in basis points (hundredths of a percent). */
export interface Kpi {
  readonly kpi: string
  /** What of it: a dataset, a country, a decade, a quantile; null when there is nothing to tell apart. */
  readonly member: string | null
  /** Null where the snapshot does not have what is measured. */
  readonly value: bigint | null
}

export interface KpiOfRun extends Kpi, OfRun {}

/** One number about two snapshots. */
export interface Growth {
  /** Against the snapshot before, or that of the same month a year before. */
  readonly span: 'previous' | 'year'
  /** `ids_before`, `ids_after`, `ids_added`, `ids_removed`, `ids_changed` by entity; `new_genre`, `new_style`; `label_growth`, `country_growth`, `format_growth`. */
  readonly measure: string
  readonly member: string
  /** Null where it cannot be told: `ids_changed` of snapshots with different columns. */
  readonly value: bigint | null
}

export interface GrowthOfRun extends Growth, OfRun {
  readonly comparedRunId: string
}
