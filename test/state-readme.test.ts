import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import Database from 'better-sqlite3'
import { runStates, taskStates } from '../src/scheduler/states.ts'
import { databaseFile } from '../src/scheduler/store/connection.ts'
import { Lab, lab } from './scheduler/harness.ts'

const readme = readFileSync(join(import.meta.dirname, '..', 'state', 'README.md'), 'utf8')
const queries = [...readme.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => sql)

const made = new Lab()
const dag = lab(({ task, check, promote }) => {
  const first = task('first', { script: 'quick', args: ['3'] })
  const verified = check('verified', { script: 'verify', args: ['warn'], upstream: [first] })
  const published = promote('published', { script: 'publish', upstream: [verified] })
  task('broken', { script: 'hopeless', upstream: [published] })
})

before(async () => {
  await made.trigger(dag)
  await made.retry()
})

after(() => made[Symbol.dispose]())

test('the ten queries of state/README.md run on the state of a real run, and each finds something', () => {
  const database = new Database(databaseFile(made.config.stateDir), { readonly: true })
  const found = queries.map((sql) => database.prepare(sql).all().length > 0)
  database.close()
  assert.deepEqual(
    found,
    Array.from({ length: 10 }, () => true),
  )
})

function answer(of: RegExp): readonly unknown[] {
  const database = new Database(databaseFile(made.config.stateDir), { readonly: true })
  try {
    return database
      .prepare(queries.find((sql) => of.test(sql)) ?? '')
      .raw()
      .all()
  } finally {
    database.close()
  }
}

test('after a retry the documented queries count each task where it ran, and each dataset once', () => {
  const durations = answer(/^select task_id, attempt, state/).map((row) => (row as unknown[]).slice(0, 3))
  assert.deepEqual(
    durations.toSorted((left, right) => String(left).localeCompare(String(right))),
    [
      ['broken', 1, 'failed'],
      ['broken', 2, 'failed'],
      ['first', 1, 'success'],
      ['published', 1, 'success'],
      ['verified', 1, 'success'],
    ],
  )
  assert.deepEqual(
    answer(/as times/)
      .map((row) => (row as unknown[]).slice(0, 2))
      .toSorted((left, right) => String(left).localeCompare(String(right))),
    [
      ['first', 1],
      ['published', 1],
      ['verified', 1],
    ],
  )
  assert.deepEqual(answer(/^select dataset, run_id/), [['things', 'lab__20260120_205549', 3]])
})

test('state/README.md mentions every table, view, column and state', () => {
  const database = new Database(databaseFile(made.config.stateDir), { readonly: true })
  const columns = database
    .prepare<[], string>(
      "select distinct name from (select m.name || '.' || c.name as name from sqlite_schema m join pragma_table_info(m.name) c where m.type in ('table', 'view') and m.name not like 'sqlite_%')",
    )
    .pluck()
    .all()
  database.close()
  const places = new Map(sections())
  const missing = columns.filter((name) => {
    const [table = '', column = ''] = name.split('.')
    const isView = readme.includes(`| \`${table}\` |`)
    return !(isView ? readme : (places.get(table) ?? '')).includes(`\`${column}\``)
  })
  assert.ok(columns.length > 100)
  assert.deepEqual(missing, [])
  assert.deepEqual(
    [...runStates, ...taskStates].filter((state) => !readme.includes(`\`${state}\``)),
    [],
  )
})

/** The text about each table, from its bold name to the next one. */
function sections(): [string, string][] {
  const parts = readme.split(/^\*\*(\w+)\*\*:/m).slice(1)
  return parts.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, parts[index + 1] ?? '']] : []))
}
