/** The snapshots of a lake. */
import { readdirSync } from 'node:fs'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import { isRunId, runDir, runsDir } from './layout.ts'
import { readManifest } from './manifest.ts'

export interface SealedRun {
  readonly runId: string
  readonly dir: string
  /** `YYYY-MM`, null when the run was made without that param. */
  readonly dumpMonth: string | null
  /** UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
}

/** All sealed runs by run id; what has no readable manifest is left out. */
export function sealedRuns(lakeDir: string): readonly SealedRun[] {
  return runNames(lakeDir).flatMap((runId) => {
    const dir = runDir(lakeDir, runId)
    try {
      const { params, session } = readManifest(dir)
      return [{ runId, dir, dumpMonth: params['dump_month'] ?? null, session }]
    } catch (error) {
      if (error instanceof PipelineError) return []
      throw error
    }
  })
}

/** Entries of `_runs` that are named like a run, sorted. */
function runNames(lakeDir: string): readonly string[] {
  return runsDirEntries(lakeDir).filter(isRunId)
}

/** Names of everything in `_runs`, sorted; none without a lake. */
export function runsDirEntries(lakeDir: string): readonly string[] {
  try {
    return readdirSync(runsDir(lakeDir)).toSorted()
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return []
    throw new PipelineError(`listing ${runsDir(lakeDir)}: ${messageOf(cause)}`, { cause })
  }
}
