/** How the demo may publish: never over a real month. */
import type { Config } from '../config.ts'
import { PipelineError } from '../errors.ts'
import { isGenerated } from '../lake/generated.ts'
import { readManifest } from '../lake/manifest.ts'
import { resolveActive } from '../lake/pointer.ts'
import { demoMonths } from './month.ts'

/**
 * Params that let a made-up month be published, also where it is smaller or older than what is published.
 * @throws PipelineError when that is a real month
 */
export function publishingParams({ lakeDir }: Config): Readonly<Record<string, string>> {
  const publishing = { run_mode: 'prod', allow_promote: 'true', allow_older: 'true' }
  const active = resolveActive(lakeDir)
  if (active === null || demoMonths.some(({ month }) => active.runId.startsWith(`${month}__`))) return publishing
  if (isGenerated(readManifest(active.dir))) return { ...publishing, truncation_percent: '100' }
  throw new PipelineError(`the demo does not replace the published ${active.runId}, a snapshot of real dumps`, {
    hint: 'set DISCOGS_DATA_LAKE to another directory for the demo',
  })
}
