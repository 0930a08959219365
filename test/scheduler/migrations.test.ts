import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { schemaText, schemaVersion, versionOf } from '../../src/scheduler/migrations/migrate.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, runId } from './harness.ts'

const fixture = (schema: 1 | 3): string =>
  readFileSync(join(import.meta.dirname, `../fixtures/state-schema-${schema}.sql`), 'utf8')
const committed = readFileSync(join(import.meta.dirname, '../../src/scheduler/schema.sql'), 'utf8')

function load(stateDir: string, schema: 1 | 3): void {
  mkdirSync(stateDir, { recursive: true })
  const database = new Database(databaseFile(stateDir))
  database.pragma('journal_mode = WAL')
  database.exec(fixture(schema))
  database.close()
}

test('a state of schema 1 is brought to the newest schema when it is opened, also to read, and keeps what it holds', () => {
  const dir = mkdtempSync(join(tmpdir(), 'migrate-'))
  load(dir, 1)
  {
    using store = openStore(dir, { readonly: true })
    assert.deepEqual([store.run(runId).state, store.runningAttempts().length], ['running', 1])
    assert.deepEqual(
      store.tasks(runId).map((task) => [task.taskId, task.state, task.queuedAt]),
      [
        ['first', 'success', null],
        ['patient', 'running', null],
        ['last', 'waiting', null],
      ],
    )
    assert.deepEqual(store.planOf(runId).pools, {})
    assert.equal(store.leases.holder('scheduler')?.token, 0)
  }
  const database = new Database(databaseFile(dir))
  assert.equal(versionOf(database), schemaVersion)
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok')
  assert.deepEqual(database.pragma('foreign_key_check'), [])
  assert.deepEqual(columns(schemaText(database)), columns(committed))
  database.close()
  rmSync(dir, { recursive: true })
})

test('a state of schema 3 gets views that say the same, and what was asked of a run that has ended is answered', () => {
  const dir = mkdtempSync(join(tmpdir(), 'migrate-'))
  load(dir, 3)
  const database = new Database(databaseFile(dir))
  const view = database.prepare('select * from run_latest')
  const before = view.all()
  {
    using store = openStore(dir)
    assert.deepEqual([store.requests.open(runId), store.requests.get(1).state], [[], 'refused'])
  }
  assert.deepEqual([before.length, view.all()], [1, before])
  assert.deepEqual(columns(schemaText(database)), columns(committed))
  database.close()
  rmSync(dir, { recursive: true })
})

test('a run that a scheduler of schema 1 has left is gone on with', async () => {
  using made = new Lab()
  load(made.config.stateDir, 1)
  const stop = new AbortController()
  // Its scheduler ran on another machine: it is watched for a while before it is replaced.
  const leaseTimes = { heartbeatEveryMs: 50, silentAfterMs: 300, watchedForMs: 300 }
  const resumed = made.retry({ signal: stop.signal, leaseTimes })
  await made.written('lake/patient.started')
  stop.abort(new Error('enough'))
  const { state, attempt, tasks } = await resumed
  assert.deepEqual([state, attempt, tasks.map((task) => task.tries)], ['cancelled', 1, [1, 2, 0]])
})

/** Names of columns and indexes, wherever a statement breaks its lines. */
function columns(sql: string): readonly string[] {
  return sql
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .toSorted()
}
