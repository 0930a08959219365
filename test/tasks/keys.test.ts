/** The cheap proof that keys are unique never hides a double, whatever numbers it packs together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { datasets } from '../../src/discogs/catalogue.ts'
import { Random } from '../../src/demo/random.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { keyChecks } from '../../src/tasks/checks/keys.ts'
import { measure } from '../../src/tasks/checks/measurements.ts'
import type { CheckScope } from '../../src/tasks/checks/scope.ts'

type Domains = Readonly<Record<string, readonly unknown[]>>

/** Neighbours, ends of blocks of 32, what meets in the same bits, the ends of the types, and nothing. */
const credits = {
  release_id: [1n, 2n, 2n ** 30n + 1n, 2n ** 44n + 1n, 2n ** 63n - 1n, null],
  track_seq: [1, 2, 32, 16_384, 2 ** 31 - 1, null],
  credit: ['artist', 'extraartist', 'abcdefghij', '', null],
  position: [0, 1, 31, 32, 33, 63, 64, 2 ** 21, 2 ** 31 - 1, -1, null],
}

/** The same text in two columns, numbers that have the same hash, and nothing. */
const artists = {
  release_id: [1n, 2n, 2n ** 39n + 1n, 2n ** 63n - 1n, -(2n ** 63n) + 1n, 0n, null],
  artist_norm: ['a', 'b', 'ä', '', null],
  artist_id: [1n, 2n, 2n ** 23n + 1n, 2n ** 23n + 2n, -1n, 0n, null],
  artist_name: ['a', 'b', 'ä', '', null],
}

test('doubles of random keys that end in a position are found, all of them and no others', async () => {
  await assertFound('release_credits_v1', 'release_id BIGINT, track_seq INT, credit VARCHAR, position INT', credits)
})

test('doubles of random keys with texts are found, all of them and no others', async () => {
  await assertFound(
    'release_artists_v1',
    'release_id BIGINT, artist_norm VARCHAR, artist_id BIGINT, artist_name VARCHAR',
    artists,
  )
})

async function assertFound(table: string, columns: string, domains: Domains): Promise<void> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  await engine.execute(`CREATE TABLE ${table} (${columns})`)
  const problems = new Map(datasets.filter(({ name }) => name !== table).map(({ name }) => [name, 'not here']))
  const doubles = new Map<number, number>()
  for (let seed = 1; seed <= 300; seed += 1) {
    const keys = randomKeys(seed, domains)
    await engine.execute(`DELETE FROM ${table}`)
    await engine.execute(`INSERT INTO ${table} VALUES ${keys.join(', ')}`)
    const expected = [...Map.groupBy(keys, (key) => key).values()].filter(({ length }) => length > 1).length
    const scope = { engine, problems, ...measure(engine, problems) } as unknown as CheckScope
    const unique = keyChecks(scope).find(({ name }) => name === `keys.unique.${table}`)
    assert.equal((await unique?.measure())?.value, BigInt(expected), `seed ${seed}`)
    doubles.set(expected, (doubles.get(expected) ?? 0) + 1)
  }
  console.log(`tables by number of doubles: ${JSON.stringify(Object.fromEntries(doubles))}`)
  assert.ok((doubles.get(0) ?? 0) > 20 && doubles.size > 3)
}

/** Rows as SQL writes them: the same text is the same key. Few values a column, so that some tables have doubles and others none. */
function randomKeys(seed: number, domains: Domains): readonly string[] {
  const draw = new Random(seed)
  const one = (values: readonly unknown[]): unknown => values[draw.below(values.length)]
  const few = Object.values(domains).map((values) => Array.from({ length: 3 }, () => one(values)))
  const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value))
  return Array.from({ length: draw.between(1, 20) }, () => `(${few.map((values) => literal(one(values))).join(', ')})`)
}
