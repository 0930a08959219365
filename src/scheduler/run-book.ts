/** What retention asks of the scheduler's state. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { OldFiles, RunBook } from '../lake/run-book.ts'
import { sizeOf } from '../lake/trash.ts'
import { openStore, type Store } from './store.ts'

/** The run book of a state directory, with a connection of its own that lives as long as the process. */
export function openRunBook(stateDir: string): RunBook {
  return runBookOf(openStore(stateDir))
}

export function runBookOf(store: Store): RunBook {
  return {
    before: (runId) => store.promotionOver(runId)?.fromRunId ?? null,
    isRolledBack: (runId) => store.isRolledBack(runId),
    runState: (runId) => {
      const run = store.findRun(runId)
      if (run === null) return null
      return { isRunning: run.state === 'running', endedAt: run.endedAt === null ? null : new Date(run.endedAt) }
    },
    wasPublished: (runId) => store.wasPublished(runId),
    isHistoryRunning: () => store.runs({ dagId: 'history', state: 'running', limit: 1 }).length > 0,
    runOfMonth: (month) => store.runs({ state: 'running' }).find(({ params }) => params['dump_month'] === month)?.runId ?? null,
    exclusively: (work) => store.change.transaction(work),
    oldLogs: (before) => oldLogs(store, before),
    removeLogs: (files, before) => removeLogs(store, files, before),
  }
}

/** The rows of the state stay: they are small, and the event log is append-only. */
function oldLogs(store: Store, before: Date): readonly OldFiles[] {
  return ['logs', 'results'].flatMap((kind) => {
    const directory = join(store.stateDir, kind)
    const names = existsSync(directory) ? readdirSync(directory) : []
    return names.flatMap((runId) => {
      const path = join(directory, runId)
      return isOld(store, runId, before) ? [{ runId, path, bytes: sizeOf(path) }] : []
    })
  })
}

/** Asked again: the run may have been resumed meanwhile. */
function removeLogs(store: Store, { runId, path }: OldFiles, before: Date): boolean {
  return store.change.transaction(() => {
    if (!isOld(store, runId, before)) return false
    rmSync(path, { recursive: true, force: true })
    return true
  })
}

function isOld(store: Store, runId: string, before: Date): boolean {
  const endedAt = store.findRun(runId)?.endedAt ?? null
  return endedAt !== null && new Date(endedAt) < before
}
