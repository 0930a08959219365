/** Which columns hold keys of other datasets, and how many of their values have no row there. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { PipelineError } from '../../errors.ts'
import type { SqlEngine, SqlRow } from '../../sql/engine.ts'
import { bitOf, identifiers, type SqlFragment, stackedBlocks, stackedColumns } from '../../sql/quote.ts'
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

/**
 * Looks the values of all of them up at once: the keys of the one target are read, and kept, one time. Blocks of ids tell for most columns that
 * they have no orphan; only of the others the rows are counted.
 */
export async function lookUp(engine: SqlEngine, links: readonly [Link, ...Link[]]): Promise<(link: Link) => LinkCounts> {
  const blocks = await ask(engine, 'orphan_blocks', links, {
    links: stackedBlocks(...links),
    target_bit: bitOf(links[0].targetColumn),
  })
  const suspect = links.filter((link) => countIn(blocks(link), 'blocks') > 0n)
  const rows =
    suspect.length === 0 ? () => undefined : await ask(engine, 'orphan_counts', links, { links: stackedColumns(...suspect) })
  return (link) => ({ referring: countIn(blocks(link), 'referring'), orphans: countIn(rows(link), 'orphans') })
}

/** @returns the row of a link */
async function ask(
  engine: SqlEngine,
  question: string,
  [{ target, targetColumn }]: readonly [Link, ...Link[]],
  fragments: Readonly<Record<string, SqlFragment>>,
): Promise<(link: Link) => SqlRow | undefined> {
  const about = { target: identifiers(target), target_column: identifiers(targetColumn) }
  const rows = await engine.query(await loadSql(`checks/${question}`, { ...about, ...fragments }))
  const byLink = new Map(rows.map((row) => [row['link'], row]))
  return ({ dataset, column }) => byLink.get(`${dataset}.${column}`)
}

/** No row at all stands for a column without a value. */
function countIn(row: SqlRow | undefined, name: string): bigint {
  const value = row?.[name] ?? 0n
  if (typeof value !== 'bigint')
    throw new PipelineError(`sql/checks/orphan_*.sql: ${name} is ${String(value)}, a count was expected`)
  return value
}
