/** What retention asks of whoever keeps the state of runs. Types only. */
import type { PromotionLedger } from './promotion-ledger.ts'

export interface RunState {
  readonly isRunning: boolean
  readonly endedAt: Date | null
}

/** Logs or result files of one run. */
export interface OldFiles {
  readonly runId: string
  readonly path: string
  readonly bytes: number
}

export interface RunBook extends Pick<PromotionLedger, 'before' | 'isRolledBack'> {
  /** Null when the state does not know the run. */
  runState(runId: string): RunState | null
  /** Whether the pointer was ever moved to the run. */
  wasPublished(runId: string): boolean
  /** A history run reads snapshots and may be about to register one. */
  isHistoryRunning(): boolean
  /** A run under way that reads the dumps of this month; null when there is none. */
  runOfMonth(month: string): string | null
  /** Runs `work` while no run can begin or be resumed. Taken inside the lock of the lake, as a promotion does. */
  exclusively<Result>(work: () => Result): Result
  /** Logs and result files of runs that ended before an instant. */
  oldLogs(before: Date): readonly OldFiles[]
  /** @returns false when the run has been resumed since the files were found */
  removeLogs(files: OldFiles, before: Date): boolean
}
