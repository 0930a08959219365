/** What is asked about one snapshot: the texts of `sql/kpi/`, each as it is or once for each of several tables or columns. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import type { NamedSql } from '../sql/engine.ts'
import { identifiers, literals, type SqlFragment } from '../sql/quote.ts'
import { loadSql } from '../sql/texts.ts'
import type { Kpi } from './records.ts'

export interface Question {
  readonly sql: NamedSql
  /** What the answer is about, for when there is none; a member that only the answer knows is null. */
  readonly about: readonly Pick<Kpi, 'kpi' | 'member'>[]
  /** Columns by dataset, empty for one whose rows alone are counted. */
  readonly needs: ReadonlyMap<string, readonly string[]>
  /** The dataset whose distinct keys are asked for. */
  readonly keysOf: string | null
}

interface Asked {
  readonly member: string
  readonly dataset?: string
  readonly column?: string
}

const directory = join(import.meta.dirname, '../../sql/kpi')

const keysText = 'distinct_keys'

/** Texts that are asked more than once; the others are questions as they are. */
const asked: Readonly<Record<string, readonly Asked[]>> = {
  row_count: datasets.map(({ name }) => ({ member: name, dataset: name })),
  [keysText]: datasets.map(({ name }) => ({ member: name, dataset: name })),
  coverage_of_column: [
    { member: 'master', column: 'master_id' },
    { member: 'year', column: 'released_year' },
    { member: 'country', column: 'country' },
    { member: 'genre', column: 'genres' },
    { member: 'style', column: 'styles' },
  ],
  coverage_of_table: [
    { member: 'video', dataset: 'release_videos_v1' },
    { member: 'tracklist', dataset: 'release_tracks_v1' },
  ],
  density: ['credits', 'tracks', 'labels', 'genres', 'styles', 'formats', 'identifiers', 'companies', 'videos'].map((member) => ({
    member,
    dataset: `release_${member}_v1`,
  })),
  distinct_norms: [
    { member: 'artist', column: 'norm_name', dataset: 'artist_name_map_v1' },
    { member: 'label', column: 'label_norm', dataset: 'label_release_counts_v1' },
    { member: 'genre', column: 'genre_norm', dataset: 'release_genre_xref_v1' },
    { member: 'style', column: 'style_norm', dataset: 'release_style_xref_v1' },
  ],
}

/** All of them, in a fixed order. */
export async function listQuestions(): Promise<readonly Question[]> {
  const lists = textNames().map((name) => {
    const times = asked[name]
    return times === undefined ? [question(name, {})] : times.map((one) => question(name, fragmentsOf(name, one)))
  })
  return Promise.all(lists.flat())
}

function textNames(): readonly string[] {
  return globSync('*.sql', { cwd: directory })
    .map((file) => file.slice(0, -'.sql'.length))
    .toSorted()
}

function fragmentsOf(text: string, { member, dataset, column }: Asked): Readonly<Record<string, SqlFragment>> {
  return {
    member: literals(member),
    ...(dataset === undefined ? {} : { dataset: identifiers(dataset) }),
    ...(column === undefined ? {} : { column: identifiers(column) }),
    ...(text === keysText && dataset !== undefined ? { key: identifiers(...keyOf(dataset)) } : {}),
  }
}

/** Without a key of its own the whole row is one. */
function keyOf(name: string): readonly string[] {
  const { key = [], columns = [] } = datasets.find((dataset) => dataset.name === name) ?? {}
  return key.length > 0 ? key : columns.map((column) => column.name)
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

/** A column that two of its tables have counts for both: a snapshot that lacks one is told less of, never anything wrong. */
function needsOf(text: string): Question['needs'] {
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
  const hash = createHash('sha256').update(JSON.stringify([datasets.map(({ name, key }) => [name, key]), asked]))
  for (const name of textNames()) hash.update(name).update(readFileSync(join(directory, `${name}.sql`)))
  return `kpi-${hash.digest('hex').slice(0, 12)}`
}
