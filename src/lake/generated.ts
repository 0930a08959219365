/** Tells generated snapshots, such as the demo's, from real ones: where a lake has both, nothing mixes them. */
import { PipelineError } from '../errors.ts'
import { runDir } from './layout.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** Earlier versions did not mark generated dumps, but gave them months that no real dump has. */
const firstGeneratedMonth = '2099-01'

/** Whether a snapshot was made from generated dumps. */
export function isGenerated({ generated, params }: Pick<Manifest, 'generated' | 'params'>): boolean {
  return generated === true || (params['dump_month'] ?? '') >= firstGeneratedMonth
}

/** {@link isGenerated} of a sealed run. The month in the run id decides where no manifest can be read. */
export function isGeneratedRun(lakeDir: string, runId: string): boolean {
  try {
    return isGenerated(readManifest(runDir(lakeDir, runId)))
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return runId >= firstGeneratedMonth
  }
}

/** The real ones of some snapshots, or all of them when all were generated. */
export function withoutGenerated<Run extends { readonly isGenerated: boolean }>(runs: readonly Run[]): readonly Run[] {
  const real = runs.filter((run) => !run.isGenerated)
  return real.length === 0 ? runs : real
}
