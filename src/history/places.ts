/**
 * Where the history lies in a lake: beside the runs, never below one.
 *
 *     _meta/discogs_history/run_registry_events/*.parquet    kpi_snapshot_events/    growth_events/
 *     _meta/discogs_history/row_hashes/<run_id>-<manifest>/<entity>.parquet
 *     _meta/discogs_history/reports/
 */
import { join } from 'node:path'
import { metaDir } from '../lake/layout.ts'

export function historyDir(lakeDir: string): string {
  return join(metaDir(lakeDir), 'discogs_history')
}

/** What was exported for people. */
export function historyReportsDir(lakeDir: string): string {
  return join(historyDir(lakeDir), 'reports')
}

/** Row hashes of one snapshot. @param manifestSha256 tells it from another run under the same name */
export function rowHashesDir(lakeDir: string, runId: string, manifestSha256: string): string {
  return join(historyDir(lakeDir), 'row_hashes', `${runId}-${manifestSha256.slice(0, 12)}`)
}
