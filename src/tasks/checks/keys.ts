/** Group `keys`: keys identify rows. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { identifiers } from '../../sql/quote.ts'
import type { Check, Finding } from './check.ts'
import { askCounts, failingRows } from './failing-rows.ts'
import type { CheckScope } from './scope.ts'

export function keyChecks(scope: CheckScope): readonly Check[] {
  return datasets.filter(({ key }) => key.length > 0).flatMap((dataset) => [notNull(scope, dataset), unique(scope, dataset)])
}

function notNull({ engine }: CheckScope, dataset: Dataset): Check {
  const columns = dataset.columns.filter(({ name, nullable }) => dataset.key.includes(name) && !nullable)
  const measure = async (): Promise<Finding> => {
    let value = 0n
    const details: string[] = []
    for (const { name } of columns) {
      const { nulls } = await nullCount(engine, dataset, name)
      value += nulls
      if (nulls > 0n) details.push(`${nulls} in ${name}`)
    }
    return { value, ok: value === 0n, details: details.join(', ') }
  }
  return { name: `keys.not_null.${dataset.name}`, ...about(dataset), measure }
}

function unique({ engine }: CheckScope, dataset: Dataset): Check {
  const measure = async (): Promise<Finding> => {
    return failingRows(engine, 'duplicate_keys', { dataset: identifiers(dataset.name), key: identifiers(...dataset.key) })
  }
  return { name: `keys.unique.${dataset.name}`, ...about(dataset), measure }
}

function about({ name, essential }: Dataset): Pick<Check, 'dataset' | 'severity' | 'expected'> {
  return { dataset: name, severity: essential ? 'CRITICAL' : 'WARN', expected: '= 0' }
}

/** Rows of a dataset, and how many of them have no value in `column`. */
export async function nullCount(
  engine: CheckScope['engine'],
  dataset: Dataset,
  column: string,
): Promise<{ rows: bigint; nulls: bigint }> {
  const fragments = { dataset: identifiers(dataset.name), column: identifiers(column) }
  const { row_count: rows, null_count: nulls } = await askCounts(engine, 'null_count', fragments, ['row_count', 'null_count'])
  return { rows, nulls }
}
