/** `dag runs --stats`: how long runs take, against how long they took. */
import { durationStats, type TimedRun } from '../scheduler/run-stats.ts'
import type { RunRecord, Store } from '../scheduler/store.ts'
import { duration, print, printJson, styled, table } from './output.ts'

/** @param limit how many runs of each dag count */
export function showStats(store: Store, limit: number, json: boolean): void {
  const dagIds = [...new Set(store.runs({ state: 'success' }).map((run) => run.dagId))].toSorted()
  const stats = dagIds.map((dagId) => {
    const runs = store.runs({ dagId, state: 'success', limit })
    return { dag: dagId, run: runs[0]?.runId, stats: durationStats(runs.map((run) => timed(store, run))) }
  })
  if (json) return printJson(stats)
  if (stats.length === 0) print('no run has succeeded yet')
  for (const { dag, run, stats: lines } of stats) {
    print(`${styled('bold', dag)}  ${run} against ${lines[0]?.runs ?? 0} before it`)
    const rows = lines.map(({ taskId, latestMs, medianMs, longestMs, ratio }) => [
      taskId ?? 'run',
      duration(latestMs),
      medianMs === null ? '' : duration(medianMs),
      longestMs === null ? '' : duration(longestMs),
      ratio === null ? '' : `${ratio.toFixed(2)} ×`,
    ])
    print(table(['!task', '>latest', '>median', '?>longest', '>latest / median'], rows))
  }
}

/** What was carried over from an earlier attempt took no time in this one. */
function timed(store: Store, { runId, attempt }: RunRecord): TimedRun {
  const { startedAt, endedAt } = store.attempt(runId, attempt)
  const tasks = store.tasks(runId).flatMap((task) => {
    const ms = task.carriedFrom === null ? elapsed(task.startedAt, task.endedAt) : null
    return ms === null ? [] : [[task.taskId, ms] as const]
  })
  return { runId, durationMs: elapsed(startedAt, endedAt) ?? 0, tasks: new Map(tasks) }
}

function elapsed(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Date.parse(to) - Date.parse(from)
}
