/** What several checks of a run ask for, asked of its engine once. */
import type { Dataset } from '../../discogs/dataset.ts'
import type { SqlEngine } from '../../sql/engine.ts'
import { identifiers, valueCounts } from '../../sql/quote.ts'
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

/** @param problems datasets that cannot be read: they are asked by themselves, so that they spoil no other answer */
export function measure(engine: SqlEngine, problems: ReadonlyMap<string, string>): Measurements {
  const lookUpAll = remembered(async (target: string) => {
    const [first, ...rest] = linksTo(target).filter(({ dataset }) => !problems.has(dataset))
    // What is wrong with one table is said of that one alone: then each is asked by itself.
    return first === undefined ? null : lookUp(engine, [first, ...rest]).catch(() => null)
  })
  return {
    counts: remembered((dataset: Dataset) => count(engine, dataset)),
    orphans: async (link) => {
      const all = problems.has(link.dataset) ? null : await lookUpAll(link.target)
      return (all ?? (await lookUp(engine, [link])))(link)
    },
  }
}

async function count(engine: SqlEngine, { name, key, columns }: Dataset): Promise<DatasetCounts> {
  const asked = columns.filter((column) => column.maxNullPercent !== undefined || (key.includes(column.name) && !column.nullable))
  const names = asked.map((column) => column.name)
  const fragments = { dataset: identifiers(name), value_counts: valueCounts(...names) }
  const counted = await askCounts(engine, 'value_counts', fragments, ['row_count', ...names])
  const rows = counted['row_count'] ?? 0n
  return { rows, nulls: new Map(names.map((column) => [column, rows - (counted[column] ?? 0n)])) }
}

/** The same question is asked once, and its failure is everybody's. */
function remembered<Key, Value>(ask: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const answers = new Map<Key, Promise<Value>>()
  return (key) => {
    const answer = answers.get(key) ?? ask(key)
    answers.set(key, answer)
    return answer
  }
}
