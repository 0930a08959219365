/** Group `values`: values look as they do in sound dumps. Odd text never stops a month, so nothing here is critical. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Column, Dataset, Reader } from '../../discogs/dataset.ts'
import { identifiers, literals } from '../../sql/quote.ts'
import type { Check, Finding } from './check.ts'
import { failingRows } from './failing-rows.ts'
import { shown } from './references.ts'
import type { CheckScope } from './scope.ts'

export function valueChecks(scope: CheckScope): readonly Check[] {
  const accepted = eachColumn((dataset, column) => acceptedValues(scope, dataset, column))
  const ranges = eachColumn((dataset, column) => range(scope, dataset, column))
  return [...accepted, ...nullRatioChecks(scope), ...ranges]
}

export function nullRatioChecks(scope: CheckScope): readonly Check[] {
  return eachColumn((dataset, column) => nullRatio(scope, dataset, column))
}

function eachColumn(make: (dataset: Dataset, column: Column) => Check | null): Check[] {
  return datasets.flatMap((dataset) => dataset.columns.map((column) => make(dataset, column)).filter((check) => check !== null))
}

function acceptedValues({ engine }: CheckScope, dataset: Dataset, { name, accepted }: Column): Check | null {
  if (accepted === undefined) return null
  const fragments = { dataset: identifiers(dataset.name), column: identifiers(name), accepted: literals(...accepted) }
  const measure = async (): Promise<Finding> => {
    const finding = await failingRows(engine, 'unaccepted_values', fragments)
    return finding.ok
      ? finding
      : { ...finding, details: `unexpected: ${finding.sample?.map((row) => JSON.stringify(row[name])).join(', ')}` }
  }
  const expected = `one of ${accepted.join(', ')}`
  return { name: `values.accepted.${dataset.name}.${name}`, severity: 'WARN', dataset: dataset.name, expected, measure }
}

function nullRatio({ counts }: CheckScope, dataset: Dataset, { name, maxNullPercent }: Column): Check | null {
  if (maxNullPercent === undefined) return null
  const measure = async (): Promise<Finding> => {
    const { rows, nulls: all } = await counts(dataset)
    const nulls = all.get(name) ?? 0n
    const percent = rows === 0n ? 0 : (100 * Number(nulls)) / Number(rows)
    return { value: `${percent.toFixed(2)} %`, ok: percent <= maxNullPercent, details: `${nulls} of ${rows} rows` }
  }
  return {
    name: `values.nulls.${dataset.name}.${name}`,
    severity: 'WARN',
    dataset: dataset.name,
    expected: `<= ${maxNullPercent} %`,
    measure,
  }
}

const highestId = 2n ** 63n - 1n

/** What a reader of ingest lets through: anything else in a file means that it does not do its work. */
const ranges: Partial<Record<Reader, readonly [lowest: bigint, highest: bigint]>> = {
  id: [1n, highestId],
  year: [1n, highestId],
  'date-year': [1n, 9999n],
  'date-month': [1n, 12n],
  'date-day': [1n, 31n],
}

function range({ engine }: CheckScope, dataset: Dataset, column: Column): Check | null {
  const bounds = rangeOf(column)
  if (bounds === null) return null
  const [lowest, highest] = bounds
  const fragments = {
    dataset: identifiers(dataset.name),
    column: identifiers(column.name),
    columns: identifiers(...shown(dataset, column.name)),
    lowest: literals(lowest),
    highest: literals(highest),
  }
  const measure = () => failingRows(engine, 'out_of_range', fragments)
  const expected = highest === highestId ? `>= ${lowest}` : `${lowest} to ${highest}`
  return {
    name: `values.range.${dataset.name}.${column.name}`,
    severity: isId(column) ? 'WARN' : 'INFO',
    dataset: dataset.name,
    expected,
    measure,
  }
}

function rangeOf(column: Column): readonly [lowest: bigint, highest: bigint] | null {
  if (isId(column)) return ranges.id ?? null
  const { source } = column
  return source?.from === 'row' || source?.from === 'record' ? (ranges[source.read] ?? null) : null
}

/** Every `*_id` is a number of Discogs. */
function isId({ name, type }: Column): boolean {
  return type === 'BIGINT' && name.endsWith('_id')
}
