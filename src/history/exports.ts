/** The history as CSV files for people, each written whole and renamed. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import { toCsv } from '../sql/csv.ts'
import type { SqlValue } from '../sql/engine.ts'
import type { EventSource } from './events.ts'
import { latestGrowth } from './growth.ts'
import { latestKpis } from './measured.ts'
import { historyReportsDir } from './places.ts'
import type { GrowthOfRun, KpiOfRun } from './records.ts'

/** Which measures of growth stand in which file. */
const growthFiles: Readonly<Record<string, readonly string[]>> = {
  growth_ids: ['ids_before', 'ids_after', 'ids_added', 'ids_removed', 'ids_changed'],
  growth_genres_and_styles: ['new_genre', 'new_style'],
  growth_labels: ['label_growth'],
  growth_countries: ['country_growth'],
  growth_formats: ['format_growth'],
}

/** Writes all of them from the newest events, but for those that say so already. @returns names of the files */
export async function exportHistory(source: EventSource, lakeDir: string): Promise<readonly string[]> {
  const [kpis, growth] = [await latestKpis(source), await latestGrowth(source)]
  const files: Readonly<Record<string, string>> = {
    history_kpis_long_latest: longCsv(kpis),
    history_kpis_wide_latest: wideCsv(kpis),
    ...Object.fromEntries(
      Object.entries(growthFiles).map(([name, measures]) => [
        name,
        growthCsv(growth.filter(({ measure }) => measures.includes(measure))),
      ]),
    ),
  }
  const directory = historyReportsDir(lakeDir)
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, `${name}.csv`)
    if (!existsSync(file) || readFileSync(file, 'utf8') !== content) writeFileAtomically(file, content)
  }
  return Object.keys(files).map((name) => `${name}.csv`)
}

function longCsv(kpis: readonly KpiOfRun[]): string {
  const rows = kpis.map(({ runId, dumpMonth, kpi, member, value }): SqlValue[] => [runId, dumpMonth, kpi, member, value])
  return toCsv(['run_id', 'dump_month', 'kpi', 'member', 'value'], rows)
}

/** A run a line, a KPI a column; countries, genres and their like are as many as the world has, and stand in the long file alone. */
function wideCsv(kpis: readonly KpiOfRun[]): string {
  const narrow = kpis.filter(({ kpi }) => !kpi.startsWith('releases_by_'))
  const nameOf = ({ kpi, member }: KpiOfRun): string => (member === null ? kpi : `${kpi}.${member}`)
  const columns = [...new Set(narrow.map(nameOf))].toSorted()
  const rows = [...Map.groupBy(narrow, ({ runId }) => runId)].map(([runId, ofRun]): SqlValue[] => {
    const values = new Map(ofRun.map((kpi) => [nameOf(kpi), kpi.value]))
    const numbers = columns.map((column): SqlValue => values.get(column) ?? null)
    return [runId as SqlValue, ofRun[0]?.dumpMonth ?? null].concat(numbers)
  })
  return toCsv(['run_id', 'dump_month', ...columns], rows)
}

function growthCsv(growth: readonly GrowthOfRun[]): string {
  const rows = growth.map(({ runId, dumpMonth, comparedRunId, span, measure, member, value }): SqlValue[] => [
    runId,
    dumpMonth,
    comparedRunId,
    span,
    measure,
    member,
    value,
  ])
  return toCsv(['run_id', 'dump_month', 'compared_run_id', 'span', 'measure', 'member', 'value'], rows)
}
