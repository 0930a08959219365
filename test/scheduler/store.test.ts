import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { compile } from '../../src/scheduler/plan.ts'
import { ledgerOf } from '../../src/scheduler/promotions.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { migrate, schemaText } from '../../src/scheduler/migrations/migrate.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { lab, runId, scriptsDir, session } from './harness.ts'

const now = () => new Date('2026-02-03T04:05:06.789Z')
const at = '2026-02-03T04:05:06.789Z'
const plan = compile(
  lab(({ task, check, promote }) => {
    const first = task('first', { script: 'quick', retries: 1 })
    promote('publish', { upstream: [check('sure', { script: 'verify', upstream: [first] })] })
  }),
  { projectDir: process.cwd(), scriptsDir },
)
const check = {
  checkName: 'first',
  severity: 'WARN',
  dataset: 'things',
  value: '1',
  expected: '= 0',
  previous: '2',
  ok: false,
  details: 'bad',
  durationMs: 1.5,
  sample: [{ id: 7 }],
} as const
const started = {
  files: { logFile: 'logs/x.log', resultFile: 'results/x.jsonl' },
  deadline: null,
  process: { pid: 4711, pidStarted: 'then' },
}

function withStore(work: (store: Store, dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'store-'))
  try {
    using store = openStore(dir, { now })
    work(store, dir)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function begin(store: Store): void {
  store.change.createRun({
    runId,
    session: session.text,
    params: { prefix: 'lab' },
    trigger: 'manual',
    triggeredBy: 'me',
    plan,
    parallelism: 2,
    lakeDir: '/lake',
    rawDir: '/raw',
  })
}

/** Runs a task through queued and running to success. */
function succeed(store: Store, taskId: string, checks: readonly (typeof check)[] = []): void {
  const key = { runId, attempt: 1, taskId, tryNumber: 1 }
  store.change.changeTask(key, 'waiting', { state: 'queued', reason: null })
  store.change.startTry(key, started)
  const end = { tryState: 'success', taskState: 'success', reason: null, exitCode: 0, signal: null, notBefore: null } as const
  store.change.endTry(key, { ...end, result: { rows: { things: 3 }, bytes: 10, note: 'well' }, checks })
}

test('the committed schema is what the migrations make', () => {
  const database = new Database(':memory:')
  migrate(database)
  assert.equal(readFileSync(join(import.meta.dirname, '../../src/scheduler/schema.sql'), 'utf8'), schemaText(database))
})

test('the row types have the columns of the schema, and know which may be null', () => {
  const file = readFileSync(join(import.meta.dirname, '../../src/scheduler/store/tables.ts'), 'utf8')
  const declared = Object.fromEntries(
    [...file.matchAll(/^ {2}(\w+): \{([^}]*)\}/gm)].map(([, table = '', columns = '']) => [table, declaredColumns(columns)]),
  )
  const database = new Database(':memory:')
  migrate(database)
  const tables = database.prepare<[], string>("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
  const found = Object.fromEntries(
    tables
      .pluck()
      .all()
      .map((table) => [table, columnsOf(database, table)]),
  )
  database.close()
  assert.deepEqual(declared, found)
})

/** `name` or `name?`, which may be null. */
function declaredColumns(text: string): readonly string[] {
  return [...text.matchAll(/(\w+): ([^;\n]+)/g)]
    .map(([, name = '', type = '']) => (type.includes('| null') ? `${name}?` : name))
    .toSorted()
}

function columnsOf(database: Database.Database, table: string): readonly string[] {
  const columns = database.prepare<[string], { name: string; isNullable: number }>(
    'select name, "notnull" = 0 and pk = 0 as isNullable from pragma_table_info(?)',
  )
  return columns
    .all(table)
    .map(({ name, isNullable }) => (isNullable === 1 ? `${name}?` : name))
    .toSorted()
}

test('the database is durable, strict and refuses what a newer version has written', () => {
  withStore((_, dir) => {
    const database = new Database(databaseFile(dir))
    assert.equal(database.pragma('journal_mode', { simple: true }), 'wal')
    database.pragma('user_version = 99')
    assert.throws(() => openStore(dir), { exitCode: 2, message: /has schema version 99, this code knows \d+/ })
    assert.throws(() => openStore(dir, { readonly: true }), { exitCode: 2 })
    database.close()
  })
})

test('a new run stands there with its attempt, its tasks, its plan and its events', () => {
  withStore((store) => {
    begin(store)
    const run = {
      runId,
      dagId: 'lab',
      session: session.text,
      params: { prefix: 'lab' },
      state: 'running',
      reason: null,
      trigger: 'manual',
      triggeredBy: 'me',
      attempt: 1,
      createdAt: at,
      endedAt: null,
      lakeDir: '/lake',
      rawDir: '/raw',
    }
    assert.deepEqual(store.runs(), [run])
    assert.deepEqual(store.run(runId), run)
    assert.deepEqual(store.findSession('lab', session.text), run)
    assert.deepEqual(store.planOf(runId), plan)
    const tasks = store.tasks(runId).map(({ taskId, kind, state, retries, tries }) => [taskId, kind, state, retries, tries])
    assert.deepEqual(tasks, [
      ['first', 'task', 'waiting', 1, 0],
      ['sure', 'check', 'waiting', 0, 0],
      ['publish', 'promote', 'waiting', 0, 0],
    ])
    assert.deepEqual(
      store.events(runId).map((event) => [event.subject, event.taskId, event.fromState, event.toState]),
      [
        ['run', null, null, 'running'],
        ['attempt', null, null, 'running'],
        ['task', 'first', null, 'waiting'],
        ['task', 'sure', null, 'waiting'],
        ['task', 'publish', null, 'waiting'],
      ],
    )
  })
})

test('the end of a try makes its result and its checks visible', () => {
  withStore((store, dir) => {
    begin(store)
    succeed(store, 'first')
    succeed(store, 'sure', [check])
    const common = { runId, attempt: 1, reason: null }
    const result = { rows: { things: 3 }, bytes: 10, note: 'well' }
    assert.deepEqual(store.tasks(runId)[1], {
      ...common,
      ...result,
      inputs: null,
      taskId: 'sure',
      kind: 'check',
      state: 'success',
      carriedFrom: null,
      tries: 1,
      retries: 0,
      notBefore: null,
      queuedAt: at,
      startedAt: at,
      endedAt: at,
    })
    const process = { pid: 4711, pidStarted: 'then', exitCode: 0, signal: null }
    const paths = { logFile: join(dir, 'logs/x.log'), resultFile: join(dir, 'results/x.jsonl'), deadline: null }
    assert.deepEqual(store.tries(runId)[1], {
      ...common,
      ...process,
      ...paths,
      taskId: 'sure',
      tryNumber: 1,
      state: 'success',
      startedAt: at,
      endedAt: at,
    })
    assert.deepEqual(store.checks(runId), [{ ...check, runId, attempt: 1, taskId: 'sure', tryNumber: 1, recordedAt: at }])
  })
})

test('a transition from a state that is not the present one changes nothing', () => {
  withStore((store) => {
    begin(store)
    const key = { runId, attempt: 1, taskId: 'first', tryNumber: 1 }
    const before = store.events(runId)
    assert.throws(
      () => store.change.changeTask(key, 'running', { state: 'failed', reason: null }),
      /task first of run lab__20260120_205549 is not running any more/,
    )
    assert.throws(() => store.change.startTry(key, started), /is not queued any more/)
    assert.throws(
      () => store.change.transaction(() => [succeed(store, 'first'), store.change.startTry(key, started)]),
      /is not queued any more/,
    )
    assert.deepEqual(store.events(runId), before)
    assert.equal(store.tasks(runId)[0]?.state, 'waiting')
  })
})

test('a carried task keeps its result and names the attempt in which it ran, over several attempts', () => {
  withStore((store) => {
    begin(store)
    succeed(store, 'first')
    succeed(store, 'sure', [check])
    for (const attempt of [1, 2]) {
      store.change.endAttempt({ runId, attempt }, 'failed', 'failed: publish')
      store.change.createAttempt(
        { runId, plan, parallelism: 1, carried: store.tasks(runId).filter((task) => task.state === 'success') },
        store.run(runId),
      )
    }
    assert.deepEqual(
      store.tasks(runId).map((task) => [task.taskId, task.attempt, task.state, task.carriedFrom, task.rows]),
      [
        ['first', 3, 'success', 1, { things: 3 }],
        ['sure', 3, 'success', 1, { things: 3 }],
        ['publish', 3, 'waiting', null, null],
      ],
    )
    assert.deepEqual(
      store.checks(runId).map((one) => [one.attempt, one.checkName]),
      [[1, 'first']],
    )
  })
})

test('what does not exist is answered with exit code 4 and the nearest name', () => {
  withStore((store) => {
    assert.throws(() => store.run('x'), { exitCode: 4, hint: 'there are no runs yet' })
    begin(store)
    assert.throws(() => store.tasks('lab__20260120_205548'), { exitCode: 4, hint: `did you mean "${runId}"?` })
    assert.throws(() => store.tasks(runId, 2), {
      exitCode: 4,
      message: `run ${runId} has no attempt 2`,
      hint: 'its latest attempt is 1',
    })
  })
})

test('the event log cannot be changed, and states are only those that exist', () => {
  withStore((store, dir) => {
    begin(store)
    const database = new Database(databaseFile(dir))
    assert.throws(() => database.exec("update event set to_state = 'x'"), /append-only/)
    assert.throws(() => database.exec('delete from event'), /append-only/)
    assert.throws(() => database.exec("update task set state = 'done'"), /CHECK/)
    assert.throws(
      () =>
        database.exec(
          "insert into attempt select 'other', attempt, plan_hash, state, reason, parallelism, pid, host, started_at, ended_at from attempt",
        ),
      /FOREIGN KEY|foreign key/i,
    )
    database.close()
  })
})

test('a state that does not exist yet answers as an empty one, and is not created by asking', () => {
  const dir = join(tmpdir(), `never-${process.pid}`)
  using store = openStore(dir, { readonly: true })
  assert.deepEqual([store.runs(), store.promotions()], [[], []])
  assert.throws(() => readFileSync(databaseFile(dir)), { code: 'ENOENT' })
})

const promotion = {
  kind: 'promote',
  fromRunId: 'old',
  toRunId: runId,
  prevLink: 'active__prev_1',
  who: 'me',
  reason: 'test',
} as const

test('the ledger begins and completes a promotion only while the gate is open', () => {
  withStore((store) => {
    begin(store)
    const ledger = ledgerOf(store)
    assert.throws(() => ledger.begin(promotion), {
      retryable: false,
      message: `the gate of run ${runId} is closed: sure is waiting`,
    })
    assert.deepEqual(store.promotions(), [])
    succeed(store, 'first')
    succeed(store, 'sure', [check])
    const id = ledger.begin(promotion)
    assert.deepEqual(ledger.unfinished('/lake'), [
      { ...promotion, id, state: 'begun', verdict: '1 checks, 0 critical, 1 warnings', note: null, begunAt: at, endedAt: null },
    ])
    assert.deepEqual(ledger.unfinished('/other-lake'), [], 'links of another lake tell nothing of it')
    let moved = 0
    ledger.complete(id, () => {
      moved += 1
    })
    assert.deepEqual([moved, store.promotion(id).state, ledger.unfinished('/lake'), ledger.before(runId)], [1, 'done', [], 'old'])
    assert.throws(() => ledger.complete(id, () => assert.fail('moved twice')), /promotion 1 is done already/)
  })
})

test('a move that throws leaves a promotion to be settled, and a gate that has closed in between prevents the move', () => {
  withStore((store) => {
    begin(store)
    succeed(store, 'first')
    succeed(store, 'sure')
    const ledger = ledgerOf(store)
    const first = ledger.begin(promotion)
    const move = () => {
      throw new Error('disk full')
    }
    assert.throws(() => ledger.complete(first, move), /disk full/)
    assert.deepEqual(ledger.unfinished('/lake')[0]?.id, first)
    ledger.settle(first, 'failed', 'disk full')
    const second = ledger.begin(promotion)
    store.change.endAttempt({ runId, attempt: 1 }, 'failed', 'test')
    store.change.createAttempt({ runId, plan, parallelism: 1, carried: [] }, store.run(runId))
    assert.throws(() => ledger.complete(second, () => assert.fail('moved')), /the gate of run .* is closed: sure is waiting/)
    assert.deepEqual(
      store.promotions().map(({ id, state, note }) => [id, state, note]),
      [
        [2, 'begun', null],
        [1, 'failed', 'disk full'],
      ],
    )
    assert.equal(ledger.before(runId), null)
  })
})

test('a rollback has no gate, is audited, and tells a retry that the promotion is history', () => {
  withStore((store) => {
    begin(store)
    succeed(store, 'first')
    succeed(store, 'sure')
    const ledger = ledgerOf(store)
    ledger.complete(ledger.begin(promotion), () => {})
    assert.equal(store.isRolledBack(runId), false)
    const back = ledger.begin({ ...promotion, kind: 'rollback', fromRunId: runId, toRunId: 'old' })
    ledger.settle(back, 'done', 'found moved')
    assert.deepEqual([store.isRolledBack(runId), ledger.before(runId), ledger.before('old')], [true, 'old', null])
    ledger.complete(ledger.begin(promotion), () => {})
    assert.equal(store.isRolledBack(runId), false)
  })
})

test('a state that this user may only read is read, and whoever wants to write it is told so', {
  skip: process.getuid?.() !== 0 && 'only root can become somebody else',
}, () => {
  const dir = mkdtempSync(join(tmpdir(), 'store-'))
  chmodSync(dir, 0o755)
  {
    using store = openStore(dir)
    begin(store)
  }
  process.seteuid?.(65_534)
  try {
    using read = openStore(dir, { readonly: true })
    assert.equal(read.run(runId).state, 'running')
    const write = (): void =>
      read.change.changeTask({ runId, attempt: 1, taskId: 'first' }, 'waiting', { state: 'queued', reason: null })
    assert.throws(write, /readonly/)
    assert.throws(() => openStore(dir), { message: /cannot be opened/, hint: /^this user needs to write / })
  } finally {
    process.seteuid?.(0)
    rmSync(dir, { recursive: true })
  }
})
