import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PipelineError } from '../../src/errors.ts'
import { type DatasetDiff, SnapshotDiff } from '../../src/history/diff.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { rowsOf, sealRows } from './snapshots.ts'

const directory = mkdtempSync(join(tmpdir(), 'history-diff-'))
after(() => rmSync(directory, { recursive: true }))

type Datasets = Readonly<Record<string, string>>
let counter = 0

/** DuckDB could read this path as a column and a pattern. */
function labDir(): string {
  return join(directory, 'title=Atlantis', `[${counter}]`)
}

/** Compares two snapshots that hold these rows. */
async function compare(before: Datasets, afterwards: Datasets, memoryBytes = 500e6): Promise<SnapshotDiff> {
  counter += 1
  const lakeDir = labDir()
  const [old, current] = [
    await sealRows(lakeDir, { runId: 'old', dumpMonth: '2026-01', session: '2026-01-20 06:00:00', datasets: before }),
    await sealRows(lakeDir, { runId: 'new', dumpMonth: '2026-02', session: '2026-02-20 06:00:00', datasets: afterwards }),
  ]
  return SnapshotDiff.open({ before: old, after: current, tempDirectory: join(lakeDir, 'tmp'), memoryBytes })
}

function numbers({ rowsBefore, rowsAfter, added, removed, changed }: DatasetDiff): readonly (number | null)[] {
  return [rowsBefore, rowsAfter, added, removed, changed].map((count) => (count === null ? null : Number(count)))
}

const titles = 'release_id BIGINT, title VARCHAR, country VARCHAR'

test('rows are paired by key: added, removed and changed, counted by column', async () => {
  await using diff = await compare(
    { releases_v6: rowsOf(titles, "(1, 'A', 'UK')", "(2, 'B', NULL)", "(3, 'C', '')", "(4, 'D', 'US')") },
    { releases_v6: rowsOf(titles, "(5, 'E', 'FR')", "(4, 'D', 'US')", "(3, 'C', NULL)", "(2, 'Bb', '')") },
  )
  const detail = await diff.detail('releases_v6', 5)
  assert.deepEqual(numbers(detail), [4, 4, 1, 1, 2])
  assert.deepEqual(await diff.count('releases_v6'), {
    dataset: 'releases_v6',
    rowsBefore: 4n,
    rowsAfter: 4n,
    added: 1n,
    removed: 1n,
    changed: 2n,
    notes: [],
  })
  assert.deepEqual(detail.key, ['release_id'])
  assert.deepEqual(detail.columns, [
    { column: 'title', changed: 1n },
    { column: 'country', changed: 2n },
  ])
  assert.deepEqual(detail.samples, [
    { change: 'added', key: { release_id: 5n }, before: null, after: { title: 'E', country: 'FR' } },
    { change: 'removed', key: { release_id: 1n }, before: { title: 'A', country: 'UK' }, after: null },
    {
      change: 'changed',
      key: { release_id: 2n },
      before: { title: 'B', country: null },
      after: { title: 'Bb', country: '' },
    },
    { change: 'changed', key: { release_id: 3n }, before: { title: 'C', country: '' }, after: { title: 'C', country: null } },
  ])
})

test('equal snapshots have no changes, whatever the order of their rows', async () => {
  const rows = ["(1, 'A', 'UK')", "(2, 'B', NULL)", "(2, 'B', NULL)", "(2, 'C', '')"]
  await using diff = await compare(
    { releases_v6: rowsOf(titles, ...rows), labels_v10: rowsOf('label_id BIGINT') },
    { releases_v6: rowsOf(titles, ...rows.toReversed()), labels_v10: rowsOf('label_id BIGINT') },
  )
  assert.deepEqual(numbers(await diff.count('releases_v6')), [4, 4, 0, 0, 0])
  assert.deepEqual(numbers(await diff.count('labels_v10')), [0, 0, 0, 0, 0])
  assert.deepEqual((await diff.detail('releases_v6', 5)).samples, [])
})

test('rows that share a key are paired one to one, never multiplied', async () => {
  await using diff = await compare(
    { releases_v6: rowsOf(titles, "(1, 'A', NULL)", "(1, 'B', NULL)", "(1, 'C', NULL)", "(2, 'x', NULL)", "(NULL, 'n', NULL)") },
    { releases_v6: rowsOf(titles, "(1, 'A', NULL)", "(1, 'Bb', NULL)", "(2, 'x', NULL)", "(2, 'y', NULL)", "(NULL, 'n', NULL)") },
  )
  assert.deepEqual(numbers(await diff.count('releases_v6')), [5, 5, 1, 1, 1])
})

test('a NULL in a composite key is a value like others', async () => {
  const credits = 'release_id BIGINT, track_seq INT, credit VARCHAR, position INT, artist_name VARCHAR'
  await using diff = await compare(
    { release_credits_v1: rowsOf(credits, "(1, NULL, 'artist', 1, 'a')", "(1, 1, 'artist', 1, 'b')", "(1, 1, 'extra', 1, 'c')") },
    {
      release_credits_v1: rowsOf(credits, "(1, NULL, 'artist', 1, 'a2')", "(1, 1, 'artist', 1, 'b')", "(1, 2, 'extra', 1, 'c')"),
    },
  )
  assert.deepEqual(numbers(await diff.count('release_credits_v1')), [3, 3, 1, 1, 1])
  assert.deepEqual(
    (await diff.entity('release_credits_v1', '1')).map(({ change, key }) => [change, key['track_seq'], key['credit']]),
    [
      ['unchanged', 1, 'artist'],
      ['removed', 1, 'extra'],
      ['added', 2, 'extra'],
      ['changed', null, 'artist'],
    ],
  )
})

test('in tables without identity a row is its values, as often as it is there', async () => {
  const aliases = 'artist_id BIGINT, alias_id BIGINT, alias_name VARCHAR'
  const genres = 'release_id BIGINT, genre VARCHAR, genre_norm VARCHAR'
  await using diff = await compare(
    {
      artist_aliases_v1_typed: rowsOf(aliases, "(1, 2, 'x')", "(1, 2, 'x')", "(1, NULL, 'y')"),
      release_genre_xref_v1: rowsOf(genres, "(1, 'Rock', 'rock')", "(2, 'Jazz', 'jazz')"),
    },
    {
      artist_aliases_v1_typed: rowsOf(aliases, "(1, 2, 'x')", "(1, NULL, 'y')", "(1, NULL, 'y')", "(1, NULL, 'y')"),
      release_genre_xref_v1: rowsOf(genres, "(1, 'Rock', 'rock')", "(2, 'Blues', 'blues')"),
    },
  )
  assert.deepEqual(numbers(await diff.count('artist_aliases_v1_typed')), [3, 4, 2, 1, 0])
  assert.deepEqual(numbers(await diff.detail('release_genre_xref_v1', 1)), [2, 2, 1, 1, 0])
  const rows = await diff.entity('artist_aliases_v1_typed', '1')
  assert.deepEqual(
    rows.map(({ change, key }) => `${change} ${key['alias_name']}`),
    ['removed x', 'unchanged x', 'added y', 'added y', 'unchanged y'],
  )
})

test('a change set of a table without identity holds no unchanged row', async () => {
  const aliases = 'artist_id BIGINT, alias_name VARCHAR'
  await using diff = await compare(
    { artist_aliases_v1_typed: rowsOf(aliases, "(1, 'x')", "(1, 'x')", "(2, 'y')", "(3, 'z')") },
    { artist_aliases_v1_typed: rowsOf(aliases, "(1, 'x')", "(2, 'y')", "(2, 'y')", "(4, 'z')") },
  )
  const found: unknown[] = []
  for await (const { rows } of diff.changes('artist_aliases_v1_typed', null, new AbortController().signal)) found.push(...rows)
  assert.deepEqual(found, [
    [1n, 'x', 'removed'],
    [2n, 'y', 'added'],
    [3n, 'z', 'removed'],
    [4n, 'z', 'added'],
  ])
})

test('columns are compared by name; one that a snapshot lacks is named and left out', async () => {
  await using diff = await compare(
    { releases_v6: rowsOf('release_id INTEGER, title VARCHAR, notes VARCHAR', "(1, 'A', 'n')") },
    { releases_v6: rowsOf('country VARCHAR, title VARCHAR, release_id BIGINT', "('A', 'A', 1)") },
  )
  const detail = await diff.detail('releases_v6', 5)
  assert.deepEqual(numbers(detail), [1, 1, 0, 0, 0])
  assert.deepEqual(detail.notes, ['column country is only in new: not compared', 'column notes is only in old: not compared'])
  assert.deepEqual(detail.columns, [
    { column: 'country', changed: null },
    { column: 'title', changed: 0n },
    { column: 'notes', changed: null },
  ])
})

test('a dataset that one snapshot lacks is said to be missing, and has no differences', async () => {
  await using diff = await compare(
    { releases_v6: rowsOf(titles, "(1, 'A', NULL)"), old_table: rowsOf('a INT', '(1)') },
    { labels_v10: rowsOf('label_id BIGINT'), releases_v6: rowsOf(titles) },
  )
  assert.deepEqual(await diff.datasets(), ['labels_v10', 'releases_v6', 'old_table'])
  const missing = await diff.count('old_table')
  assert.deepEqual([numbers(missing), missing.notes], [[1, null, null, null, null], ['not in new']])
  assert.deepEqual((await diff.detail('labels_v10', 1)).notes, ['not in old'])
  assert.deepEqual(numbers(await diff.count('releases_v6')), [1, 0, 0, 1, 0])
  await assert.rejects(
    diff.writeChanges('old_table', null, join(directory, 'never.parquet')),
    (error) => error instanceof PipelineError && error.exitCode === 4 && error.message.includes('not in new'),
  )
  assert.ok(!existsSync(join(directory, 'never.parquet')))
})

test('the change set holds the key, the change, and every column before and after, sorted by key', async () => {
  await using diff = await compare(
    {
      releases_v6: rowsOf(
        'release_id BIGINT, title VARCHAR, notes VARCHAR',
        "(3, 'C', 'n')",
        "(1, 'A', NULL)",
        "(2, 'same', NULL)",
      ),
    },
    { releases_v6: rowsOf('release_id BIGINT, title VARCHAR, year INT', "(10, 'J', 1999)", "(3, '', NULL)", "(2, 'same', 1)") },
  )
  const file = join(directory, 'changes.parquet')
  assert.equal(await diff.writeChanges('releases_v6', null, file), 3)
  await using engine = await DuckDbEngine.open()
  const { columns, rows } = await engine.table(`FROM '${file}'`)
  assert.deepEqual(columns, [
    'release_id',
    'change',
    'title_before',
    'title_after',
    'year_before',
    'year_after',
    'notes_before',
    'notes_after',
  ])
  assert.deepEqual(rows, [
    [1n, 'removed', 'A', null, null, null, null, null],
    [3n, 'changed', 'C', '', null, null, 'n', null],
    [10n, 'added', null, 'J', null, 1999, null, null],
  ])
  const types = await engine.query(`SELECT typeof(year_before) AS y, typeof(notes_after) AS n FROM '${file}' LIMIT 1`)
  assert.deepEqual(types, [{ y: 'INTEGER', n: 'VARCHAR' }])
})

test('slices of the key give what one join gives, and leave nothing on the disk', async () => {
  const many = (offset: number, title: string): Datasets => ({
    releases_v6: `SELECT * FROM (
      SELECT CAST(i + ${offset} AS BIGINT) AS release_id, ${title} AS title, repeat(md5(CAST(i AS VARCHAR)), 10) AS notes
      FROM range(60000) AS t(i) UNION ALL SELECT NULL, 'none', NULL) ORDER BY hash(release_id)`,
  })
  const [before, afterwards] = [many(0, "'t'"), many(600, "CASE WHEN (i + 600) % 1000 = 7 THEN 'u' ELSE 't' END")]
  // Notes go with i, not with the id: all rows that are on both sides have changed.
  const expected = [60001, 60001, 600, 600, 59400]
  const sliced = await compare(before, afterwards, 200e6)
  assert.deepEqual(numbers(await sliced.count('releases_v6')), expected)
  const detail = await sliced.detail('releases_v6', 1)
  assert.deepEqual(numbers(detail), expected)
  assert.deepEqual(detail.columns, [
    { column: 'title', changed: 59n },
    { column: 'notes', changed: 59400n },
  ])
  const temporary = join(labDir(), 'tmp')
  assert.ok(existsSync(join(temporary, 'changes-1.parquet')), 'there was more than one slice')
  await sliced[Symbol.asyncDispose]()
  assert.ok(!existsSync(temporary))
})

test('what does not fit the memory goes to the disk', async () => {
  const names = (offset: number): Datasets => ({
    artist_name_map_v1: `SELECT md5(CAST(i + ${offset} AS VARCHAR)) AS norm_name, i + ${offset} AS artist_id FROM range(800000) AS t(i)`,
  })
  await using diff = await compare(names(0), names(1000), 200e6)
  assert.deepEqual(numbers(await diff.count('artist_name_map_v1')), [800_000, 800_000, 1000, 1000, 0])
})

test('an entity that neither snapshot has is not found; the nearest is named', async () => {
  await using diff = await compare(
    {
      releases_v6: rowsOf(titles, "(10, 'A', NULL)"),
      label_release_counts_v1: rowsOf('label_norm VARCHAR, n BIGINT', "('warp', 1)"),
    },
    {
      releases_v6: rowsOf(titles, "(20, 'B', NULL)"),
      label_release_counts_v1: rowsOf('label_norm VARCHAR, n BIGINT', "('warp', 2)"),
    },
  )
  const hintOf = async (dataset: string, key: string): Promise<unknown> =>
    diff.entity(dataset, key).then(
      () => null,
      (error: unknown) => (error instanceof PipelineError ? [error.exitCode, error.hint] : error),
    )
  assert.deepEqual(await hintOf('releases_v6', '17'), [4, 'the nearest is 20'])
  assert.deepEqual(await hintOf('label_release_counts_v1', 'warpp'), [4, 'the nearest is warp'])
  assert.deepEqual(await hintOf('releases_v6', 'abc'), [2, undefined])
  assert.deepEqual(
    (await diff.entity('label_release_counts_v1', 'warp')).map(({ change }) => change),
    ['removed', 'added'],
  )
})
