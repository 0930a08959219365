/** How the demo may publish: never in the place of a real month. */
import type { Config } from '../config.ts'
import { datasets } from '../discogs/catalogue.ts'
import { PipelineError } from '../errors.ts'
import { readManifest } from '../lake/manifest.ts'
import { resolveActive } from '../lake/pointer.ts'
import { demoMonths } from './month.ts'

/** A snapshot with more releases than this is a real month. */
const realMonthReleases = 10_000

/**
 * Params that let a made-up month be published, also where it is smaller than what is published.
 * @throws PipelineError when that is a real month
 */
export function publishingParams({ lakeDir }: Config): Readonly<Record<string, string>> {
  const publishing = { run_mode: 'prod', allow_promote: 'true' }
  const active = resolveActive(lakeDir)
  if (active === null || demoMonths.some(({ month }) => active.runId.startsWith(`${month}__`))) return publishing
  const releases = datasets.find(({ essential, dump }) => essential && dump === 'releases')?.name
  const rows = readManifest(active.dir).datasets.find(({ name }) => name === releases)?.rows ?? 0
  if (rows < realMonthReleases) return { ...publishing, truncation_percent: '100' }
  throw new PipelineError(`the demo will not be published over ${active.runId}, which has ${rows} releases`, {
    hint: 'set DISCOGS_DATA_LAKE to another directory for the demo',
  })
}
