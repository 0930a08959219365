/** The events of all runs, put in order: one snapshot a month, its numbers by name. */
import { dumps } from '../../discogs/catalogue.ts'
import { type GrowthOfRun, isCounted, type KpiOfRun, monthOf, type RegisteredRun } from '../records.ts'

/** What the report is made from; numbers that were not measured are missing or null. */
export interface ReportInput {
  /** When the report was made, as it shall be shown. */
  readonly generatedAt: string
  readonly runs: readonly RegisteredRun[]
  readonly kpis: readonly KpiOfRun[]
  readonly growth: readonly GrowthOfRun[]
}

/** One of the four kinds of records. */
export interface Entity {
  /** Of its dump, such as `releases`. */
  readonly name: string
  /** Its record table. */
  readonly dataset: string
}

export interface Member {
  readonly member: string
  readonly value: bigint
}

/** The newest valid run of a month. */
export interface Snapshot {
  readonly run: RegisteredRun
  /** `YYYY-MM`. */
  readonly month: string
  readonly kpi: (name: string, member?: string | null) => bigint | null
  /** All members of a KPI that have a value, the greatest first. */
  readonly members: (name: string) => readonly Member[]
  readonly growth: (span: GrowthOfRun['span'], measure: string, entity: Entity) => bigint | null
  /** As they come, the greatest first. */
  readonly grown: (measure: string) => readonly Member[]
  /** The run it was compared with. */
  readonly compared: (span: GrowthOfRun['span']) => string | null
  /** The month of that run, `YYYY-MM`. */
  readonly since: (span: GrowthOfRun['span']) => string | null
}

export interface ReportModel {
  readonly generatedAt: string
  /** All runs, the newest first. */
  readonly runs: readonly RegisteredRun[]
  /** By month. */
  readonly snapshots: readonly Snapshot[]
}

/** Releases first: they are what people ask for. */
export const entities: readonly Entity[] = ['releases', 'masters', 'artists', 'labels'].flatMap((name) => {
  const dataset = dumps.find((dump) => dump.name === name)?.datasets.find(({ essential }) => essential)
  return dataset === undefined ? [] : [{ name, dataset: dataset.name }]
})

export function reportModel({ generatedAt, runs, kpis, growth }: ReportInput): ReportModel {
  const inOrder = runs.toSorted((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1))
  const ofMonth = new Map(inOrder.filter(isCounted).map((run) => [monthOf(run), run]))
  const kpisOf = Map.groupBy(kpis, ({ runId }) => runId)
  const growthOf = Map.groupBy(growth, ({ runId }) => runId)
  const monthOfRun = new Map(runs.map((run) => [run.runId, monthOf(run)]))
  return {
    generatedAt,
    runs: inOrder.toReversed(),
    snapshots: [...ofMonth].map(([month, run]) =>
      snapshot({ month, run, kpis: kpisOf.get(run.runId) ?? [], growth: growthOf.get(run.runId) ?? [], monthOfRun }),
    ),
  }
}

function orderOf(run: RegisteredRun): string {
  return `${monthOf(run)} ${run.session} ${run.runId}`
}

interface Measured {
  readonly month: string
  readonly run: RegisteredRun
  readonly kpis: readonly KpiOfRun[]
  readonly growth: readonly GrowthOfRun[]
  readonly monthOfRun: ReadonlyMap<string, string>
}

function snapshot({ month, run, kpis, growth, monthOfRun }: Measured): Snapshot {
  const compared = (span: GrowthOfRun['span']): string | null => growth.find((one) => one.span === span)?.comparedRunId ?? null
  const values = new Map(kpis.map(({ kpi, member, value }) => [`${kpi}\0${member ?? ''}`, value]))
  const changes = new Map(growth.map(({ span, measure, member, value }) => [`${span}\0${measure}\0${member ?? ''}`, value]))
  return {
    run,
    month,
    kpi: (name, member = null) => values.get(`${name}\0${member ?? ''}`) ?? null,
    members: (name) => greatestFirst(kpis.filter(({ kpi }) => kpi === name)),
    growth: (span, measure, { name, dataset }) =>
      changes.get(`${span}\0${measure}\0${name}`) ?? changes.get(`${span}\0${measure}\0${dataset}`) ?? null,
    grown: (measure) => greatestFirst(growth.filter((one) => one.span === 'previous' && one.measure === measure)),
    compared,
    since: (span) => monthOfRun.get(compared(span) ?? '') ?? null,
  }
}

function greatestFirst(values: readonly { readonly member: string | null; readonly value: bigint | null }[]): readonly Member[] {
  return values
    .flatMap(({ member, value }) => (value === null ? [] : [{ member: member ?? 'not given', value }]))
    .toSorted((left, right) => {
      if (left.value !== right.value) return left.value > right.value ? -1 : 1
      return left.member < right.member ? -1 : 1
    })
}

/**
 * What the page of each month is made from: the numbers of its snapshot, and the runs that the page names. It stays the same when a
 * month comes that is no neighbour.
 */
export function monthInputs(input: ReportInput): ReadonlyMap<string, ReportInput> {
  const { snapshots } = reportModel(input)
  const kpisOf = Map.groupBy(input.kpis, ({ runId }) => runId)
  const growthOf = Map.groupBy(input.growth, ({ runId }) => runId)
  const runOf = new Map(input.runs.map((run) => [run.runId, run]))
  return new Map(
    snapshots.map(({ month, run, compared }, index) => {
      const named = [
        run.runId,
        snapshots[index - 1]?.run.runId,
        snapshots[index + 1]?.run.runId,
        compared('previous'),
        compared('year'),
      ]
      const runs = [...new Set(named)].flatMap((runId) => runOf.get(runId ?? '') ?? [])
      const { generatedAt } = input
      return [month, { generatedAt, runs, kpis: kpisOf.get(run.runId) ?? [], growth: growthOf.get(run.runId) ?? [] }]
    }),
  )
}
