/** Durations against earlier runs. Pure. */

/** A run that has succeeded. */
export interface TimedRun {
  readonly runId: string
  readonly durationMs: number
  /** By task id; tasks that were carried over are not there. */
  readonly tasks: ReadonlyMap<string, number>
}

export interface DurationStats {
  /** Null: the run as a whole. */
  readonly taskId: string | null
  readonly latestMs: number
  /** Of the runs before the latest; null without any. */
  readonly medianMs: number | null
  readonly longestMs: number | null
  /** How many runs before the latest. */
  readonly runs: number
  /** Latest divided by median, null when there is none. */
  readonly ratio: number | null
}

/** The latest run and each of its tasks against the others. @param runs newest first */
export function durationStats(runs: readonly TimedRun[]): readonly DurationStats[] {
  const [latest, ...earlier] = runs
  if (latest === undefined) return []
  const whole = statsOf(
    null,
    latest.durationMs,
    earlier.map((run) => run.durationMs),
  )
  const tasks = [...latest.tasks].map(([taskId, ms]) =>
    statsOf(
      taskId,
      ms,
      earlier.flatMap((run) => run.tasks.get(taskId) ?? []),
    ),
  )
  return [whole, ...tasks]
}

function statsOf(taskId: string | null, latestMs: number, before: readonly number[]): DurationStats {
  const medianMs = medianOf(before)
  return {
    taskId,
    latestMs,
    medianMs,
    longestMs: before.length === 0 ? null : Math.max(...before),
    runs: before.length,
    ratio: medianMs === null || medianMs === 0 ? null : latestMs / medianMs,
  }
}

function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((left, right) => left - right)
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}
