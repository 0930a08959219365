/** The history as a Trino server shows it: the schema `discogs_history`, tables over the event files and the views of the newest events. */
import { basename } from 'node:path'
import {
  eventFiles,
  type EventTable,
  eventTables,
  historySchema,
  type LatestView,
  latestSelect,
  latestViews,
} from '../history/events.ts'
import { monthViews } from '../history/month-views.ts'
import { historyDir } from '../history/places.ts'
import { metaDir } from '../lake/layout.ts'
import type { Change } from '../sql/trino-plan.ts'
import { type ServedDataset, tablesOver, viewAs, type WantedSchema } from '../sql/trino-schema.ts'
import { applyPlans, planSchemas, settle } from '../sql/trino-sync.ts'
import { collisionsRetried, refuseConflicts } from './sync-obstacles.ts'
import { lakeUri, lakeUris, openTrino, type ServedLake } from './trino-lake.ts'

const about: Readonly<Record<EventTable | LatestView, string>> = {
  run_registry_events: 'What was found of each snapshot, whenever it changed.',
  kpi_snapshot_events: 'Numbers about each snapshot, whenever they were measured.',
  growth_events: 'What changed between two snapshots, whenever they were compared.',
  run_registry_latest: 'The newest event of each snapshot.',
  kpi_snapshot_latest: 'The newest measuring of each snapshot.',
  growth_latest: 'The newest comparison of each two snapshots.',
}

/**
 * Brings the schema to what there is; tables without any event yet are left out.
 * @returns what was changed
 * @throws PipelineError (exit 3) when relations of somebody else have names of ours
 */
export async function syncHistory(lake: ServedLake): Promise<readonly Change[]> {
  await using engine = await openTrino(lake)
  return collisionsRetried(lake.signal, async () => {
    const plan = () => planSchemas(engine, lake.trino.catalog, [wantedHistory(lake)], { bases: lakeUris(lake) })
    const plans = await plan()
    await settle(plans, plan, (some) => applyPlans(engine, some))
    refuseConflicts(plans.flatMap(({ conflicts }) => conflicts))
    return plans.flatMap(({ phases }) => phases.flat())
  })
}

function wantedHistory(lake: ServedLake): WantedSchema {
  const tables = (Object.keys(eventTables) as EventTable[]).filter((table) => eventFiles(lake.lakeDir, table).length > 0)
  const location = `${lakeUri(lake)}/${basename(metaDir(lake.lakeDir))}/${basename(historyDir(lake.lakeDir))}`
  const { relations } = tablesOver({
    schema: historySchema,
    location,
    datasets: tables.map((table) => served(table, table)),
    views: [],
  })
  const views = (Object.keys(latestViews) as LatestView[]).filter((view) => tables.includes(latestViews[view].of))
  const months = Object.entries(monthViews).filter(([, { of }]) => of.every((table) => tables.includes(table)))
  return {
    name: historySchema,
    relations: [
      ...relations,
      ...views.map((view) => {
        const { of } = latestViews[view]
        return viewAs(historySchema, served(view, of), { select: latestSelect(view), reads: inHistory([of]) })
      }),
      ...months.map(([name, { about: meaning, columns, select, of }]) =>
        viewAs(historySchema, declared(name, meaning, columns), { select, reads: inHistory(of) }),
      ),
    ],
  }
}

function inHistory(tables: readonly EventTable[]): readonly string[] {
  return tables.map((table) => `${historySchema}.${table}`)
}

function served(name: EventTable | LatestView, table: EventTable): ServedDataset {
  return declared(name, about[name], eventTables[table])
}

function declared(name: string, meaning: string, columns: Readonly<Record<string, 'VARCHAR' | 'BIGINT'>>): ServedDataset {
  const described = Object.entries(columns).map(([column, type]) => ({
    name: column,
    type,
    meaning: column.replaceAll('_', ' '),
  }))
  return { name, about: meaning, columns: described }
}
