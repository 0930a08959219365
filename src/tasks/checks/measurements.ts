/** What several checks of a run ask for, asked of its engine once. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { inGroups } from '../../sql/each-of.ts'
import type { SqlEngine } from '../../sql/engine.ts'
import { identifiers, valueCountNames, valueCounts } from '../../sql/quote.ts'
import { askCounts } from './failing-rows.ts'
import { type Link, type LinkCounts, linksTo, lookUp } from './links.ts'

export interface DatasetCounts {
  readonly rows: bigint
  /** Rows without a value, by column: of those that must have one, and of those whose share of NULLs is limited. */
  readonly nulls: ReadonlyMap<string, bigint>
}

export interface Measurements {
  readonly counts: (dataset: Dataset) => Promise<DatasetCounts>
  /** All links to a dataset are looked up together, since it is reading its keys that takes long. */
  readonly orphans: (link: Link) => Promise<LinkCounts>
}

/** Datasets whose rows are counted in one statement; each of them is read at the same time. */
const countedAtOnce = 8

/** @param problems datasets that cannot be read: they are asked by themselves, so that they spoil no other answer */
export function measure(engine: SqlEngine, problems: ReadonlyMap<string, string>): Measurements {
  const groups = inGroups(
    datasets.filter(({ name }) => !problems.has(name)),
    countedAtOnce,
  )
  // What is wrong with one table is said of that one alone: then each is asked by itself.
  const countGroup = remembered((group: readonly Dataset[]) => count(engine, group).catch(() => null))
  const countOne = remembered((dataset: Dataset) => count(engine, [dataset]))
  const lookUpAll = remembered(async (target: string) => {
    const [first, ...rest] = linksTo(target).filter(({ dataset }) => !problems.has(dataset))
    return first === undefined ? null : lookUp(engine, [first, ...rest]).catch(() => null)
  })
  return {
    counts: async (dataset) => {
      const group = groups.find((one) => one.includes(dataset))
      const all = group === undefined ? null : await countGroup(group)
      return (all ?? (await countOne(dataset)))(dataset)
    },
    orphans: async (link) => {
      const all = problems.has(link.dataset) ? null : await lookUpAll(link.target)
      return (all ?? (await lookUp(engine, [link])))(link)
    },
  }
}

async function count(engine: SqlEngine, group: readonly Dataset[]): Promise<(dataset: Dataset) => DatasetCounts> {
  const asked = group.map(columnsCounted)
  const width = Math.max(...asked.map(({ length }) => length))
  const tables = group.map(({ name }, index) => {
    return { dataset: identifiers(name), value_counts: valueCounts(asked[index] ?? [], width) }
  })
  const rows = await askCounts(engine, 'value_counts', tables, ['row_count', ...valueCountNames(width)])
  return (dataset) => {
    const index = group.indexOf(dataset)
    const counted = rows[index] ?? {}
    const all = counted['row_count'] ?? 0n
    const nullsIn = (_: string, column: number): bigint => all - (counted[valueCountNames(width)[column] ?? ''] ?? 0n)
    return { rows: all, nulls: new Map((asked[index] ?? []).map((name, column) => [name, nullsIn(name, column)])) }
  }
}

function columnsCounted({ key, columns }: Dataset): readonly string[] {
  const asked = columns.filter((column) => column.maxNullPercent !== undefined || (key.includes(column.name) && !column.nullable))
  return asked.map(({ name }) => name)
}

/** The same question is asked once, and its failure is everybody's. */
export function remembered<Key, Value>(ask: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const answers = new Map<Key, Promise<Value>>()
  return (key) => {
    const answer = answers.get(key) ?? ask(key)
    answers.set(key, answer)
    return answer
  }
}
