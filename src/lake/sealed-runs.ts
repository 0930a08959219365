/** The snapshots of a lake. */
import { readdirSync } from 'node:fs'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import { isGenerated } from './generated.ts'
import { isRunId, runDir, runsDir } from './layout.ts'
import { readManifest } from './manifest.ts'
import { isLimited } from './partial.ts'

export interface SealedRun {
  readonly runId: string
  readonly dir: string
  /** `YYYY-MM`, null when the run was made without that param. */
  readonly dumpMonth: string | null
  /** UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
  readonly isGenerated: boolean
  readonly isLimited: boolean
}

/** A directory that is named like a run and tells nothing of itself. */
export interface UnreadableRun {
  readonly runId: string
  /** What is wrong with its manifest. */
  readonly reason: string
}

export interface SealedRuns {
  readonly runs: readonly SealedRun[]
  readonly unreadable: readonly UnreadableRun[]
}

/** The runs of a lake, both kinds by run id. What is staged is neither. */
export function sealedRuns(lakeDir: string): SealedRuns {
  const runs: SealedRun[] = []
  const unreadable: UnreadableRun[] = []
  for (const runId of runNames(lakeDir)) {
    const dir = runDir(lakeDir, runId)
    try {
      const manifest = readManifest(dir)
      const { params, session } = manifest
      const kind = { isGenerated: isGenerated(manifest), isLimited: isLimited(manifest) }
      runs.push({ runId, dir, dumpMonth: params['dump_month'] ?? null, session, ...kind })
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      unreadable.push({ runId, reason: error.message })
    }
  }
  return { runs, unreadable }
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
