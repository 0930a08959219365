/** Group `census`: what the tasks that read the dumps had to say about them. */
import { dumps } from '../../discogs/catalogue.ts'
import type { DumpName } from '../../discogs/dataset.ts'
import type { NamedStageReport } from '../../lake/read-stage-reports.ts'
import type { StageReport } from '../../lake/stage-report.ts'
import type { Check, Finding } from './check.ts'
import { type CheckScope, numberParam } from './scope.ts'
import { ingestReport, reportNamed } from './stage-reports.ts'

export function censusChecks(scope: CheckScope): readonly Check[] {
  const cap = numberParam(scope.context, 'quarantine_cap', 0)
  const perDump = dumps.flatMap(({ name }): Check[] => {
    const report = (): StageReport => reportNamed(scope.reports, ingestReport(name))
    return [
      checkOf(`census.unknown_paths.${name}`, 'WARN', '= 0', () => unknownPaths(report())),
      checkOf(`census.quarantine.${name}`, 'CRITICAL', `<= ${cap}`, () => quarantine(report(), cap)),
      checkOf(`census.source_hash.${name}`, 'INFO', 'verified', () => sourceHash(report())),
    ]
  })
  return [...perDump, checkOf('census.dump_dates', 'WARN', 'one date', () => dumpDates(scope.reports))]
}

function checkOf(name: string, severity: Check['severity'], expected: string, find: () => Finding): Check {
  // Async, so that what `find` throws is the check's own failure.
  return { name, severity, dataset: null, expected, measure: async () => Promise.resolve(find()) }
}

function unknownPaths({ census = [] }: StageReport): Finding {
  const unknown = census.filter(({ status }) => status === 'unknown')
  const details = unknown.map(({ path, count }) => `${path} (${count})`).join(', ')
  return { value: unknown.length, ok: unknown.length === 0, details, sample: unknown.map(({ path, count }) => ({ path, count })) }
}

/** Within the cap somebody allowed them, so they are a warning. */
function quarantine({ quarantined = 0 }: StageReport, cap: number): Finding {
  if (quarantined > cap)
    return { value: quarantined, ok: false, details: 'more records were rejected than quarantine_cap allows' }
  return quarantined === 0
    ? { value: 0, ok: true }
    : { value: quarantined, ok: false, severity: 'WARN', details: 'records were rejected' }
}

function sourceHash({ source }: StageReport): Finding {
  const verified = source?.verification === 'verified'
  return {
    value: source?.verification ?? null,
    ok: verified,
    details: verified ? '' : 'there was no checksum to compare the dump with',
  }
}

/** `discogs_YYYYMMDD_<dump>.xml.gz`: the four dumps of a month bear one date. */
function dumpDates(reports: readonly NamedStageReport[]): Finding {
  const dateOf = (dump: DumpName): string => {
    const { source } = reportNamed(reports, ingestReport(dump))
    return /\d{8}/.exec(source?.file ?? '')?.[0] ?? 'unknown'
  }
  const dates = dumps.map(({ name }) => ({ dump: name, date: dateOf(name) }))
  const distinct = [...new Set(dates.map(({ date }) => date))]
  const ok = distinct.length === 1 && distinct[0] !== 'unknown'
  return { value: distinct.join(', '), ok, details: ok ? '' : dates.map(({ dump, date }) => `${dump} ${date}`).join(', ') }
}
