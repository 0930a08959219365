import assert from 'node:assert/strict'
import { test } from 'node:test'
import { datasets } from '../../src/discogs/catalogue.ts'
import { measureKpis } from '../../src/history/kpis.ts'
import { listQuestions, type Needs } from '../../src/history/questions.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { quoteIdentifier } from '../../src/sql/quote.ts'

/** Tables without a row that have these columns and no other one of the catalogue. */
async function only(engine: DuckDbEngine, needs: Needs): Promise<void> {
  for (const [name, needed] of needs) {
    const { columns = [] } = datasets.find((dataset) => dataset.name === name) ?? {}
    const kept = columns.filter((column) => needed.includes(column.name))
    const declared = kept.map((column) => `${quoteIdentifier(column.name)} ${column.type}`)
    await engine.execute(`CREATE OR REPLACE TABLE ${quoteIdentifier(name)} (${['unknown INT', ...declared].join(', ')})`)
  }
}

test('a question reads no more than it is said to need, and answers what it is said to be about', async () => {
  const questions = await listQuestions()
  for (const { sql, about, needs } of questions) {
    await using engine = await DuckDbEngine.open({ threads: 1 })
    await only(engine, needs)
    const named = (await engine.query(sql)).map(({ kpi, member }) => ({ kpi, member }))
    // A grouped one has no group without a row.
    if (about.every(({ member }) => member !== null)) assert.deepEqual(named, about, sql.text)
    else assert.deepEqual([named, about.length], [[], 1], sql.text)
    assert.ok(needs.size > 0, sql.text)
  }
  console.log(`${questions.length} questions`)
})

test('a question that only counts rows of a table needs no column of it', async () => {
  const questions = await listQuestions()
  const needsOf = (name: string): object =>
    Object.fromEntries(questions.find(({ sql }) => sql.name === `sql/kpi/${name}.sql`)?.needs ?? [])
  assert.deepEqual(needsOf('density_videos'), { release_videos_v1: [], releases_v6: [] })
  assert.deepEqual(needsOf('coverage_style'), { releases_v6: ['styles'] })
  assert.deepEqual(needsOf('coverage_barcode'), {
    release_identifiers_v1: ['release_id', 'identifier_type'],
    releases_v6: ['release_id'],
  })
})

test('questions are asked side by side with the same answers; one that fails ends them all', async () => {
  await using engine = await DuckDbEngine.open()
  await only(engine, new Map(datasets.map(({ name, columns }) => [name, columns.map((column) => column.name)])))
  const alone = await measureKpis(engine)
  await using session = await engine.session()
  assert.deepEqual(await measureKpis(engine, { beside: [session] }), alone)
  await engine.execute('DROP TABLE artists_v1_typed')
  const asked: string[] = []
  const onQuestion = (_done: number, _total: number, kpi: string): void => void asked.push(kpi)
  await assert.rejects(measureKpis(engine, { beside: [session], onQuestion }), /artists_v1_typed/)
  assert.ok(asked.length < 40, asked.join())
})
