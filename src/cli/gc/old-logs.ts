/** Logs and result files of runs that have ended long ago. The rows of the state stay: they are small, and the event log is append-only. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sizeOf } from '../../lake/retention.ts'
import type { Store } from '../../scheduler/store.ts'

export interface OldFiles {
  readonly runId: string
  readonly path: string
  readonly bytes: number
}

export function oldLogs(store: Store, before: Date): readonly OldFiles[] {
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
export function removeLogs(store: Store, { runId, path }: OldFiles, before: Date): boolean {
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
