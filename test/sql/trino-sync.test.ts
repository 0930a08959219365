import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { compatibilityViews, datasets } from '../../src/discogs/catalogue.ts'
import { dataFileName, runDir, stagingDir } from '../../src/lake/layout.ts'
import { moveActive } from '../../src/lake/pointer.ts'
import { sealRun } from '../../src/lake/seal.ts'
import { forgetRun } from '../../src/serving/forget-run.ts'
import { followPointer, runSchema, type SyncOutcome, syncPublished, syncTrino } from '../../src/serving/trino-lake.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { dropSchema, schemasNamed } from '../../src/sql/trino-sync.ts'
import { dag } from '../cli/support.ts'
import { type TestRow, writeParquet, writeReportedRun } from '../support/parquet.ts'
import { publishedSchemas } from '../support/published-schemas.ts'
import { removeLake } from '../support/remove-lake.ts'
import { skipTrino as skip, trinoServer } from '../support/trino-server.ts'

const [oldest, older, newer] = ['2097-01__20970120_060000', '2097-02__20970220_060000', '2097-03__20970320_060000']
/** Enough of the catalogue: each relation costs the server a while. */
const served = datasets.filter(({ name }) =>
  [
    'artists_v1_typed',
    'artist_memberships_v1_typed',
    'artist_urls_v1',
    'labels_v10',
    'label_urls_v1',
    'masters_v1_typed',
    'master_genres_v1',
    'releases_v6',
  ].includes(name),
)
const views = compatibilityViews.filter(({ of }) => served.some(({ name }) => name === of))
const relations = served.length + views.length
const notServed = datasets.filter((dataset) => !served.includes(dataset)).map(({ name }) => name)
let lakeDir = ''
let trino: TrinoSettings
let engine: TrinoEngine
let endTurn = (): void => {}

const rows = (count: number): Readonly<Record<string, readonly TestRow[]>> => ({
  artists_v1_typed: [{ artist_id: 1n, name: 'One' }],
  artist_memberships_v1_typed: ['group', 'member'].map((by) => ({
    group_id: 1n,
    group_name: 'G',
    member_id: 2n,
    member_name: 'M',
    listed_by: by,
  })),
  labels_v10: Array.from({ length: count }, (_, index) => ({ label_id: BigInt(index) + 1n, name: `Label ${index}` })),
  masters_v1_typed: [{ master_id: 3n, title: 'Work' }],
  releases_v6: Array.from({ length: 2 * count }, (_, index) => ({ release_id: BigInt(index) + 1n, title: 'Work', country: 'Ö' })),
})

async function sealed(runId: string, tables: Readonly<Record<string, readonly TestRow[]>>): Promise<void> {
  await writeReportedRun(stagingDir(lakeDir, runId), runId, tables, {}, served)
  const code = { version: '0', commit: null }
  await sealRun(lakeDir, runId, { dag: 'main', session: '2097-01-20 06:00:00', params: {}, code })
}

/** A snapshot of an older catalogue: `country` comes later, columns stand elsewhere, one dataset is not thought of yet. */
async function asItWas(runId: string): Promise<void> {
  const directory = runDir(lakeDir, runId)
  for (const folder of [directory, join(directory, 'releases_v6'), join(directory, 'label_urls_v1')]) chmodSync(folder, 0o700)
  rmSync(join(directory, 'label_urls_v1'), { recursive: true })
  const releases = datasets.find(({ name }) => name === 'releases_v6')?.columns ?? []
  const columns = releases.filter(({ name }) => name !== 'country').toReversed()
  const file = join(directory, 'releases_v6', dataFileName(runId, 0))
  rmSync(file)
  await writeParquet(file, columns, [{ release_id: 7n, title: 'old' }, { release_id: 8n }])
}

before(async () => {
  if (skip !== false) return
  trino = await trinoServer()
  endTurn = await publishedSchemas()
  lakeDir = await mkdtemp(join(tmpdir(), 'trino-sync-'))
  engine = await TrinoEngine.open(trino)
  for (const schema of ['discogs', 'discogs_stable', ...[oldest, older, newer].map(runSchema)]) await dropSchema(engine, schema)
  await sealed(older, rows(3))
  await sealed(newer, rows(5))
  symlinkSync(`_runs/${older}`, join(lakeDir, 'active'))
})
after(async () => {
  if (skip !== false) return
  for (const schema of ['discogs', 'discogs_stable', ...[oldest, older, newer].map(runSchema)]) await dropSchema(engine, schema)
  endTurn()
  removeLake(lakeDir)
  if (stateDir !== null) await rm(stateDir, { recursive: true })
})

let stateDir: string | null = null

/** For `dag`. */
async function environment(): Promise<Record<string, string>> {
  stateDir ??= await mkdtemp(join(tmpdir(), 'trino-sync-state-'))
  return { DISCOGS_DATA_LAKE: lakeDir, TRINO_URL: trino.url, DAG_STATE: stateDir }
}

const all = () => syncTrino({ lakeDir, trino, runs: 'all', active: true })
/** Of every snapshot, without looking where its tables lie. */
const registered = () => syncTrino({ lakeDir, trino, runs: 'all', active: false, locations: false })
const count = async (table: string): Promise<unknown> => (await engine.table(`SELECT count(*) FROM ${table}`)).rows[0]?.[0]

test('a dry run tells every statement and does none', { skip }, async () => {
  const { changes, verified, schemas } = await syncTrino({ lakeDir, trino, runs: 'all', active: true, dryRun: true })
  assert.deepEqual(schemas, [runSchema(older), runSchema(newer), 'discogs', 'discogs_stable'])
  assert.equal(changes.length, 4 * (relations + 1))
  assert.equal(verified, 0)
  await assert.rejects(engine.query('SELECT 1 AS x FROM discogs.releases_v6'), /SCHEMA_NOT_FOUND/)
})

test('a sync makes every schema, counts what it made, and the next one finds nothing to do', { skip }, async () => {
  const first = await all()
  assert.equal(first.changes.length, 4 * (relations + 1))
  assert.equal(first.verified, 3 * served.length)
  assert.deepEqual([first.missing.length, first.foreign, first.conflicts], [3 * notServed.length, [], []])
  const { changes, kept } = await all()
  assert.deepEqual([changes, kept], [[], 4 * relations])
  for (const schema of ['discogs', 'discogs_stable', runSchema(older)])
    assert.deepEqual(
      [
        await count(`${schema}.releases_v6`),
        await count(`${schema}.releases_ref_v6`),
        await count(`${schema}.artist_memberships_v1_typed_dedup`),
      ],
      [6n, 6n, 1n],
    )
  assert.equal(await count(`${runSchema(newer)}.releases_v6`), 10n)
})

/** Each on a relation of its own: one sync is to find them all. */
const damages: Readonly<Record<string, readonly [relation: string, statements: readonly string[], reason: RegExp]>> = {
  'a table is gone': ['labels_v10', ['DROP TABLE discogs.labels_v10'], /missing/],
  'a column was added': [
    'artists_v1_typed',
    ['ALTER TABLE discogs.artists_v1_typed ADD COLUMN extra bigint'],
    /with extra bigint/,
  ],
  'a column is missing': [
    'artist_urls_v1',
    [
      'DROP TABLE discogs.artist_urls_v1',
      "CREATE TABLE discogs.artist_urls_v1 (artist_id bigint) WITH (external_location = 'LAKE/active/artist_urls_v1', format = 'PARQUET')",
    ],
    /without .*url varchar/,
  ],
  'a column has another type': [
    'label_urls_v1',
    [
      'DROP TABLE discogs.label_urls_v1',
      "CREATE TABLE discogs.label_urls_v1 (label_id integer, position integer, url varchar) WITH (external_location = 'LAKE/active/label_urls_v1', format = 'PARQUET')",
    ],
    /without label_id bigint, with label_id integer/,
  ],
  'the location was moved': [
    'releases_v6',
    [
      "CREATE TABLE discogs.other (release_id bigint) WITH (external_location = 'LAKE/active/releases_v6', format = 'PARQUET')",
      'DROP TABLE discogs.other',
      'MOVED',
    ],
    /it was not made by dag/,
  ],
  'a view was changed': [
    'masters_v1',
    [
      "CREATE OR REPLACE VIEW discogs.masters_v1 COMMENT 'Old [dag:0123456789abcdef]' AS SELECT master_id FROM discogs.masters_v1_typed",
    ],
    /without/,
  ],
  'a table has the name of a view': [
    'artist_memberships_v1',
    [
      'DROP VIEW discogs.artist_memberships_v1',
      "CREATE TABLE discogs.artist_memberships_v1 (group_id bigint) WITH (external_location = 'LAKE/active/artist_memberships_v1_typed', format = 'PARQUET')",
    ],
    /it is a table/,
  ],
  'a view has the name of a table': [
    'master_genres_v1',
    [
      'DROP TABLE discogs.master_genres_v1',
      "CREATE VIEW discogs.master_genres_v1 COMMENT 'Old [dag:0123456789abcdef]' AS SELECT 1 AS one",
    ],
    /it is a view/,
  ],
  'comments of a table were changed': [
    'masters_v1_typed',
    [
      "COMMENT ON COLUMN discogs.masters_v1_typed.title IS 'mine'",
      'COMMENT ON COLUMN discogs.masters_v1_typed.master_id IS NULL',
    ],
    /its comments were changed/,
  ],
  'comments of a view were changed': [
    'artists_v1',
    ["COMMENT ON COLUMN discogs.artists_v1.name IS 'mine'"],
    /its comments were changed/,
  ],
  'the mark of a view is gone': [
    'labels_ref_v10',
    ["COMMENT ON VIEW discogs.labels_ref_v10 IS 'mine'"],
    /its comment was changed/,
  ],
}

describe('drift is found and repaired', { skip }, () => {
  let found: SyncOutcome['changes'] = []
  let afterwards: SyncOutcome['changes'] = []

  before(async () => {
    for (const statement of Object.values(damages).flatMap(([, statements]) => statements))
      await engine.execute(statement === 'MOVED' ? await movedReleases() : statement.replace('LAKE', `local://${lakeDir}`))
    const outcome = await syncPublished({ lakeDir, trino })
    assert.deepEqual(outcome.conflicts, [])
    found = outcome.changes
    afterwards = (await syncPublished({ lakeDir, trino })).changes
  })

  test('nothing else is done, and the next sync finds nothing to do', () => {
    assert.deepEqual(
      found.map((change) => `${change.schema}.${change.relation}`).toSorted(),
      Object.values(damages)
        .map(([relation]) => `discogs.${relation}`)
        .toSorted(),
    )
    assert.deepEqual(afterwards, [])
  })

  test('every column has its comment again', async () => {
    assert.deepEqual(await commentsOf('discogs'), await commentsOf(runSchema(older)))
  })

  for (const [what, [relation, , reason]] of Object.entries(damages)) {
    test(what, async () => {
      assert.match(found.find((change) => change.relation === relation)?.reason ?? '', reason)
      assert.equal(await count(`discogs.${relation}`), await count(`${runSchema(older)}.${relation}`))
    })
  }
})

/** Comments of a schema's relations without their marks, and of columns. */
async function commentsOf(schema: string): Promise<unknown> {
  const { rows: columns } = await engine.table(
    'SELECT table_name, column_name, comment FROM information_schema.columns WHERE table_schema = ? ORDER BY 1, 2',
    [schema],
  )
  const { rows: tables } = await engine.table(
    `SELECT table_name, regexp_replace(comment, '\\[dag:.*') FROM system.metadata.table_comments
      WHERE catalog_name = 'hive' AND schema_name = ? ORDER BY 1`,
    [schema],
  )
  return { columns, tables }
}

test('every column has a comment, also those of views, in every schema', { skip }, async () => {
  for (const schema of ['discogs', 'discogs_stable', runSchema(newer)]) {
    const { rows: bare } = await engine.table(
      `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ? AND coalesce(comment, '') = ''`,
      [schema],
    )
    assert.deepEqual(bare, [], schema)
  }
  const { rows: seen } = await engine.table(
    "SELECT comment FROM information_schema.columns WHERE table_schema = 'discogs_stable' AND table_name = 'releases_ref_v6' AND column_name = 'country'",
  )
  const country = datasets.find(({ name }) => name === 'releases_v6')?.columns.find(({ name }) => name === 'country')
  assert.deepEqual(seen, [[country?.meaning]])
  await engine.execute("COMMENT ON COLUMN discogs_stable.releases_ref_v6.country IS 'mine'")
  const quick = { lakeDir, trino, runs: [], active: true, locations: false } as const
  assert.deepEqual((await syncTrino({ ...quick, comments: false })).changes, [])
  assert.deepEqual(
    (await syncTrino(quick)).changes.map(({ action, relation }) => [action, relation]),
    [['comment', 'releases_ref_v6']],
  )
})

/** The same columns over another directory. */
async function movedReleases(): Promise<string> {
  const text = await definition('discogs.releases_v6')
  await engine.execute('DROP TABLE discogs.releases_v6')
  return text.replaceAll(/COMMENT '[^\n]*\[dag:[^\n]*/g, '').replace('/active/', `/_runs/${newer}/`)
}

async function definition(table: string): Promise<string> {
  const { rows: shown } = await engine.table(`SHOW CREATE TABLE ${table}`)
  return String(shown[0]?.[0]).replace(/^CREATE TABLE hive\./, 'CREATE TABLE ')
}

test('tables with our comment that lie elsewhere are found and repaired', { skip }, async () => {
  const moves = {
    'over another run': ['discogs.releases_v6', '/active/', `/_runs/${newer}/`],
    'over another dataset': ['discogs.labels_v10', '/labels_v10', '/label_urls_v1'],
    'without rows': ['discogs.label_urls_v1', '/label_urls_v1', '/artist_urls_v1'],
    'of a run, over another one': [`${runSchema(newer)}.releases_v6`, newer, older],
  } as const
  const right = new Map<string, string>()
  for (const [table, from, to] of Object.values(moves)) {
    const text = await definition(table)
    right.set(table, text)
    await engine.execute(`DROP TABLE ${table}`)
    await engine.execute(text.replace(from, to))
  }
  const { changes, verified } = await all()
  assert.deepEqual(
    changes.map(({ schema, relation }) => `${schema}.${relation}`).toSorted(),
    Object.values(moves)
      .map(([table]) => table)
      .toSorted(),
  )
  for (const { reason } of changes) assert.match(reason, /^it lies at local:.*/)
  assert.equal(verified, changes.length)
  for (const [table, text] of right) assert.equal(await definition(table), text)
})

test('the server is asked about every directory at once: what it is asked with is gone afterwards, also what a killed sync left', {
  skip,
}, async () => {
  const [left, other] = ['discogs_count_1600000000000_0123abcd', `discogs_count_16_${process.pid}`]
  await engine.execute(`CREATE SCHEMA IF NOT EXISTS ${left}`)
  await engine.execute(`CREATE SCHEMA ${other}`)
  await engine.execute('DROP TABLE discogs.releases_v6')
  assert.equal((await syncPublished({ lakeDir, trino })).verified, 1)
  assert.deepEqual([await schemasNamed(engine, left), await schemasNamed(engine, other)], [[], [other]])
  await engine.execute(`DROP SCHEMA ${other}`)
})

test('a run whose manifest cannot be read is named, keeps its schema, and does not hold up the others', { skip }, async () => {
  const broken = '2097-06__20970620_060000'
  mkdirSync(runDir(lakeDir, broken))
  await engine.execute(`CREATE SCHEMA ${runSchema(broken)}`)
  await engine.execute(`DROP TABLE ${runSchema(newer)}.releases_v6`)
  try {
    const { code, stdout, stderr } = await dag(['trino', 'sync'], await environment())
    assert.match(stdout, /1 created, 0 replaced/)
    assert.match(stderr, new RegExp(`cannot be read, and were left out:\\n  ${broken}: .* it has no manifest`))
    assert.equal(code, 1)
    assert.equal(await count(`${runSchema(newer)}.releases_v6`), 10n)
    const { unreadable, orphaned } = await registered()
    assert.deepEqual([unreadable.map(({ runId }) => runId), orphaned.includes(runSchema(broken))], [[broken], false])
  } finally {
    rmSync(runDir(lakeDir, broken), { recursive: true })
    await dropSchema(engine, runSchema(broken))
  }
})

test('a schema of a run that the lake has not is named, and dropped when asked to', { skip }, async () => {
  const gone = '2097-12__20971220_060000'
  await engine.execute(`CREATE SCHEMA ${runSchema(gone)}`)
  assert.ok((await registered()).orphaned.includes(runSchema(gone)))
  await forgetRun({ lakeDir, trino }, gone)
  assert.ok(!(await registered()).orphaned.includes(runSchema(gone)))
})

test('tables of others are left alone and named', { skip }, async () => {
  await engine.execute('CREATE VIEW discogs.of_somebody AS SELECT 1 AS one')
  const { foreign, changes } = await syncPublished({ lakeDir, trino })
  assert.deepEqual([foreign, changes], [['discogs.of_somebody'], []])
  await engine.execute('DROP VIEW discogs.of_somebody')
})

test('what somebody else made under a name of ours is a conflict: it stays, rows included, and the rest is done', {
  skip,
}, async () => {
  const run = runSchema(older)
  for (const statement of [
    'DROP TABLE discogs.labels_v10',
    'CREATE TABLE discogs.labels_v10 AS SELECT 42 AS precious',
    'DROP VIEW discogs.masters_v1',
    'CREATE VIEW discogs.masters_v1 AS SELECT 7 AS mine',
    `DROP VIEW discogs_stable.label_urls_v1`,
    `DROP TABLE ${run}.label_urls_v1`,
    `CREATE TABLE ${run}.label_urls_v1 AS SELECT 1 AS label_id`,
    'DROP TABLE discogs.releases_v6',
  ])
    await engine.execute(statement)
  const { code, stderr, stdout } = await dag(['trino', 'sync', '--active'], await environment())
  assert.equal(code, 3, stderr)
  assert.match(stderr, /discogs\.labels_v10: it is a managed table: its rows would be lost\n/)
  assert.match(stderr, /discogs\.masters_v1: it is a view that dag did not make\n/)
  assert.match(stderr, new RegExp(`${run}\\.label_urls_v1: it is a managed table.*\n`))
  assert.match(stderr, new RegExp(`discogs_stable\\.label_urls_v1: it would read ${run}\\.label_urls_v1\n`))
  assert.match(stderr, /hint: rename or drop them in Trino, then run `dag trino sync` again\n/)
  assert.match(stdout, /1 created, 0 replaced, 0 dropped/)
  assert.deepEqual((await engine.table('SELECT precious FROM discogs.labels_v10')).rows, [[42]])
  assert.deepEqual((await engine.table('SELECT mine FROM discogs.masters_v1')).rows, [[7]])
  assert.equal(await count('discogs.releases_v6'), 6n)
  assert.match(await followPointer(lakeDir, trino), /must not replace.*discogs_stable\.label_urls_v1: it would read/s)
  for (const statement of ['TABLE discogs.labels_v10', 'VIEW discogs.masters_v1', `TABLE ${run}.label_urls_v1`])
    await engine.execute(`DROP ${statement}`)
  assert.deepEqual((await syncPublished({ lakeDir, trino })).conflicts, [])
  assert.equal(await count('discogs.labels_v10'), 3n)
})

test('tables of another lake are left alone, unless that is where this one was before', { skip }, async () => {
  const elsewhere = {
    lakeDir,
    trino: { ...trino, lakeUri: 's3://bucket/hive-data' },
    runs: [],
    active: true,
    dryRun: true,
  } as const
  const { changes, conflicts } = await syncTrino(elsewhere)
  assert.deepEqual([changes, conflicts.filter(({ isOfOtherLake }) => isOfOtherLake).length], [[], 2 * served.length])
  assert.ok(conflicts.some(({ schema, reason }) => schema === 'discogs_stable' && reason === 'discogs shows another lake'))
  const moved = await syncTrino({ ...elsewhere, movedFrom: `local://${lakeDir}/` })
  assert.deepEqual([moved.changes.length, moved.conflicts], [2 * served.length, []])
})

test('syncs at the same time all succeed, and leave nothing to do', { skip }, async () => {
  const sync = () => syncTrino({ lakeDir, trino, runs: [newer], active: true, locations: false })
  await forgetRun({ lakeDir, trino }, newer)
  await engine.execute('DROP TABLE discogs.labels_v10')
  const outcomes = await Promise.all([sync(), sync(), sync()])
  assert.ok(outcomes.some(({ changes }) => changes.length > 0))
  assert.deepEqual((await sync()).changes, [])
  assert.equal(await count(`${runSchema(newer)}.releases_v6`), 10n)
})

test('after a promotion the very next query of discogs sees the new rows without any statement; discogs_stable follows', {
  skip,
}, async () => {
  moveActive(lakeDir, newer)
  assert.equal(await count('discogs.releases_v6'), 10n)
  assert.match(await followPointer(lakeDir, trino), /discogs_stable shows the published run/)
  for (const view of ['releases_v6', 'releases_ref_v6']) assert.equal(await count(`discogs_stable.${view}`), 10n)
})

test('when the server is not to be had the pointer stays where it is and somebody is told', { skip }, async () => {
  const said = await followPointer(lakeDir, { ...trino, catalog: 'no_such_catalog' })
  assert.match(
    said,
    /discogs_stable does not show the published run yet: .*no catalog no_such_catalog.*`dag trino sync --active` repairs it/,
  )
})

test('an old snapshot reads NULL for a column it lacks, in its place, and has no table for a dataset it lacks', {
  skip,
}, async () => {
  await sealed(oldest, rows(1))
  await asItWas(oldest)
  const { missing, changes } = await syncTrino({ lakeDir, trino, runs: 'all', active: true, locations: false })
  assert.ok(missing.includes(`${runSchema(oldest)}.label_urls_v1`))
  assert.equal(changes.length, relations)
  const { rows: seen } = await engine.table(`SELECT release_id, title, country, master_id FROM ${runSchema(oldest)}.releases_v6`)
  assert.deepEqual(seen, [
    [7n, 'old', null, null],
    [8n, null, null, null],
  ])
  await assert.rejects(engine.table(`SELECT * FROM ${runSchema(oldest)}.label_urls_v1`), /TABLE_NOT_FOUND/)
})

test('a URI that the server reads as nothing is an error, not a lake of empty tables', { skip }, async () => {
  const wrong = { ...trino, lakeUri: `file://${lakeDir}` }
  await assert.rejects(
    syncTrino({ lakeDir, trino: wrong, runs: [older], active: false }),
    /Trino sees other rows than were written in \d+ tables: .*0 instead of/,
  )
  assert.equal((await syncTrino({ lakeDir, trino, runs: [older], active: false })).changes.length, served.length)
})

test('the schema of a run is forgotten, its files stay; that of the published one is kept', { skip }, async () => {
  await assert.rejects(forgetRun({ lakeDir, trino }, newer), { exitCode: 3, message: /it is published/ })
  const own = `${runSchema(oldest)}.of_somebody`
  await engine.execute(`CREATE TABLE ${own} AS SELECT 42 AS precious`)
  await assert.rejects(forgetRun({ lakeDir, trino }, oldest), { exitCode: 3, message: /`dag` did not make of_somebody in it/ })
  assert.deepEqual((await engine.table(`SELECT precious FROM ${own}`)).rows, [[42]])
  await engine.execute(`DROP TABLE ${own}`)
  await forgetRun({ lakeDir, trino }, oldest)
  await assert.rejects(engine.query(`SELECT 1 AS x FROM ${runSchema(oldest)}.labels_v10`), /SCHEMA_NOT_FOUND/)
  await forgetRun({ lakeDir, trino }, oldest)
  assert.equal((await syncTrino({ lakeDir, trino, runs: [older], active: false, locations: false })).changes.length, 0)
})

test('dag trino sync prints the statements of a dry run, runs them, and refuses what contradicts itself', { skip }, async () => {
  const env = await environment()
  await engine.execute('DROP VIEW discogs.masters_v1')
  const dry = await dag(['trino', 'sync', '--active', '--dry-run'], env)
  assert.match(
    dry.stdout,
    /^-- discogs\.masters_v1: missing\nCREATE OR REPLACE VIEW "discogs"\."masters_v1"[^;]*;\n(COMMENT ON COLUMN "discogs"\."masters_v1"\."\w+" IS [^\n]*;\n){10}\n$/,
  )
  assert.equal(dry.code, 0, dry.stderr)
  const done = await dag(['trino', 'sync', '--active'], env)
  assert.match(done.stdout, /3 schemas: 1 created, 0 replaced, 0 dropped/)
  assert.equal((await dag(['trino', 'sync', '--active', '--all'], env)).code, 2)
  assert.equal((await dag(['trino', 'sync', '--run', 'no_such_run'], env)).code, 4)
})
