/** Metrics of the state, and the file they go to. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { isDeferred } from '../scheduler/deferral.ts'
import { type DagMetrics, metricsText } from '../scheduler/metrics.ts'
import type { Store } from '../scheduler/store.ts'

export function metricsOf(store: Store): string {
  const scheduled = store.schedules.all().map((schedule) => schedule.dagId)
  const dagIds = [...new Set([...store.runs().map((run) => run.dagId), ...scheduled])].toSorted()
  return metricsText(dagIds.map((dagId) => dagMetrics(store, dagId)))
}

/** Whole or not at all: a collector may read at any instant. It ignores the name the file has until then. */
export function writeMetrics(file: string, store: Store): void {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, metricsOf(store))
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function dagMetrics(store: Store, dag: string): DagMetrics {
  const [success] = store.runs({ dagId: dag, state: 'success', limit: 1 })
  const failed = store.runs({ dagId: dag, state: 'failed' })
  const latest = store.runs({ dagId: dag, limit: 50 }).find((run) => run.state !== 'running')
  const schedule = store.schedules.find(dag)
  const { startedAt, endedAt } = success === undefined ? { startedAt: null, endedAt: null } : store.attempt(success.runId)
  const rows = success === undefined ? [] : store.tasks(success.runId).map((task) => task.rows ?? {})
  return {
    dag,
    lastSuccess: seconds(endedAt),
    durationSeconds: startedAt === null || endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
    rows: Object.assign({}, ...rows),
    failedRuns: failed.length,
    isLastFailed: latest?.state === 'failed',
    deferredRuns: store.runs({ dagId: dag, state: 'running' }).filter(({ runId }) => isDeferred(store.tasks(runId))).length,
    nextSlot: schedule === null || schedule.isPaused ? null : schedule.nextSlot.getTime() / 1000,
  }
}

function seconds(at: string | null): number | null {
  return at === null ? null : Date.parse(at) / 1000
}
