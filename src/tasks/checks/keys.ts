/** Group `keys`: keys identify rows. */
import { datasets } from '../../discogs/catalogue.ts'
import type { Column, Dataset } from '../../discogs/dataset.ts'
import type { NamedSql } from '../../sql/engine.ts'
import { hashed, identifiers, packed } from '../../sql/quote.ts'
import { loadSql } from '../../sql/texts.ts'
import type { Check, Finding } from './check.ts'
import { countEach, failingRows } from './failing-rows.ts'
import { remembered } from './measurements.ts'
import type { CheckScope } from './scope.ts'

/** Tables of at most so many rows together are asked about in one statement: planning one takes a server longer than reading a small table. */
const rowsAtOnce = 4_000_000n

export function keyChecks(scope: CheckScope): readonly Check[] {
  const keyed = datasets.filter(({ key }) => key.length > 0)
  const isCertainlyUnique = proofs(scope, keyed)
  return keyed.flatMap((dataset) => [notNull(scope, dataset), unique(scope, dataset, isCertainlyUnique)])
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

type Proof = (dataset: Dataset) => Promise<boolean>

function unique({ engine }: CheckScope, dataset: Dataset, isCertainlyUnique: Proof): Check {
  const measure = async (): Promise<Finding> => {
    if (await isCertainlyUnique(dataset)) return { value: 0n, ok: true }
    return failingRows(engine, 'duplicate_keys', { dataset: identifiers(dataset.name), key: identifiers(...dataset.key) })
  }
  return { name: `keys.unique.${dataset.name}`, ...about(dataset), measure }
}

/** True when a cheap question proves it; small tables are asked about together, when the first of them is in question. */
function proofs(scope: CheckScope, keyed: readonly Dataset[]): Proof {
  const suspicionsOf = async (group: readonly Dataset[]): Promise<readonly bigint[]> => {
    return countEach(scope.engine, await Promise.all(group.map(suspicion)))
  }
  const ask = remembered(async (group: readonly Dataset[]) => {
    // What is wrong with one table is said of that one alone: then each is asked by itself.
    return group.length === 1 ? null : suspicionsOf(group).catch(() => null)
  })
  const grouped = remembered(() => groups(scope, keyed))
  return async (dataset) => {
    const group = (await grouped('all')).find((one) => one.includes(dataset)) ?? [dataset]
    const suspicions = (await ask(group))?.[group.indexOf(dataset)] ?? (await suspicionsOf([dataset]))[0]
    return suspicions === 0n
  }
}

/** Small tables, as few groups as the limit allows. */
async function groups({ counts, problems }: CheckScope, keyed: readonly Dataset[]): Promise<readonly (readonly Dataset[])[]> {
  const readable = keyed.filter(({ name }) => !problems.has(name))
  const sizes = await Promise.all(readable.map(async (dataset) => (await counts(dataset).catch(() => null))?.rows ?? rowsAtOnce))
  const small = readable.map((dataset, index) => ({ dataset, rows: sizes[index] ?? 0n })).filter(({ rows }) => rows < rowsAtOnce)
  const open: { readonly datasets: Dataset[]; rows: bigint }[] = []
  const largestFirst = small.toSorted((left, right) => (left.rows < right.rows ? 1 : -1))
  for (const { dataset, rows } of largestFirst) {
    const group = open.find((one) => one.rows + rows <= rowsAtOnce)
    if (group === undefined) open.push({ datasets: [dataset], rows })
    else {
      group.datasets.push(dataset)
      group.rows += rows
    }
  }
  return open.map((group) => group.datasets)
}

/** Returns no row when keys are unique: of keys that begin with a record's id and end in a position there is a cheaper one. */
async function suspicion({ name, key, columns }: Dataset): Promise<NamedSql> {
  const parts = key.map((part) => columns.find((column) => column.name === part)).filter((one) => one !== undefined)
  const [record, position] = [parts[0], parts.length > 1 ? parts.at(-1) : undefined]
  const namesOf = (of: readonly Column[], isText: boolean): string[] => {
    return of.filter(({ type }) => (type === 'VARCHAR') === isText).map((one) => one.name)
  }
  if (record?.type !== 'BIGINT' || position?.type !== 'INT') {
    return loadSql('checks/equal_hashes', {
      dataset: identifiers(name),
      hash: hashed(namesOf(parts, false), namesOf(parts, true)),
    })
  }
  const between = parts.slice(1, -1)
  return loadSql('checks/crowded_blocks', {
    dataset: identifiers(name),
    record: packed(record.name, namesOf(between, false), namesOf(between, true)),
    position: identifiers(position.name),
  })
}

function about({ name, essential }: Dataset): Pick<Check, 'dataset' | 'severity' | 'expected'> {
  return { dataset: name, severity: essential ? 'CRITICAL' : 'WARN', expected: '= 0' }
}
