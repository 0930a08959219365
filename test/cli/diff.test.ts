/** `dag diff`: which snapshots are meant, what is printed and written, exit codes. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { rowsOf, sealRows } from '../history/snapshots.ts'
import { publish } from './small-lake.ts'
import { dag, Place } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

/** Root may write everywhere: its tests run such a command as somebody else. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {}

const january = '2026-01__20260120_060000'
const february = '2026-02__20260220_060000'
const columns = 'release_id BIGINT, title VARCHAR, country VARCHAR'

before(async () => {
  await sealRows(place.lakeDir, {
    runId: january,
    dumpMonth: '2026-01',
    session: '2026-01-20 06:00:00',
    datasets: {
      releases_v6: rowsOf(columns, "(1, 'A', 'UK')", "(2, 'B', NULL)", "(3, 'C', '')"),
      labels_v10: rowsOf('label_id BIGINT', '(1)'),
    },
  })
  await sealRows(place.lakeDir, {
    runId: february,
    dumpMonth: '2026-02',
    session: '2026-02-20 06:00:00',
    datasets: {
      releases_v6: rowsOf(columns, "(2, 'B', 'FR')", "(3, 'C', NULL)", "(4, 'D, d', NULL)"),
      masters_v1_typed: rowsOf('master_id BIGINT', '(1)'),
    },
  })
  publish(place.lakeDir, february)
})

describe('dag diff', { concurrency: 2 }, () => {
  test('counts every dataset of two months; what one lacks is said', async () => {
    const { code, stdout, stderr } = await place.dag('diff', '2026-01', 'active')
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.equal(
      stdout,
      [
        `${january} → ${february}`,
        'records   before  after  added  removed  changed',
        'releases       3      3      1        1        2',
        '',
        'dataset           before  after  added  removed  changed',
        'labels_v10             1      –      –        –        –',
        'masters_v1_typed       –      1      –        –        –',
        'releases_v6            3      3      1        1        2',
        `labels_v10: not in ${february}`,
        `masters_v1_typed: not in ${january}`,
        '',
      ].join('\n'),
    )
  })

  test('a dataset: values that changed by column, and samples', async () => {
    const { code, stdout } = await place.dag('diff', january, february, 'releases_v6')
    assert.equal(code, 0)
    assert.equal(
      stdout,
      [
        `releases_v6: ${january} → ${february}`,
        'before  after  added  removed  changed',
        '     3      3      1        1        2',
        '',
        'column   changed values',
        'title                 0',
        'country               2',
        '',
        'samples',
        '   key  column   before  after',
        '+  4    title            D, d',
        '−  1    title    A',
        '        country  UK',
        '~  2    country  NULL    FR',
        "~  3    country  ''      NULL",
        '',
      ].join('\n'),
    )
  })

  test('the other way round, added is removed, and that is noted', async () => {
    const { code, stdout, stderr } = await place.dag('diff', '2026-02', '2026-01', 'releases_v6', '--json')
    assert.equal(code, 0)
    assert.match(stderr, /^note: the first snapshot is newer/)
    const { before: first, after: second, rowsBefore, added, samples } = JSON.parse(stdout)
    assert.deepEqual([first, second, rowsBefore, added, samples[0].key], [february, january, 3, 1, { release_id: 1 }])
  })

  test('a snapshot and itself differ in nothing, and that is success too', async () => {
    const { code, stdout } = await place.dag('diff', 'active', february, '--json')
    assert.equal(code, 0)
    const counted: readonly { added: number; removed: number; changed: number }[] = JSON.parse(stdout).datasets
    assert.deepEqual(
      counted.map(({ added, removed, changed }) => [added, removed, changed]),
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    )
  })

  test('--key shows an entity before and after', async () => {
    const { code, stdout } = await place.dag('diff', '2026-01', '2026-02', 'releases_v6', '--key', '3')
    assert.equal(code, 0)
    assert.equal(stdout.split('\n').slice(1).join('\n'), "   key  column   before  after\n~  3    country  ''      NULL\n")
  })

  test('of long values the end that differs is shown', async () => {
    const lakeDir = join(place.dir, 'long')
    const run = (dumpMonth: string, title: string): Promise<unknown> =>
      sealRows(lakeDir, {
        runId: `long-${dumpMonth}`,
        dumpMonth,
        session: `${dumpMonth}-20 06:00:00`,
        datasets: { releases_v6: rowsOf(columns, `(1, '${title}', NULL)`) },
      })
    await run('2026-01', `${'x'.repeat(200)} Vol. 1`)
    await run('2026-02', `${'x'.repeat(200)} Vol. 2`)
    const { stdout } = await dag(['diff', '2026-01', '2026-02', 'releases_v6', '--key', '1'], {
      ...place.env,
      DISCOGS_DATA_LAKE: lakeDir,
    })
    assert.match(stdout, /\n~  1    title   …xx Vol\. 1  …xx Vol\. 2\n$/)
  })

  test('csv and json hold the whole change set', async () => {
    const csv = await place.dag('diff', '2026-01', '2026-02', 'releases_v6', '--format', 'csv')
    assert.deepEqual(csv, {
      code: 0,
      stdout: [
        'release_id,change,title_before,title_after,country_before,country_after',
        '1,removed,A,,UK,',
        '2,changed,B,B,,FR',
        '3,changed,C,C,"",',
        '4,added,,"D, d",,',
        '',
      ].join('\r\n'),
      stderr: '',
    })
    const json = await place.dag('diff', '2026-01', '2026-02', 'releases_v6', '--format', 'json', '--key', '1')
    assert.equal(
      json.stdout,
      '{"release_id":1,"change":"removed","title_before":"A","title_after":null,"country_before":"UK","country_after":null}\n',
    )
  })

  test('parquet is written to a file, whole; nothing is left behind', async () => {
    const file = join(place.dir, 'changes.parquet')
    const args = ['diff', '2026-01', '2026-02', 'releases_v6', '--format', 'parquet', '--output', file, '--memory', '500MB']
    const stateDir = join(place.dir, 'state-of-one')
    const { code, stdout, stderr } = await dag(args, { ...place.env, DAG_STATE: stateDir })
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
    assert.match(stderr, /changes\.parquet: \d/)
    await using engine = await DuckDbEngine.open()
    assert.deepEqual(await engine.query(`SELECT change, count(*) AS n FROM '${file}' GROUP BY 1 ORDER BY 1`), [
      { change: 'added', n: 1n },
      { change: 'changed', n: 2n },
      { change: 'removed', n: 1n },
    ])
    assert.deepEqual(readdirSync(join(stateDir, 'tmp')), [])
    assert.equal(readFileSync(file).subarray(0, 4).toString(), 'PAR1')
  })

  test('a user who may only read the lake and the state compares too, and leaves nothing behind', async () => {
    using readOnly = new Place()
    const temporary = join(place.dir, 'tmp-of-one')
    mkdirSync(temporary)
    chmodSync(temporary, 0o777)
    chmodSync(place.dir, 0o755)
    for (const directory of [readOnly.dir, place.lakeDir]) chmodSync(directory, 0o555)
    const env = { ...place.env, DAG_STATE: readOnly.stateDir, TMPDIR: temporary }
    const { code, stdout, stderr } = await dag(['diff', '2026-01', 'active', 'releases_v6', '--json'], env, nobody)
    chmodSync(readOnly.dir, 0o755)
    chmodSync(place.lakeDir, 0o755)
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.equal(JSON.parse(stdout).changed, 2)
    assert.deepEqual(readdirSync(temporary), [])
  })

  for (const [title, args, code, message] of [
    ['a run', ['2026-01__20260120_06000', february], 4, /did you mean "2026-01__20260120_060000"/],
    ['a month', ['2026-03', february], 4, /no sealed run .* is of 2026-03\nhint: did you mean "2026-0[12]"/],
    ['a dataset', [january, february, 'releases'], 4, /has a dataset "releases"\nhint: did you mean "releases_v6"/],
    ['a key', [january, february, 'releases_v6', '--key', '9'], 4, /release_id 9 in either snapshot\nhint: the nearest is 4/],
  ] as const) {
    test(`${title} that is not there ends with 4 and the nearest name`, async () => {
      const outcome = await place.dag('diff', ...args)
      assert.deepEqual([outcome.code, outcome.stdout], [code, ''])
      assert.match(outcome.stderr, message)
    })
  }

  for (const args of [
    ['--key', '1'],
    ['--format', 'csv'],
    ['releases_v6', '--format', 'parquet'],
    ['releases_v6', '--json', '--format', 'csv'],
    ['releases_v6', '--output', 'file'],
    ['releases_v6', '--memory', '1KB'],
    ['releases_v6', '--key', 'abc'],
  ]) {
    test(`${args.join(' ')} is refused with 2`, async () => {
      const { code, stdout } = await place.dag('diff', january, february, ...args)
      assert.deepEqual([code, stdout], [2, ''])
    })
  }
})
