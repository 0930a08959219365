/** `dag sql`: which run is asked, how answers are written, and that half an answer is never taken for a whole one. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compatibilityViews, datasets } from '../../src/discogs/catalogue.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { publish, sealSmallRun } from './small-lake.ts'
import { eventually, outcomeOf, Place, sh, startDag } from './support.ts'
import { keys, Terminal } from './terminal.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

const january = { runId: '2026-01__20260120_060000', dumpMonth: '2026-01', releases: 3 }
const januaryAgain = { runId: '2026-01__20260125_060000', dumpMonth: '2026-01', releases: 4 }
const march = { runId: '2026-03__20260320_060000', dumpMonth: '2026-03', releases: 5 }
const marchAgain = { runId: '2026-03__20260321_060000', dumpMonth: '2026-03', releases: 6 }

/** Fails at its last row, long after the first ones could have been printed. */
const failsLate = "select x, cast(case when x < 399999 then '1' else 'no' end as int) as y from range(400000) as t(x)"
const endless = 'select count(*) as n from range(1000000000000) as t(x), range(1000) as u(y) where hash(x + y) = 3'

before(async () => {
  for (const run of [january, januaryAgain, march, marchAgain]) await sealSmallRun(place.lakeDir, run)
  publish(place.lakeDir, marchAgain.runId)
  using store = openStore(place.stateDir)
  const id = store.promoting.begin(
    { kind: 'promote', fromRunId: null, toRunId: january.runId, prevLink: null, who: 'ada', reason: 'test' },
    'passed',
  )
  store.promoting.end(id, 'done', null)
})

describe('dag sql', { concurrency: 3 }, () => {
  test('csv has a heading, quotes what needs it, and tells NULL from an empty text', async () => {
    const outcome = await place.dag(
      'sql',
      "select title, null as nothing, '' as empty from releases_v6 order by 1 limit 2",
      '--format',
      'csv',
    )
    assert.deepEqual(outcome, { code: 0, stdout: 'title,nothing,empty\r\n"Title, 0",,""\r\n"Title, 1",,""\r\n', stderr: '' })
  })

  test('csv of no rows is its heading', async () => {
    assert.equal((await place.dag('sql', 'select 1 as a, 2 as a where false', '--format', 'csv')).stdout, 'a,a\r\n')
  })

  test('json is an object a row, a row a line; a second column of a name is told apart', async () => {
    const query = "select 9007199254740993 as big, 1 as a, 2.5::double as a, date '2026-01-20' as day from range(2)"
    const { stdout } = await place.dag('sql', query, '--format', 'json')
    const line = '{"big":"9007199254740993","a":1,"a_2":2.5,"day":"2026-01-20"}\n'
    assert.equal(stdout, line + line)
  })

  test('lists, structs and maps are JSON in JSON, and text elsewhere; long integers stay exact', async () => {
    const query = `select [1, null] as l, {'a': 9007199254740993, 'b': ['x', 'y "z"']} as s, map(['k'], [{'d': date '2026-01-20'}]) as m,
      cast([1, 2] as int[2]) as a, 1.50 as d`
    const value = {
      l: [1, null],
      s: { a: '9007199254740993', b: ['x', 'y "z"'] },
      m: { k: { d: '2026-01-20' } },
      a: [1, 2],
      d: '1.50',
    }
    const { stdout } = await place.dag('sql', query, '--format', 'json')
    assert.equal(stdout, `${JSON.stringify(value)}\n`)
    assert.deepEqual(JSON.parse((await place.dag('sql', query, '--json')).stdout).rows, [value])
    assert.match((await place.dag('sql', query, '--format', 'csv')).stdout, /"\[1, NULL\]","\{'a': 9007199254740993, /)
    const shown = await place.dag('sql', 'show all tables', '--format', 'json')
    assert.ok(Array.isArray(JSON.parse(shown.stdout.split('\n')[0] ?? '').column_names))
  })

  test('SQL may begin with a comment', async () => {
    for (const args of [
      ['-- which?\nselect 1 as a', '--format', 'csv'],
      ['--format', 'csv', '--which?\nselect 1 as a'],
      ['--a=b\nselect 1 as a', '--format=csv'],
    ])
      assert.deepEqual(await place.dag('sql', ...args), { code: 0, stdout: 'a\r\n1\r\n', stderr: '' }, args.join(' '))
    const { code, stderr } = await place.dag('sql', '--fromat', 'csv', 'select 1')
    assert.equal(code, 2)
    assert.match(stderr, /unknown option '--fromat'/)
  })

  test('every column of every table and view has a comment', async () => {
    const query = `select count(*) filter (comment is null) as bare, count(*) as n, count(distinct table_name) as tables
      from duckdb_columns() where database_name = 'memory' and schema_name = 'main' and not internal`
    const [row] = JSON.parse((await place.dag('sql', query, '--json')).stdout).rows
    assert.equal(row.bare, 0)
    assert.equal(row.tables, datasets.length + compatibilityViews.length)
    const one = "select comment from duckdb_columns() where table_name = 'releases_ref_v6' and column_name = 'country'"
    const country = datasets.find(({ name }) => name === 'releases_v6')?.columns.find(({ name }) => name === 'country')
    assert.deepEqual(JSON.parse((await place.dag('sql', one, '--json')).stdout).rows, [{ comment: country?.meaning }])
    const bare = await place.dag(
      'sql',
      "select view_name from duckdb_views() where not internal and schema_name = 'main' and comment is null",
      '--json',
    )
    assert.deepEqual(JSON.parse(bare.stdout).rows, [])
  })

  test('a statement that writes needs --write', async () => {
    const file = join(place.dir, 'copied.csv')
    const query = `copy (select 1 as a) to '${file}'`
    const { code, stdout, stderr } = await place.dag('sql', query)
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
    assert.match(
      stderr,
      /`dag sql` only runs statements that read, and COPY is not one of them\nhint: `dag sql --write` runs others, too\n$/,
    )
    assert.ok(!existsSync(file))
    assert.equal((await place.dag('sql', '--write', query)).code, 0)
    assert.equal(readFileSync(file, 'utf8'), 'a\n1\n')
  })

  test('statements that are no SELECT have answers too', async () => {
    const { code, stdout } = await place.dag('sql', 'show tables;', '--format', 'csv')
    assert.equal(code, 0)
    assert.match(stdout, /\nreleases_v6\r\n/)
    assert.match((await place.dag('sql', 'explain select 1')).stdout, /PROJECTION|DUMMY_SCAN/)
  })

  test('--json is one document with the run and the number of rows', async () => {
    assert.equal(await place.releases(), marchAgain.releases)
  })

  test('a table shows --max-rows rows and says how many there are', async () => {
    const { stdout } = await place.dag('sql', 'select x from range(3000) as t(x)', '--max-rows', '2')
    assert.equal(stdout, 'x\n0\n1\n(3000 rows, the first 2 are shown: --max-rows shows more)\n')
  })

  test('an error after any number of rows prints not one of them', async () => {
    for (const format of ['csv', 'json']) {
      const { code, stdout, stderr } = await place.dag('sql', failsLate, '--format', format)
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
      assert.match(stderr, /Conversion Error: Could not convert string 'no'/)
    }
  })

  test('a file of --output is replaced by a whole answer or not at all', async () => {
    const directory = join(place.dir, 'out')
    mkdirSync(directory)
    const file = join(directory, 'answer.csv')
    writeFileSync(file, 'before')
    for (const format of ['csv', 'parquet']) {
      assert.equal((await place.dag('sql', failsLate, '--format', format, '--output', file)).code, 1)
      assert.deepEqual([readdirSync(directory), readFileSync(file, 'utf8')], [['answer.csv'], 'before'])
    }
    const { code, stderr } = await place.dag('sql', 'select 1 as a', '--format', 'csv', '--output', file)
    assert.equal(code, 0, stderr)
    assert.deepEqual([readdirSync(directory), readFileSync(file, 'utf8')], [['answer.csv'], 'a\r\n1\r\n'])
    assert.match(stderr, /answer\.csv: 6 B\n$/)
  })

  test('Parquet keeps types and exact sums', async () => {
    const file = join(place.dir, 'answer.parquet')
    const query = "select 1::int as a, date '2026-01-20' as a, sum(9007199254740993) as total from range(3)"
    assert.equal((await place.dag('sql', query, '--format', 'parquet', '--output', file)).code, 0)
    await using engine = await DuckDbEngine.open()
    assert.deepEqual(await engine.query(`SELECT *, typeof(a) AS t, typeof(total) AS u FROM '${file}'`), [
      { a: 1, a_2: '2026-01-20', total: '27021597764222979', t: 'INTEGER', u: 'DECIMAL(38,0)' },
    ])
  })

  test('a large answer needs little memory, and comes in order', async () => {
    const rows = 500_000
    const file = join(place.dir, 'large.json')
    const outcome = await outcomeOf(
      startDag(
        ['sql', `select x, 'a text of some length ' || x as t from range(${rows}) as t(x)`, '--format', 'json', '--output', file],
        { ...place.env, NODE_OPTIONS: '--max-old-space-size=40' },
      ),
    )
    assert.equal(outcome.code, 0, outcome.stderr)
    const lines = readFileSync(file, 'utf8').split('\n')
    assert.equal(lines.length, rows + 1)
    assert.deepEqual(
      lines.slice(0, rows).findIndex((line, index) => !line.startsWith(`{"x":${index},`)),
      -1,
    )
  })

  test('a reader that has seen enough ends it quietly', async () => {
    const script = join(place.dir, 'head.sh')
    writeFileSync(
      script,
      `"${process.execPath}" src/cli/dag.ts sql "select x from range(1000000) as t(x)" --format csv | head -2\n`,
    )
    const outcome = await sh(script, place.env)
    assert.deepEqual(outcome, { code: 0, stdout: 'x\r\n0\r\n', stderr: '' })
  })

  test('Ctrl-C ends the query with 130, SIGTERM with 143, and nothing is printed', async () => {
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const child = startDag(['sql', endless], place.env)
      const ended = outcomeOf(child)
      await eventually('opening the engine', () => (hasLoaded(child.pid, 'duckdb.node') ? true : null))
      await sleep(300)
      child.kill(signal)
      const { code, stdout, stderr } = await ended
      assert.deepEqual({ code, stdout, stderr }, { code: expected, stdout: '', stderr: `dag: interrupted by ${signal}\n` })
    }
  })

  test('--as-of takes the newest month up to the given one, of it the newest published run, else the newest', async () => {
    const asked = ['2026-01', '2026-02', '2026-03', '2099-12']
    const answers = await Promise.all(asked.map((month) => place.releases('--as-of', month)))
    assert.deepEqual(answers, [january.releases, january.releases, marchAgain.releases, marchAgain.releases])
  })

  const refusals: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [
      ['select 1', '--as-of', '2025-12'],
      4,
      /no sealed run .* is of 2025-12 or of a month before it\nhint: there is 2026-01, 2026-03/,
    ],
    [['select 1', '--as-of', '2026-13'], 2, /a month, YYYY-MM, is expected/],
    [['select 1', '--as-of', '2026-01', '--run', january.runId], 2, /give one of them/],
    [['select 1', '--json', '--format', 'csv'], 2, /--json and --format exclude each other/],
    [['select 1', '--format', 'parquet'], 2, /needs --output/],
    [['select 1', '--format', 'csv', '--output', '/nowhere/x.csv'], 2, /there is no directory \/nowhere/],
    [['select 1', '--engine', 'trino'], 2, /TRINO_URL is not set/],
    [['select 1', '--engine', 'sqlite'], 2, /Allowed choices are duckdb, trino/],
    [[], 2, /there is no query, and no terminal for a prompt/],
    [['select 1; select 2'], 1, /multiple statements/i],
    [['select 1; drop view releases_v6'], 1, /multiple statements/i],
    [['drop view releases_v6'], 2, /and DROP is not one of them/],
    [['drop view releases_v6', '--format', 'parquet', '--output', '/tmp/never.parquet'], 2, /and DROP is not one of them/],
  ]
  for (const [args, expected, says] of refusals) {
    test(`sql ${args.join(' ')}: exit ${expected}`, async () => {
      const { code, stdout, stderr } = await place.dag('sql', ...args)
      assert.deepEqual({ code, stdout }, { code: expected, stdout: '' })
      assert.match(stderr, says)
    })
  }
})

test('the prompt: statements over lines, completion, help, errors, Ctrl-C, and a history that the next prompt has', async () => {
  const history = join(place.stateDir, 'sql_history')
  {
    await using terminal = new Terminal(['sql'], place.env)
    await terminal.waitFor(/run 2026-03__20260321_060000 on duckdb.*sql> /s)
    await terminal.type('sel', keys.tab, ' count(*) as n', keys.enter)
    await terminal.waitFor(/as n\s+-> /)
    await terminal.type('fro', keys.tab, ' releases_v', keys.tab, ';', keys.enter)
    await terminal.waitFor(/n\r\n6\r\n\(1 row\)\r\n[\d.]+ s\r\nsql> /)

    await terminal.type(
      'select r.tit from releases_v6 as r',
      ...Array.from({ length: 22 }, () => '\u001b[D'),
      keys.tab,
      '\u0005;',
      keys.enter,
    )
    await terminal.waitFor(/title\r\nTitle, 0\r\n/)
    await terminal.type('.sch', keys.tab, ' releases_v', keys.tab, keys.enter)
    await terminal.waitFor(/column +type +meaning\r\nrelease_id +BIGINT/)
    await terminal.type('.tables', keys.enter)
    await terminal.waitFor(/releases_v6\r\n/)
    await terminal.type('drop view releases_v6;', keys.enter)
    await terminal.waitFor(/and DROP is not one of them[\s\S]*hint: `dag sql --write`[\s\S]*sql> /)
    await terminal.type('selec 1;', keys.enter)
    await terminal.waitFor(/Parser Error: syntax error at or near "selec"[\s\S]*sql> /)

    await terminal.type(`${endless};`, keys.enter)
    await sleep(500)
    await terminal.type(keys.ctrlC)
    await terminal.waitFor(/cancelled\r\nsql> /)
    await terminal.type('select 40 +', keys.enter, 'no thanks', keys.ctrlC)
    await terminal.waitFor(/\^C[\s\S]*sql> /)
    await terminal.type('select 40 + 2 as answer;', keys.enter)
    await terminal.waitFor(/answer\r\n +42\r\n/)
    await terminal.type('.quit', keys.enter)
    assert.equal(await terminal.exitCode(), 0)
  }
  const lines = readFileSync(history, 'utf8').trimEnd().split('\n')
  assert.deepEqual(
    [lines[0], lines.at(-2), lines.at(-1)],
    ['select count(*) as n from releases_v6;', 'select 40 + 2 as answer;', '.quit'],
  )
  {
    await using terminal = new Terminal(['sql', '--run', january.runId, '--format', 'csv'], place.env)
    await terminal.waitFor(/sql> /)
    await terminal.type(...lines.map(() => keys.up), keys.enter)
    await terminal.waitFor(/n\s+3\s/)
    await terminal.type(keys.ctrlD)
    assert.equal(await terminal.exitCode(), 0)
  }
})

test('nothing is left of large answers', () => {
  const spilled = join(place.stateDir, 'tmp')
  assert.deepEqual(existsSync(spilled) ? readdirSync(spilled) : [], [])
})

/** The signal must not come before the command listens, which it does before it opens an engine. */
function hasLoaded(pid: number | undefined, library: string): boolean {
  return readFileSync(`/proc/${pid}/maps`, 'latin1').includes(library)
}
