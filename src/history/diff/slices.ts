/**
 * Cuts a comparison into ranges of the first key column, so that each fits the memory. Dumps come in the order of their ids: Parquet's
 * statistics let every range read its own row groups alone. Where they do not, a range costs one more scan of the key.
 */
import type { SqlEngine } from '../../sql/engine.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import { isInteger, type Pair } from './sides.ts'

/** Both sides of a range are decoded, joined and sorted: several times what their pages hold. */
const shareOfMemory = 1 / 8

/** Conditions on a row, one a slice; every row fits exactly one. */
export async function slicesOf(engine: SqlEngine, pair: Pair, memoryBytes: number): Promise<readonly string[]> {
  const count = Math.ceil((pair.before.bytes + pair.after.bytes) / (memoryBytes * shareOfMemory))
  const [first] = pair.key
  if (count <= 1 || first === undefined || !isNumeric(pair, first.name)) return ['true']
  const column = quoteIdentifier(first.name)
  const bounds = await boundsOf(engine, pair, column, count)
  return bounds.length === 0 ? ['true'] : conditions(column, bounds)
}

/** DuckDB estimates quantiles of numbers alone; texts are left to its own spilling. */
function isNumeric({ before, after }: Pair, column: string): boolean {
  return [before, after].every(({ types }) => isInteger(types.get(column)))
}

async function boundsOf(engine: SqlEngine, pair: Pair, column: string, count: number): Promise<readonly string[]> {
  const steps = Array.from({ length: count - 1 }, (_, index) => (index + 1) / count)
  const both = `SELECT ${column} FROM ${pair.before.source} UNION ALL SELECT ${column} FROM ${pair.after.source}`
  const rows = await engine.query(
    `SELECT DISTINCT bound FROM (SELECT unnest(approx_quantile(${column}, [${steps.join(', ')}])) AS bound FROM (${both}))
     WHERE bound IS NOT NULL ORDER BY bound`,
  )
  return rows.map((row) => String(row['bound']))
}

function conditions(column: string, bounds: readonly string[]): readonly string[] {
  const middle = bounds.slice(1).map((upper, index) => `${column} >= ${bounds[index]} AND ${column} < ${upper}`)
  return [`(${column} < ${bounds[0]} OR ${column} IS NULL)`, ...middle, `${column} >= ${bounds.at(-1)}`]
}
