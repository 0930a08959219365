/** Tells snapshots of part of a month from whole ones. They are published only when somebody asks for that by a param of its own. */
import { PipelineError } from '../errors.ts'
import { runDir } from './layout.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** What a snapshot was restricted to. */
export interface Partial {
  /** Only the first so many records of each dump. */
  readonly limit?: number
}

type Params = Readonly<Record<string, string>>

/** The restrictions that the params of a run ask for; null for a whole month. */
export function partialOf(params: Params): Partial | null {
  const limit = limitOf(params)
  return limit === null ? null : { limit }
}

/** The param `limit`; null without one. 0 is none. */
export function limitOf(params: Params): number | null {
  const limit = Number(params['limit'] ?? 0)
  return limit > 0 ? limit : null
}

/** In words, after "the run holds"; null for a whole month. */
export function describePartial({ limit }: Partial): string {
  return `only the first ${limit} records of each dump`
}

/** Whether a snapshot is a quick look at the first records, which says nothing about its month. */
export function isLimited({ partial }: Pick<Manifest, 'partial'>): boolean {
  return partial?.limit !== undefined
}

/** {@link isLimited} of a sealed run; false where no manifest can be read. */
export function isLimitedRun(lakeDir: string, runId: string): boolean {
  try {
    return isLimited(readManifest(runDir(lakeDir, runId)))
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return false
  }
}

/** Some snapshots without those that were limited, or all of them when all were. */
export function withoutLimited<Run extends { readonly isLimited: boolean }>(runs: readonly Run[]): readonly Run[] {
  const whole = runs.filter((run) => !run.isLimited)
  return whole.length === 0 ? runs : whole
}
