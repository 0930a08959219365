/**
 * Views with one snapshot a month, its newest: sums and series over months come out right, however often a month was run. In the portable
 * subset; each text reads event tables alone, so the views may be made in any order.
 */
import { eventTables, latestSelect } from './events.ts'

interface MonthView {
  /** For the catalogue. */
  readonly about: string
  /** Type by column. */
  readonly columns: Readonly<Record<string, 'VARCHAR' | 'BIGINT'>>
  /** Event tables that the text reads. */
  readonly of: readonly (keyof typeof eventTables)[]
  readonly select: string
}

const monthOfRun = 'coalesce(dump_month, substr(session, 1, 7))'

/** The newest run of each month, by the rules of `pairs` in growth.ts: excluded and invalid runs do not count. */
const newestRuns = `SELECT month, ${Object.keys(eventTables.run_registry_events).join(', ')} FROM (
    SELECT r.*, ${monthOfRun} AS month,
      row_number() OVER (PARTITION BY ${monthOfRun} ORDER BY coalesce(dump_month, '') DESC, session DESC, run_id DESC) AS place
    FROM (${latestSelect('run_registry_latest')}) AS r WHERE state IN ('registered', 'removed')
  ) AS ranked WHERE place = 1`

const kpis = `SELECT r.month, r.run_id, k.kpi, k.member, k.value
  FROM (${newestRuns}) AS r JOIN (${latestSelect('kpi_snapshot_latest')}) AS k ON k.run_id = r.run_id`

const growth = `WITH runs AS (SELECT month, run_id, lag(run_id) OVER (ORDER BY month) AS previous_run_id FROM (${newestRuns}) AS n)
  SELECT r.month, r.run_id, c.month AS compared_month, c.run_id AS compared_run_id, g.span, g.measure, g.member, g.value
  FROM (${latestSelect('growth_latest')}) AS g
  JOIN runs AS r ON r.run_id = g.run_id
  JOIN runs AS c ON c.run_id = g.compared_run_id
  WHERE g.span = 'previous' AND c.run_id = r.previous_run_id
    OR g.span = 'year' AND c.month = CAST(CAST(substr(r.month, 1, 4) AS INTEGER) - 1 AS VARCHAR) || substr(r.month, 5)`

const ofRun = { month: 'VARCHAR', run_id: 'VARCHAR' } as const

export const monthViews = {
  run_by_month: {
    about: 'The newest sound snapshot of each month.',
    columns: { month: 'VARCHAR', ...eventTables.run_registry_events },
    of: ['run_registry_events'],
    select: newestRuns,
  },
  kpi_by_month: {
    about: 'Numbers about the newest snapshot of each month.',
    columns: { ...ofRun, kpi: 'VARCHAR', member: 'VARCHAR', value: 'BIGINT' },
    of: ['run_registry_events', 'kpi_snapshot_events'],
    select: kpis,
  },
  growth_by_month: {
    about: 'Changes from month to month, and from year to year, between the newest snapshots of the months.',
    columns: {
      ...ofRun,
      compared_month: 'VARCHAR',
      compared_run_id: 'VARCHAR',
      span: 'VARCHAR',
      measure: 'VARCHAR',
      member: 'VARCHAR',
      value: 'BIGINT',
    },
    of: ['run_registry_events', 'growth_events'],
    select: growth,
  },
} as const satisfies Record<string, MonthView>

export type MonthViewName = keyof typeof monthViews
