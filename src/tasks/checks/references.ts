/** Group `references`: rows find the rows they refer to. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset, Reference } from '../../discogs/dataset.ts'
import { identifiers } from '../../sql/quote.ts'
import type { Check, Finding } from './check.ts'
import { askCounts, failingRows, sampleRows } from './failing-rows.ts'
import { numberParam, type CheckScope } from './scope.ts'

/** Months below this are samples: their ids do not join (datasets.md, "Severity of the checks"). */
const completeMonthReleases = 10_000n

/** Orphans by reference, then what must hold between tables that were made from each other. */
export function referenceChecks(scope: CheckScope): readonly Check[] {
  return [...orphanChecks(scope), ...consistencyChecks(scope)]
}

/** Real dumps have orphans, so a few are a warning; many mean that the dumps do not belong together. */
export function orphanChecks(scope: CheckScope): readonly Check[] {
  const percent = numberParam(scope.context, 'orphan_percent', 5)
  return datasets.flatMap((dataset) => dataset.references.map((reference) => orphanCheck(scope, dataset, reference, percent)))
}

function orphanCheck({ engine }: CheckScope, dataset: Dataset, reference: Reference, percent: number): Check {
  const fragments = {
    dataset: identifiers(dataset.name),
    column: identifiers(reference.column),
    target: identifiers(reference.dataset),
    target_column: identifiers(reference.references),
  }
  const measure = async (): Promise<Finding> => {
    const { referring, orphans } = await askCounts(engine, 'orphan_count', fragments, ['referring', 'orphans'])
    const share = referring === 0n ? 0 : (100 * Number(orphans)) / Number(referring)
    const value = `${share.toFixed(2)} % (${orphans})`
    if (orphans === 0n) return { value, ok: true, details: `${referring} rows refer to ${reference.dataset}` }
    const releases = await releaseCount(engine)
    const critical = share > percent && releases >= completeMonthReleases
    const small =
      releases < completeMonthReleases
        ? `; the month has ${releases} releases, fewer than ${completeMonthReleases}: never critical`
        : ''
    return {
      value,
      ok: false,
      severity: critical ? 'CRITICAL' : 'WARN',
      details: `${orphans} of ${referring} rows refer to no row of ${reference.dataset}${small}`,
      sample: await sampleRows(engine, 'orphans', { ...fragments, columns: identifiers(...shown(dataset, reference.column)) }),
    }
  }
  const expected = `0 orphans; critical above ${percent} %`
  return { name: `references.${dataset.name}.${reference.column}`, severity: 'WARN', dataset: dataset.name, expected, measure }
}

async function releaseCount(engine: CheckScope['engine']): Promise<bigint> {
  const releases = datasets.find(({ essential, dump }) => essential && dump === 'releases')
  if (releases === undefined) return 0n
  return (await askCounts(engine, 'row_count', { dataset: identifiers(releases.name) }, ['row_count'])).row_count
}

/** Columns a sample shows: the key, else everything, and the column in question. */
export function shown(dataset: Dataset, column: string): readonly string[] {
  const key = dataset.key.length > 0 ? dataset.key : dataset.columns.map(({ name }) => name)
  return [...new Set([...key, column])]
}

/** Tables of one dump, and tables computed from them, agree whatever the dump says: a difference is a fault of ours. */
export function consistencyChecks({ engine }: CheckScope): readonly Check[] {
  const checks = datasets.flatMap((dataset): Check[] => {
    const record = recordTable(dataset)
    const [column] = record?.key ?? []
    if (record === undefined || column === undefined) return []
    const fragments = {
      dataset: identifiers(dataset.name),
      column: identifiers(column),
      target: identifiers(record.name),
      target_column: identifiers(column),
      columns: identifiers(...shown(dataset, column)),
    }
    const measure = () => failingRows(engine, 'orphans', fragments)
    return [
      { name: `consistency.records.${dataset.name}`, severity: 'CRITICAL', dataset: dataset.name, expected: '= 0', measure },
    ]
  })
  const counted = 'label_release_counts'
  const measure = () => failingRows(engine, counted)
  return [...checks, { name: `consistency.${counted}`, severity: 'CRITICAL', dataset: null, expected: '= 0', measure }]
}

/** The table of the records that the rows of `dataset` were read from; warehouse tables go by the id of the release. */
function recordTable({ dump, essential, columns }: Dataset): Dataset | undefined {
  if (essential) return undefined
  return datasets.find(
    (record) => record.essential && record.dump === (dump ?? 'releases') && columns.some(({ name }) => record.key.includes(name)),
  )
}
