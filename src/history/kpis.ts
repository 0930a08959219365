/** The KPIs of one snapshot: the questions of `sql/kpi/`, the same texts on every engine. */
import type { SqlEngine, SqlRow } from '../sql/engine.ts'
import { listQuestions, type Question } from './questions.ts'
import type { Kpi } from './records.ts'
import { hasAll, type Lacks, nothing } from './snapshot-tables.ts'

export interface MeasureOptions {
  /** What the snapshot does not have: KPIs that need it have no value. */
  readonly lacks?: Lacks
  /** Datasets of which it is known that no key stands on two rows: their keys are as many as their rows, and are not counted. */
  readonly unique?: ReadonlySet<string>
  /** Further sessions that show the same snapshot: questions are asked side by side. */
  readonly beside?: readonly SqlEngine[]
  /** Told how many questions there are and which one is next. */
  readonly onQuestion?: (done: number, total: number, kpi: string) => void
}

/** Measures the snapshot that an engine shows. @returns sorted by kpi and member */
export async function measureKpis(
  engine: SqlEngine,
  { lacks = nothing, unique = new Set(), beside = [], onQuestion = () => {} }: MeasureOptions = {},
): Promise<readonly Kpi[]> {
  const kpis: Kpi[] = []
  const questions = await listQuestions()
  const queue = numbered(questions)
  const ask = async (session: SqlEngine): Promise<void> => {
    for (const [done, question] of queue) {
      onQuestion(done, questions.length, nameOf(question))
      if (!hasAll(question.needs, lacks)) kpis.push(...question.about.map((about) => ({ ...about, value: null })))
      else if (question.keysOf === null || !unique.has(question.keysOf))
        kpis.push(...(await session.query(question.sql)).map(kpiOf))
    }
  }
  // One that fails leaves its loop and so ends the queue for all, after what they have begun.
  const ended = await Promise.allSettled([engine, ...beside].map(ask))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return [...kpis, ...keysAsRows(kpis, unique)].toSorted(byName)
}

/** Unlike an array's own entries it ends when one of those who share it leaves its loop. */
function* numbered<Item>(items: readonly Item[]): Generator<readonly [number, Item]> {
  yield* items.entries()
}

function nameOf({ about: [about] }: Question): string {
  return about === undefined || about.member === null ? (about?.kpi ?? '') : `${about.kpi} of ${about.member}`
}

/** Of the datasets whose distinct keys were not counted. */
function keysAsRows(kpis: readonly Kpi[], unique: ReadonlySet<string>): readonly Kpi[] {
  const counted = new Set(kpis.flatMap(({ kpi, member }) => (kpi === 'distinct_keys' ? [member] : [])))
  const rows = kpis.filter(({ kpi, member }) => kpi === 'rows' && member !== null && unique.has(member) && !counted.has(member))
  return rows.map(({ member, value }) => ({ kpi: 'distinct_keys', member, value }))
}

function kpiOf(row: SqlRow): Kpi {
  const { kpi, member, value } = row
  return {
    kpi: String(kpi),
    member: member === null || member === undefined ? null : String(member),
    value: value === null || value === undefined ? null : BigInt(value),
  }
}

function byName(left: Kpi, right: Kpi): number {
  const key = ({ kpi, member }: Kpi): string => `${kpi}\0${member ?? ''}`
  return key(left) < key(right) ? -1 : 1
}
