/** The KPIs of one snapshot: the questions of `sql/kpi/`, the same texts on every engine. */
import { inGroups } from '../sql/each-of.ts'
import type { NamedSql, SqlEngine, SqlRow } from '../sql/engine.ts'
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
  const all = await listQuestions()
  const lacking = all.filter(({ needs }) => !hasAll(needs, lacks))
  const kpis: Kpi[] = lacking.flatMap(({ about }) => about.map((one) => ({ ...one, value: null })))
  const asked = all.filter((one) => !lacking.includes(one) && (one.keysOf === null || !unique.has(one.keysOf)))
  const statements = statementsOf(asked)
  const queue = numbered(statements)
  const ask = async (session: SqlEngine): Promise<void> => {
    for (const [done, { sql, about }] of queue) {
      onQuestion(done, statements.length, about)
      kpis.push(...(await session.query(sql)).map(kpiOf))
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

/** Trino takes no statement of more than 150 stages, of which a question has up to three. */
const mostTogether = 16

interface Statement {
  readonly sql: NamedSql
  /** For people. */
  readonly about: string
}

/** Questions that only count rows are answered by the ends of files, faster than a statement is planned: many are asked in one. */
function statementsOf(questions: readonly Question[]): readonly Statement[] {
  const ofRows = questions.filter(({ needs }) => [...needs.values()].every((columns) => columns.length === 0))
  const others = questions.filter((question) => !ofRows.includes(question))
  return [
    ...inGroups(ofRows, mostTogether).map(together),
    ...others.map((question) => ({ sql: question.sql, about: nameOf(question) })),
  ]
}

function together(questions: readonly Question[]): Statement {
  const parts = questions.map(({ sql }, index) => `SELECT kpi, member, value FROM (\n${sql.text}\n) AS q${index}`)
  const names = [...new Set(questions.map(({ sql }) => sql.name))].join(', ')
  return { sql: { name: names, text: parts.join('\nUNION ALL\n') }, about: 'rows' }
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
