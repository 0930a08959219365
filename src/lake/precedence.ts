/** Which snapshot may replace the published one without being asked to: never one of an older month. */
import { PipelineError } from '../errors.ts'
import { isGenerated, isGeneratedRun } from './generated.ts'
import { runDir } from './layout.ts'
import { type Manifest, readManifest } from './manifest.ts'

/**
 * Compares a snapshot with the published one. Two snapshots of the same month may replace each other. A real month always replaces a
 * generated one, whatever their months are, and never the other way round.
 * @returns why the snapshot must not be published unasked; null when nothing speaks against it, or a month is unknown
 */
export function heldBackBy(lakeDir: string, candidate: Manifest, activeRunId: string): string | null {
  const isDemo = isGenerated(candidate)
  if (isDemo !== isGeneratedRun(lakeDir, activeRunId))
    return isDemo ? `its dumps were generated, and the published run ${activeRunId} is of real ones` : null
  const month = monthOf(candidate)
  const published = monthOfRun(lakeDir, activeRunId)
  if (month === null || published === null || month >= published) return null
  return `its month ${month} is older than ${published}, the month of the published run ${activeRunId}`
}

/** `YYYY-MM` of a snapshot's dumps: the param, else the beginning of the run id; null when neither is a month. */
export function monthOf({ runId, params }: Pick<Manifest, 'runId' | 'params'>): string | null {
  const named = [params['dump_month'] ?? '', runId.split('__')[0] ?? '']
  return named.find((name) => /^\d{4}-(0[1-9]|1[0-2])$/.test(name)) ?? null
}

/** {@link monthOf} of a sealed run, by its run id alone where no manifest can be read. */
export function monthOfRun(lakeDir: string, runId: string): string | null {
  try {
    return monthOf(readManifest(runDir(lakeDir, runId)))
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return monthOf({ runId, params: {} })
  }
}
