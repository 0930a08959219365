/** What is asked about one snapshot: the texts of `sql/kpi/`, and what each of them needs. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import type { NamedSql } from '../sql/engine.ts'
import { identifiers, literals, type SqlFragment } from '../sql/quote.ts'
import { loadSql } from '../sql/texts.ts'
import type { Kpi } from './records.ts'

/** Columns by dataset, empty for one whose rows alone are counted. */
export type Needs = ReadonlyMap<string, readonly string[]>

export interface Question {
  readonly sql: NamedSql
  /** What the answer is about, for when there is none; a member that only the answer knows is null. */
  readonly about: readonly Pick<Kpi, 'kpi' | 'member'>[]
  readonly needs: Needs
  /** The dataset whose distinct keys are asked for. */
  readonly keysOf: string | null
}

const directory = join(import.meta.dirname, '../../sql/kpi')

/** Asked of every dataset; the other texts are questions as they are. */
const rowsText = 'row_count'
const keysText = 'distinct_keys'

/** All of them, in a fixed order. */
export async function listQuestions(): Promise<readonly Question[]> {
  const whole = textNames().filter((name) => name !== rowsText && name !== keysText)
  const ofTables = datasets.flatMap(({ name, key, columns }) => {
    const fragments = { member: literals(name), dataset: identifiers(name) }
    // Without a key of its own the whole row is one.
    const distinct = key.length > 0 ? key : columns.map((column) => column.name)
    return [question(rowsText, fragments), question(keysText, { ...fragments, key: identifiers(...distinct) })]
  })
  return Promise.all([...ofTables, ...whole.map((name) => question(name, {}))])
}

function textNames(): readonly string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .toSorted()
}

async function question(name: string, fragments: Readonly<Record<string, SqlFragment>>): Promise<Question> {
  const sql = await loadSql(`kpi/${name}`, fragments)
  const needs = needsOf(sql.text)
  return { sql, about: aboutOf(sql.text), needs, keysOf: name === keysText ? ([...needs.keys()][0] ?? null) : null }
}

/** Every SELECT of an answer begins with the names of its KPI and of its member. */
function aboutOf(text: string): Question['about'] {
  const named = text.matchAll(/\bSELECT '(\w+)'(?: AS kpi)?, (?:'(\w+)')?/g)
  return Array.from(named, ([, kpi = '', member = null]) => ({ kpi, member }))
}

/**
 * The tables that a text reads, and their columns. One that two of them have counts for both: a snapshot that lacks it is told less of, never
 * anything wrong.
 */
export function needsOf(text: string): Needs {
  const names = new Set(
    text
      .replaceAll(/^--.*$/gm, '')
      .replaceAll(/'[^']*'|\bAS \w+/g, '')
      .match(/\w+/g),
  )
  const used = datasets.filter(({ name }) => names.has(name))
  return new Map(used.map(({ name, columns }) => [name, columns.map((column) => column.name).filter((one) => names.has(one))]))
}

/**
 * What the numbers were made with: changes when a question changes, and what was measured before is measured again then.
 */
export function measuredBy(): string {
  textsHash ??= hashOfTexts()
  return `kpi-${textsHash.slice(0, 12)}`
}

/** Raised when what is kept of a snapshot beside its numbers changes: it is kept when they are measured. */
const keptVersion = 2

/** Asked for every pair of snapshots. */
let textsHash: string | null = null

function hashOfTexts(): string {
  const hash = createHash('sha256').update(`${keptVersion} ${JSON.stringify(datasets.map(({ name, key }) => [name, key]))}`)
  for (const name of textNames()) hash.update(name).update(readFileSync(join(directory, `${name}.sql`)))
  return hash.digest('hex')
}
