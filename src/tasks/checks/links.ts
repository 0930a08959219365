/** Which columns hold keys of other datasets, and how many of their values have no row there. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { PipelineError } from '../../errors.ts'
import type { SqlEngine, SqlRow } from '../../sql/engine.ts'
import { identifiers, stackedColumns } from '../../sql/quote.ts'
import { loadSql } from '../../sql/texts.ts'

export interface Link {
  readonly dataset: string
  readonly column: string
  readonly target: string
  readonly targetColumn: string
}

export interface LinkCounts {
  /** Rows with a value in the column. */
  readonly referring: bigint
  /** Those of them whose value is no key of the target. */
  readonly orphans: bigint
}

/** What a dataset says it refers to. */
export function referencesOf({ name, references }: Dataset): readonly Link[] {
  return references.map(({ column, dataset: target, references: targetColumn }) => ({
    dataset: name,
    column,
    target,
    targetColumn,
  }))
}

/** To the records that the rows of a dataset were read from; warehouse tables go by the id of the release. */
export function recordLinkOf({ name, dump, essential, columns }: Dataset): Link | null {
  if (essential) return null
  for (const record of datasets) {
    if (!record.essential || record.dump !== (dump ?? 'releases')) continue
    const column = columns.find((one) => record.key.includes(one.name))?.name
    if (column !== undefined) return { dataset: name, column, target: record.name, targetColumn: column }
  }
  return null
}

/** Every link of the catalogue to one dataset. */
export function linksTo(target: string): readonly Link[] {
  const links = [...datasets.flatMap(referencesOf), ...datasets.map(recordLinkOf)]
  return links.filter((link) => link !== null).filter((link) => link.target === target)
}

/** Looks the values of all of them up at once: the keys of the one target are read, and kept, one time. */
export async function lookUp(engine: SqlEngine, links: readonly [Link, ...Link[]]): Promise<(link: Link) => LinkCounts> {
  const [{ target, targetColumn }] = links
  const sql = await loadSql('checks/orphan_counts', {
    links: stackedColumns(...links),
    target: identifiers(target),
    target_column: identifiers(targetColumn),
  })
  const counted = new Map((await engine.query(sql)).map((row) => [row['link'], row]))
  return ({ dataset, column }) => {
    const row = counted.get(`${dataset}.${column}`)
    return { referring: countIn(row, 'referring'), orphans: countIn(row, 'orphans') }
  }
}

/** No row at all stands for an empty table. */
function countIn(row: SqlRow | undefined, name: keyof LinkCounts): bigint {
  const value = row?.[name] ?? 0n
  if (typeof value !== 'bigint')
    throw new PipelineError(`sql/checks/orphan_counts.sql: ${name} is ${String(value)}, a count was expected`)
  return value
}
