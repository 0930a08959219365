/** `dag sql --engine trino` on a real server: the same answers as DuckDB's, and queries that end where they run. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { publishedSchemas } from '../support/published-schemas.ts'
import { skipTrino, trinoServer } from '../support/trino-server.ts'
import { publish, sealSmallRun } from './small-lake.ts'
import { outcomeOf, Place, startDag, type Variables } from './support.ts'
import { keys, Terminal } from './terminal.ts'

const place = new Place()
const runId = `2026-01__sql_${process.pid}_${Date.now()}`
const options = { skip: skipTrino }
let settings: TrinoSettings
let env: Variables
let endTurn = (): void => {}

before(async () => {
  if (skipTrino !== false) return
  settings = await trinoServer()
  // Others remove schemas of runs while it is their turn.
  endTurn = await publishedSchemas()
  env = { ...place.env, TRINO_URL: settings.url, TRINO_CATALOG: settings.catalog, TRINO_USER: settings.user, SQL_ENGINE: 'trino' }
  await sealSmallRun(place.lakeDir, { runId, dumpMonth: '2026-01', releases: 2500, only: ['releases_v6'] })
  publish(place.lakeDir, runId)
})
after(async () => {
  if (skipTrino === false) {
    await using engine = await TrinoEngine.open(settings)
    await engine.execute(`DROP SCHEMA IF EXISTS discogs_r_${runId.replaceAll('-', '_')} CASCADE`)
    endTurn()
  }
  place[Symbol.dispose]()
})

/** Work without end for one thread; `mark` finds it again among the server's queries. */
function endless(mark: string): string {
  return `select count(*) as ${mark} from releases_v6 a, releases_v6 b, releases_v6 c, releases_v6 d where a.title || d.title < b.title || c.title`
}

function ask(...args: readonly string[]): ReturnType<typeof outcomeOf> {
  return outcomeOf(startDag(['sql', ...args], env))
}

async function stateOf(mark: string): Promise<string | undefined> {
  await using engine = await TrinoEngine.open(settings)
  const rows = await engine.query(
    "SELECT state, error_code FROM system.runtime.queries WHERE query LIKE ? AND query NOT LIKE '%runtime.queries%'",
    [`%${mark}%`],
  )
  const [row] = rows
  return row === undefined ? undefined : `${String(row['state'])} ${String(row['error_code'])}`
}

async function eventuallyState(mark: string, expected: RegExp): Promise<void> {
  let state: string | undefined
  for (let left = 100; left > 0; left -= 1) {
    state = await stateOf(mark)
    if (state !== undefined && expected.test(state)) return
    await sleep(100)
  }
  assert.fail(`the query ${mark} is ${state ?? 'not there'}, expected ${String(expected)}`)
}

test('a run is registered when it is first asked, and answers are those of DuckDB byte for byte', options, async () => {
  const query =
    'select release_id, title, country, released_year, release_id % 7 = 0 as seventh from releases_v6 order by release_id'
  for (const format of ['csv', 'json']) {
    const trino = await ask(query, '--format', format)
    const duckdb = await ask(query, '--format', format, '--engine', 'duckdb')
    assert.equal(trino.code, 0, trino.stderr)
    assert.equal(trino.stdout, duckdb.stdout)
    assert.equal(trino.stdout.split('\n').length, format === 'csv' ? 2502 : 2501)
  }
})

test('rows of Trino become Parquet with the types that their values show', options, async () => {
  const file = join(place.dir, 'trino.parquet')
  const query =
    "select release_id, title, cast(null as bigint) as nothing, 1.5e0 as real, true as yes, date '2026-01-20' as day, '' as empty from releases_v6"
  const { code, stderr } = await ask(query, '--format', 'parquet', '--output', file)
  assert.equal(code, 0, stderr)
  await using engine = await DuckDbEngine.open()
  const [row] = await engine.query(`SELECT count(*) AS n, sum(release_id) AS ids, min(title) AS title, count(nothing) AS nothing,
    any_value(real) AS real, any_value(yes) AS yes, any_value(day) AS day, any_value(empty) AS empty FROM '${file}'`)
  assert.deepEqual(row, {
    n: 2500n,
    ids: 3126250n,
    title: 'Title, 0',
    nothing: 0n,
    real: 1.5,
    yes: true,
    day: '2026-01-20',
    empty: '',
  })
})

test('a statement that writes needs --write', options, async () => {
  const table = `discogs_r_${runId.replaceAll('-', '_')}.releases_v6`
  const { code, stdout, stderr } = await ask(`drop table ${table}`)
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
  assert.match(stderr, /`dag sql` only runs statements that read, and DROP is not one of them\nhint: `dag sql --write`/)
  assert.equal((await ask('select count(*) as n from releases_v6', '--format', 'csv')).stdout, 'n\r\n2500\r\n')
  assert.equal((await ask('--write', `comment on table ${table} is 'changed'`)).code, 0)
})

test('arrays, rows and maps are JSON in JSON, as on DuckDB', options, async () => {
  const query = `select array[cast(1 as bigint), null] as l, cast(row(9007199254740993, array['x']) as row(a bigint, b varchar array)) as s,
    map(array['k'], array[cast(2.5 as double)]) as m`
  const value = { l: [1, null], s: { a: '9007199254740993', b: ['x'] }, m: { k: 2.5 } }
  for (const engine of ['trino', 'duckdb']) {
    const text =
      engine === 'trino' ? query.replace('varchar array', 'array(varchar)') : query.replace('varchar array', 'varchar[]')
    assert.equal((await ask(text, '--format', 'json', '--engine', engine)).stdout, `${JSON.stringify(value)}\n`, engine)
  }
})

test('an error of the server ends with 1 and names its place', options, async () => {
  const { code, stdout, stderr } = await ask('select *\nfrom nowhere')
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  assert.match(stderr, /TABLE_NOT_FOUND: Table .*nowhere' does not exist .*line 2/)
})

test('a run that is not sealed is not asked on Trino', options, async () => {
  const staged = join(place.lakeDir, '_runs', '.staging-2026-09__x')
  mkdirSync(staged)
  const { code, stderr } = await ask('select 1', '--run', '2026-09__x')
  assert.equal(code, 4)
  assert.match(stderr, /not sealed yet: Trino knows sealed runs only\nhint: --engine duckdb/)
})

test('Ctrl-C ends the query on the server, and the command with 130', options, async () => {
  const mark = `ended_${process.pid}_${Date.now()}`
  const child = startDag(['sql', endless(mark)], env)
  const ended = outcomeOf(child)
  await eventuallyState(mark, /RUNNING/)
  child.kill('SIGINT')
  assert.deepEqual(await ended, { code: 130, stdout: '', stderr: 'dag: interrupted by SIGINT\n' })
  await eventuallyState(mark, /FAILED USER_CANCELED/)
})

test('Ctrl-C at the prompt ends the query on the server, and the prompt goes on', options, async () => {
  const mark = `prompt_${process.pid}_${Date.now()}`
  await using terminal = new Terminal(['sql'], env)
  await terminal.waitFor(/on trino.*sql> /s)
  await terminal.type(`${endless(mark)};`, keys.enter)
  await eventuallyState(mark, /RUNNING/)
  await terminal.type(keys.ctrlC)
  await terminal.waitFor(/cancelled\s+sql> /)
  await eventuallyState(mark, /FAILED USER_CANCELED/)
  await terminal.type('select count(*) as n from releases_v6;', keys.enter)
  await terminal.waitFor(/n\s+2500\s+\(1 row\)/)
  await terminal.type(keys.ctrlD)
  assert.equal(await terminal.exitCode(), 0)
  assert.match(readFileSync(join(place.stateDir, 'sql_history'), 'utf8'), /select count\(\*\) as n from releases_v6;\n/)
})
