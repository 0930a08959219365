import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { registerReadable, registerRun } from '../../src/sql/run-views.ts'
import { writeParquet } from '../support/parquet.ts'

const columns = [
  { name: 'id', type: 'BIGINT' },
  { name: 'order', type: 'VARCHAR' },
]
let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "run'views-"))
  // The second file is in another column order: columns are found by name.
  await writeParquet(join(directory, 'things/r-00000.parquet'), columns, [{ id: 1n, order: 'b' }])
  await writeParquet(join(directory, 'things/r-00001.parquet'), columns.toReversed(), [
    { id: 2n, order: 'a' },
    { id: 3n, order: 'a' },
  ])
})
after(() => rm(directory, { recursive: true }))

test('a run is read under the names of its datasets and of the compatibility views', async () => {
  await using engine = await DuckDbEngine.open()
  await registerRun(
    engine,
    directory,
    [{ name: 'things', columns }],
    [
      { name: 'all_things', of: 'things', distinct: null },
      { name: 'orders', of: 'things', distinct: ['order'] },
    ],
  )
  const all = [
    { id: 1n, order: 'b' },
    { id: 2n, order: 'a' },
    { id: 3n, order: 'a' },
  ]
  assert.deepEqual(await engine.query('SELECT * FROM things ORDER BY id'), all)
  assert.deepEqual(await engine.query('SELECT * FROM all_things ORDER BY id'), all)
  assert.deepEqual(await engine.query('SELECT * FROM orders ORDER BY 1'), [{ order: 'a' }, { order: 'b' }])
})

test('an error lists every dataset that cannot be read, and the others stay readable on request', async () => {
  await mkdir(join(directory, 'empty'), { recursive: true })
  await mkdir(join(directory, 'broken'), { recursive: true })
  await writeFile(join(directory, 'broken/r-00000.parquet'), 'PAR1 but no more')
  const wanted = ['missing', 'things', 'empty', 'broken'].map((name) => ({ name, columns }))
  await using engine = await DuckDbEngine.open()
  await assert.rejects(
    registerRun(engine, directory, wanted),
    /3 of 4 datasets cannot be read: missing \(no directory\), empty \(no Parquet file\), broken \(duckdb: view broken: /,
  )
  const problems = await registerReadable(engine, directory, wanted)
  assert.deepEqual([...problems.keys()], ['missing', 'empty', 'broken'])
  assert.deepEqual(await engine.query('SELECT count(*) AS n FROM things'), [{ n: 3n }])
})
