/** The history as DuckDB shows it: the event tables and all views of them. */
import type { DuckDbEngine } from '../sql/duckdb.ts'
import {
  eventFiles,
  eventsIn,
  type EventTable,
  eventTables,
  historySchema,
  type LatestView,
  latestSelect,
  latestViews,
} from './events.ts'
import { monthViews } from './month-views.ts'

/** Creates the event tables and their views in {@link historySchema}, empty ones too. */
export async function registerEvents(engine: DuckDbEngine, lakeDir: string): Promise<void> {
  await engine.execute(`CREATE SCHEMA IF NOT EXISTS ${historySchema}`)
  const tables = (Object.keys(eventTables) as EventTable[]).map(
    (table) => [table, `SELECT * FROM ${eventsIn(table, eventFiles(lakeDir, table))}`] as const,
  )
  const latest = (Object.keys(latestViews) as LatestView[]).map((view) => [view, latestSelect(view)] as const)
  const months = Object.entries(monthViews).map(([name, { select }]) => [name, select] as const)
  for (const [name, select] of [...tables, ...latest, ...months])
    await engine.execute({ name: `view ${name}`, text: `CREATE OR REPLACE VIEW ${historySchema}.${name} AS ${select}` })
}
