/** Group `keys`: keys identify rows. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Column, Dataset } from '../../discogs/dataset.ts'
import { identifiers, packed } from '../../sql/quote.ts'
import type { Check, Finding } from './check.ts'
import { countRows, failingRows } from './failing-rows.ts'
import type { CheckScope } from './scope.ts'

export function keyChecks(scope: CheckScope): readonly Check[] {
  return datasets.filter(({ key }) => key.length > 0).flatMap((dataset) => [notNull(scope, dataset), unique(scope, dataset)])
}

function notNull({ counts }: CheckScope, dataset: Dataset): Check {
  const names = dataset.columns.filter(({ name, nullable }) => dataset.key.includes(name) && !nullable).map(({ name }) => name)
  const measure = async (): Promise<Finding> => {
    const { nulls } = await counts(dataset)
    const found = names.map((name) => ({ name, count: nulls.get(name) ?? 0n })).filter(({ count }) => count > 0n)
    const value = found.reduce((sum, { count }) => sum + count, 0n)
    return { value, ok: value === 0n, details: found.map(({ name, count }) => `${count} in ${name}`).join(', ') }
  }
  return { name: `keys.not_null.${dataset.name}`, ...about(dataset), measure }
}

function unique({ engine }: CheckScope, dataset: Dataset): Check {
  const measure = async (): Promise<Finding> => {
    if (await isCertainlyUnique(engine, dataset)) return { value: 0n, ok: true }
    return failingRows(engine, 'duplicate_keys', { dataset: identifiers(dataset.name), key: identifiers(...dataset.key) })
  }
  return { name: `keys.unique.${dataset.name}`, ...about(dataset), measure }
}

/** True when a cheap question proves it: of keys that begin with a record's id and end in a position there is one. */
async function isCertainlyUnique(engine: CheckScope['engine'], { name, key, columns }: Dataset): Promise<boolean> {
  const [record, ...others] = key.map((part) => columns.find((column) => column.name === part)).filter((one) => one !== undefined)
  const position = others.pop()
  if (record?.type !== 'BIGINT' || position?.type !== 'INT') return false
  const namesOf = (type: Column['type']): string[] => others.filter((one) => one.type === type).map((one) => one.name)
  const suspicions = await countRows(engine, 'crowded_blocks', {
    dataset: identifiers(name),
    record: packed(record.name, namesOf('INT'), namesOf('VARCHAR')),
    position: identifiers(position.name),
  })
  return suspicions === 0n
}

function about({ name, essential }: Dataset): Pick<Check, 'dataset' | 'severity' | 'expected'> {
  return { dataset: name, severity: essential ? 'CRITICAL' : 'WARN', expected: '= 0' }
}
