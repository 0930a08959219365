/** Group `references`: rows find the rows they refer to. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { identifiers } from '../../sql/quote.ts'
import { type Check, type Finding, skipped } from './check.ts'
import { failingRows, sampleRows } from './failing-rows.ts'
import { type Link, recordLinkOf, referencesOf } from './links.ts'
import { lackOfRecords, numberParam, type CheckScope } from './scope.ts'

/** Months below this are samples: their ids do not join (datasets.md, "Severity of the checks"). */
const completeMonthReleases = 10_000n

/** Orphans by reference, then what must hold between tables that were made from each other. */
export function referenceChecks(scope: CheckScope): readonly Check[] {
  return [...orphanChecks(scope), ...consistencyChecks(scope)]
}

export interface OrphanOptions {
  /** Whether a warning shows some rows, too. They cost as much as the count of all. Default true. */
  readonly sampleWarnings?: boolean
}

/** Real dumps have orphans, so a few are a warning; many mean that the dumps do not belong together. */
export function orphanChecks(scope: CheckScope, options: OrphanOptions = {}): readonly Check[] {
  return datasets.flatMap((dataset) => referencesOf(dataset).map((link) => orphanCheck(scope, dataset, link, options)))
}

function orphanCheck(scope: CheckScope, dataset: Dataset, link: Link, { sampleWarnings = true }: OrphanOptions): Check {
  const percent = numberParam(scope.context, 'orphan_percent', 5)
  const lack = lackOfRecords(scope.context)
  const measure = async (): Promise<Finding> => {
    if (lack !== null) return skipped(lack)
    const { referring, orphans } = await scope.orphans(link)
    const share = referring === 0n ? 0 : (100 * Number(orphans)) / Number(referring)
    const value = `${share.toFixed(2)} % (${orphans})`
    if (orphans === 0n) return { value, ok: true, details: `${referring} rows refer to ${link.target}` }
    const releases = await releaseCount(scope)
    const critical = share > percent && releases >= completeMonthReleases
    const small =
      releases < completeMonthReleases
        ? `; the month has ${releases} releases, fewer than ${completeMonthReleases}: never critical`
        : ''
    return {
      value,
      ok: false,
      severity: critical ? 'CRITICAL' : 'WARN',
      details: `${orphans} of ${referring} rows refer to no row of ${link.target}${small}`,
      sample: critical || sampleWarnings ? await sampleOrphans(scope, dataset, link) : [],
    }
  }
  const expected = `0 orphans; critical above ${percent} %`
  return { name: `references.${dataset.name}.${link.column}`, severity: 'WARN', dataset: dataset.name, expected, measure }
}

async function releaseCount({ counts }: CheckScope): Promise<bigint> {
  const releases = datasets.find(({ essential, dump }) => essential && dump === 'releases')
  return releases === undefined ? 0n : (await counts(releases)).rows
}

async function sampleOrphans({ engine }: CheckScope, dataset: Dataset, link: Link): Promise<NonNullable<Finding['sample']>> {
  return sampleRows(engine, 'orphans', {
    dataset: identifiers(dataset.name),
    column: identifiers(link.column),
    target: identifiers(link.target),
    target_column: identifiers(link.targetColumn),
    columns: identifiers(...shown(dataset, link.column)),
  })
}

/** Columns a sample shows: the key, else everything, and the column in question. */
export function shown(dataset: Dataset, column: string): readonly string[] {
  const key = dataset.key.length > 0 ? dataset.key : dataset.columns.map(({ name }) => name)
  return [...new Set([...key, column])]
}

/** Tables of one dump, and tables computed from them, agree whatever the dump says: a difference is a fault of ours. */
export function consistencyChecks(scope: CheckScope): readonly Check[] {
  const counted = 'label_release_counts'
  const measure = () => failingRows(scope.engine, counted)
  return [
    ...datasets.flatMap((dataset) => recordCheck(scope, dataset) ?? []),
    { name: `consistency.${counted}`, severity: 'CRITICAL', dataset: null, expected: '= 0', measure },
  ]
}

function recordCheck(scope: CheckScope, dataset: Dataset): Check | null {
  const link = recordLinkOf(dataset)
  if (link === null) return null
  const measure = async (): Promise<Finding> => {
    const { orphans: value } = await scope.orphans(link)
    return value === 0n ? { value, ok: true } : { value, ok: false, sample: await sampleOrphans(scope, dataset, link) }
  }
  return { name: `consistency.records.${dataset.name}`, severity: 'CRITICAL', dataset: dataset.name, expected: '= 0', measure }
}
