/** Orphans are counted exactly, whatever ids there are: blocks of ids are only the way there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../src/demo/random.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { lookUp } from '../../src/tasks/checks/links.ts'

/** Neighbours, ends of blocks of 32, the same place in another block, the ends of the type. */
const ids = [0n, 1n, 31n, 32n, 33n, 63n, 64n, -1n, -31n, -32n, -33n, 2n ** 37n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]
const links = [
  { dataset: 'first', column: 'a', target: 'targets', targetColumn: 'id' },
  { dataset: 'second', column: 'b', target: 'targets', targetColumn: 'id' },
] as const

test('orphans among random ids are counted, all of them and no others', async () => {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  for (const table of ['targets (id BIGINT)', 'first (a BIGINT)', 'second (b BIGINT)'])
    await engine.execute(`CREATE TABLE ${table}`)
  const seen = new Set<bigint>()
  for (let seed = 1; seed <= 200; seed += 1) {
    const draw = new Random(seed)
    const drawn = (most: number): readonly (bigint | null)[] =>
      Array.from({ length: draw.below(most) }, () => (draw.below(8) === 0 ? null : (ids[draw.below(ids.length)] ?? null)))
    const [targets, ...references] = [drawn(30), drawn(6), drawn(20)]
    for (const [table, values] of [
      ['targets', targets] as const,
      ...links.map(({ dataset }, i) => [dataset, references[i] ?? []] as const),
    ]) {
      await engine.execute(`DELETE FROM ${table}`)
      if (values.length > 0) await engine.execute(`INSERT INTO ${table} VALUES ${values.map((value) => `(${value})`).join(', ')}`)
    }
    const countsOf = await lookUp(engine, links)
    for (const [index, link] of links.entries()) {
      const referring = (references[index] ?? []).filter((id) => id !== null)
      const orphans = BigInt(referring.filter((id) => !targets.includes(id)).length)
      assert.deepEqual(countsOf(link), { referring: BigInt(referring.length), orphans }, `seed ${seed}, ${link.dataset}`)
      seen.add(orphans)
    }
  }
  assert.ok(seen.has(0n) && seen.size > 3)
})
