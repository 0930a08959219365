import { createHash } from 'node:crypto'
import { dumps } from './catalogue.ts'
import type { Dump } from './dataset.ts'

/** Raised whenever the same values give another hash. */
const algorithmVersion = 1

/**
 * Hashes are comparable only under the same version: it names the algorithm and every column that is hashed, in order.
 * @example '1-3f2a9c0d1b7e'
 */
export function recordHashVersion(of: readonly Dump[] = dumps): string {
  const declared = of.map((dump) => [
    dump.name,
    dump.datasets.map((dataset) => [dataset.name, dataset.columns.map(({ name, type, source }) => [name, type, source])]),
  ])
  return `${algorithmVersion}-${createHash('sha256').update(JSON.stringify(declared)).digest('hex').slice(0, 12)}`
}
