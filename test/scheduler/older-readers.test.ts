import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { migrate } from '../../src/scheduler/migrations/migrate.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { backUpState } from '../../src/scheduler/store/backup.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab, runId, until } from './harness.ts'

/** A SQLite of the machine, of whatever version: the answer to a query as lines. */
interface Reader {
  readonly name: string
  readonly ask: (file: string, sql: string) => string
}

const pythonScript = `
import sqlite3, sys
for row in sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True).execute(sys.argv[2]):
    print('|'.join('' if value is None else str(value) for value in row))`

const candidates: readonly Reader[] = [
  { name: 'sqlite3', ask: (file, sql) => lines('sqlite3', ['-readonly', file, sql]) },
  { name: 'python3', ask: (file, sql) => lines('python3', ['-c', pythonScript, file, sql]) },
]
const readers = candidates.filter(({ ask }) => canRead(ask))

function lines(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd()
}

/** It is there, and not from before strict tables. */
function canRead(ask: Reader['ask']): boolean {
  try {
    const [, minor = 0] = ask(':memory:', 'select sqlite_version()').split('.').map(Number)
    return minor >= 37
  } catch {
    return false
  }
}

function statesIn(store: Store): readonly string[] {
  return store.tasks(runId).map(({ state }) => state)
}

const relations = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by name"

/** SQLite 3.39.3, compiled to WebAssembly, whatever the machine has. */
interface OldDatabase {
  exec(sql: string): readonly { readonly values: readonly (readonly unknown[])[] }[]
}
type OldSqlite = { readonly Database: new (file: Buffer) => OldDatabase }
const openOldSqlite: () => Promise<OldSqlite> = createRequire(import.meta.url)('sql.js')

test('SQLite 3.39 finds the state sound, and loses no row when it writes it anew', async () => {
  using made = new Lab()
  await made.trigger(
    lab(({ task }) => {
      const broken = task('broken', { script: 'hopeless' })
      task('below', { script: 'quick', upstream: [broken] })
      task('beside', { script: 'quick' })
    }),
  )
  const copy = join(made.dir, 'copy.db')
  await backUpState(made.config.stateDir, copy, { replace: false })
  const { Database: Old } = await openOldSqlite()
  const old = new Old(readFileSync(copy))
  const asked = (sql: string): unknown => old.exec(sql)[0]?.values
  assert.deepEqual(asked('select sqlite_version()'), [['3.39.3']])
  assert.deepEqual(asked('pragma integrity_check'), [['ok']])
  // As a dump does: every row through the constraints of its table once more.
  const tables = asked("select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'") as string[][]
  for (const [name = '', sql = ''] of tables) {
    old.exec(`alter table ${name} rename to before_${name}`)
    old.exec(sql)
    old.exec(`insert or ignore into ${name} select * from before_${name}`)
    assert.deepEqual(asked(`select count(*) from ${name}`), asked(`select count(*) from before_${name}`), name)
  }
  assert.deepEqual(asked('select count(*) from task'), [[3]])
})

test('every table and view is read by the SQLite of the machine while a scheduler writes', {
  skip: process.env['SKIP_SQLITE_SHELL_TESTS'] === '1' && 'SKIP_SQLITE_SHELL_TESTS=1',
}, async () => {
  assert.ok(
    readers.length > 0,
    'neither sqlite3 nor python3 with SQLite 3.37 or later is here: SKIP_SQLITE_SHELL_TESTS=1 skips this test',
  )
  using made = new Lab()
  const { stateDir, lakeDir } = made.config
  const ended = made.trigger(
    lab(({ task }) => {
      task('zebra', { script: 'hopeless' })
      task('ant', { script: 'hopeless' })
      task('last', { script: 'gated' })
    }),
  )
  using store = openStore(stateDir)
  await until(() => store.findRun(runId) !== null && statesIn(store).join() === 'failed,failed,running', 'the last task runs')
  const file = databaseFile(stateDir)
  for (const { name, ask } of readers) {
    const names = ask(file, relations).split('\n')
    assert.ok(names.length > 15, name)
    for (const relation of names) ask(file, `select * from ${relation}`)
    assert.equal(ask(file, 'select state, failed_tasks from run_latest'), 'running|zebra, ant', name)
  }
  writeFileSync(join(lakeDir, 'go'), '')
  assert.equal((await ended).state, 'failed')
  for (const { name, ask } of readers) {
    assert.equal(ask(file, 'select state from run_latest'), 'failed', name)
    assert.equal(ask(file, 'pragma integrity_check'), 'ok', name)
  }
})

/** What SQLite has learnt since 3.37, as far as a schema could come to use it. */
const newerSyntax: Readonly<Record<string, RegExp>> = {
  'order by in an aggregate, 3.44':
    /\b(?:group_concat|string_agg|sum|total|avg|count|min|max|json_group_\w+)\([^()]*\border by\b/i,
  'functions, 3.38 to 3.48':
    /\b(?:format|unixepoch|concat|concat_ws|string_agg|unhex|octet_length|timediff|jsonb\w*|json_error_position|json_pretty|if|unistr)\(/i,
  '-> and ->>, 3.38': /->/,
  'is distinct from, right and full join, 3.39': /\bis (?:not )?distinct from\b|\b(?:right|full)(?: outer)? join\b/i,
}

test('no statement of the schema uses what came after SQLite 3.37', () => {
  const database = new Database(':memory:')
  migrate(database)
  const statements = database.prepare<[], string>('select sql from sqlite_schema where sql is not null').pluck().all()
  database.close()
  const found = Object.entries(newerSyntax).flatMap(([what, pattern]) =>
    statements.filter((sql) => pattern.test(sql)).map((sql) => `${what}: ${sql}`),
  )
  assert.deepEqual(found, [])
  assert.match("group_concat(task_id, ', ' order by position)", newerSyntax['order by in an aggregate, 3.44'] ?? /^$/)
})
