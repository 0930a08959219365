/** Finds what ingest and build said of their own work. */
import type { Dataset, DumpName } from '../../discogs/dataset.ts'
import { PipelineError } from '../../errors.ts'
import type { NamedStageReport } from '../../lake/read-stage-reports.ts'
import type { StagedDataset } from '../../lake/stage-report.ts'

/** Name of the report of the task that builds the warehouse tables. */
export const buildReport = 'build_warehouse'

/** Name of the report of the task that ingests a dump. */
export function ingestReport(dump: DumpName): string {
  return `ingest_${dump}`
}

/** @throws PipelineError when the report was not written */
export function reportNamed(reports: readonly NamedStageReport[], name: string): NamedStageReport {
  const report = reports.find((candidate) => candidate.name === name)
  if (report === undefined) throw new PipelineError(`there is no stage report ${name}.json`)
  return report
}

/** What the task that wrote a dataset said of it. */
export function stagedDataset(reports: readonly NamedStageReport[], { name, dump }: Dataset): StagedDataset {
  const report = reportNamed(reports, dump === null ? buildReport : ingestReport(dump))
  const staged = report.datasets[name]
  if (staged === undefined) throw new PipelineError(`stage report ${report.name}.json does not tell of ${name}`)
  return staged
}
