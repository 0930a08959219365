/** The KPIs of one snapshot: the questions of `sql/kpi/`, the same texts on every engine. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import type { NamedSql, SqlEngine, SqlRow } from '../sql/engine.ts'
import { identifiers, literals } from '../sql/quote.ts'
import { loadSql } from '../sql/texts.ts'
import type { Kpi } from './records.ts'

interface Question {
  readonly sql: NamedSql
  /** What the answer is about when a dataset is missing and there is none. */
  readonly kpi: string
  readonly member: string | null
  readonly needs: readonly string[]
}

const directory = join(import.meta.dirname, '../../sql/kpi')

/** Asked of every dataset; the other texts are questions as they are. */
const ofEveryTable = 'table_size'

async function listQuestions(): Promise<readonly Question[]> {
  const names = textNames().filter((name) => name !== ofEveryTable)
  const whole = names.map(async (name): Promise<Question> => {
    const sql = await loadSql(`kpi/${name}`)
    return { sql, kpi: name, member: null, needs: datasetsIn(sql.text) }
  })
  const sizes = datasets.map(async ({ name, key, columns }): Promise<Question> => {
    // Without a key of its own the whole row is one.
    const distinct = key.length > 0 ? key : columns.map((column) => column.name)
    const fragments = { member: literals(name), dataset: identifiers(name), key: identifiers(...distinct) }
    return { sql: await loadSql(`kpi/${ofEveryTable}`, fragments), kpi: 'rows', member: name, needs: [name] }
  })
  return Promise.all([...sizes, ...whole])
}

function textNames(): readonly string[] {
  return globSync('*.sql', { cwd: directory })
    .map((file) => file.slice(0, -'.sql'.length))
    .toSorted()
}

function datasetsIn(text: string): readonly string[] {
  return datasets.map(({ name }) => name).filter((name) => new RegExp(`\\b${name}\\b`).test(text))
}

/**
 * What the numbers were made with: changes when a question changes, and what was measured before is measured again then.
 */
export function measuredBy(): string {
  const hash = createHash('sha256').update(JSON.stringify(datasets.map(({ name, key }) => [name, key])))
  for (const name of textNames()) hash.update(name).update(readFileSync(join(directory, `${name}.sql`)))
  return `kpi-${hash.digest('hex').slice(0, 12)}`
}

/**
 * Measures the snapshot that an engine shows.
 * @param missing datasets that it does not have or that cannot be read: their KPIs have no value
 * @param onQuestion told how many questions there are and which one is next
 * @returns sorted by kpi and member
 */
export async function measureKpis(
  engine: SqlEngine,
  missing: ReadonlySet<string>,
  onQuestion: (done: number, total: number, kpi: string) => void = () => {},
): Promise<readonly Kpi[]> {
  const kpis: Kpi[] = []
  const questions = await listQuestions()
  for (const [done, { sql, kpi, member, needs }] of questions.entries()) {
    onQuestion(done, questions.length, member === null ? kpi : `${kpi} of ${member}`)
    if (needs.some((dataset) => missing.has(dataset))) kpis.push({ kpi, member, value: null })
    else kpis.push(...(await engine.query(sql)).map(kpiOf))
  }
  return kpis.toSorted(byName)
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
