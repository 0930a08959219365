/** The cheap proof that keys are unique never hides a double, whatever numbers it packs together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../src/demo/random.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { keyChecks } from '../../src/tasks/checks/keys.ts'
import { measure } from '../../src/tasks/checks/measurements.ts'
import type { CheckScope } from '../../src/tasks/checks/scope.ts'

const table = 'release_credits_v1'
/** Neighbours, ends of blocks of 32, what meets in the same bits, the ends of the types, and nothing. */
const domains = {
  release_id: [1n, 2n, 2n ** 30n + 1n, 2n ** 44n + 1n, 2n ** 63n - 1n, null],
  track_seq: [1, 2, 32, 16_384, 2 ** 31 - 1, null],
  credit: ['artist', 'extraartist', 'abcdefghij', '', null],
  position: [0, 1, 31, 32, 33, 63, 64, 2 ** 21, 2 ** 31 - 1, -1, null],
}

test('doubles of random keys are found, all of them and no others', async () => {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  await engine.execute(`CREATE TABLE ${table} (release_id BIGINT, track_seq INT, credit VARCHAR, position INT)`)
  const scope = { engine, ...measure(engine, new Map()) } as unknown as CheckScope
  const unique = keyChecks(scope).find(({ name }) => name === `keys.unique.${table}`)
  const doubles = new Map<number, number>()
  for (let seed = 1; seed <= 300; seed += 1) {
    const keys = randomKeys(seed)
    await engine.execute(`DELETE FROM ${table}`)
    await engine.execute(`INSERT INTO ${table} VALUES ${keys.join(', ')}`)
    const expected = [...Map.groupBy(keys, (key) => key).values()].filter(({ length }) => length > 1).length
    assert.equal((await unique?.measure())?.value, BigInt(expected), `seed ${seed}`)
    doubles.set(expected, (doubles.get(expected) ?? 0) + 1)
  }
  console.log(`tables by number of doubles: ${JSON.stringify(Object.fromEntries(doubles))}`)
  assert.ok((doubles.get(0) ?? 0) > 20 && doubles.size > 3)
})

/** Rows as SQL writes them: the same text is the same key. Few values a column, so that some tables have doubles and others none. */
function randomKeys(seed: number): readonly string[] {
  const draw = new Random(seed)
  const one = (values: readonly unknown[]): unknown => values[draw.below(values.length)]
  const few = Object.values(domains).map((values) => Array.from({ length: 3 }, () => one(values)))
  const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value))
  return Array.from({ length: draw.between(1, 20) }, () => `(${few.map((values) => literal(one(values))).join(', ')})`)
}
