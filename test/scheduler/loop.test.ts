import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RunEvent } from '../../src/scheduler/attempt-display.ts'
import { acquireLease } from '../../src/scheduler/lease.ts'
import { processStart } from '../../src/process-identity.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { standardDownload } from '../support/task-context.ts'
import { Lab, lab, runId, session, statesOf, until } from './harness.ts'

test('a run goes from trigger to success: rows, bytes, checks, tries and logs are recorded', async () => {
  using made = new Lab()
  const dag = lab(({ task, check, promote }) => {
    const first = task('first', { script: 'quick', args: ['5'] })
    const second = task('second', { script: 'flaky', args: ['3'], retries: 2, retryDelayMs: 20, upstream: [first] })
    const sure = check('sure', { script: 'verify', args: ['warn'], upstream: [first, second] })
    promote('publish', { upstream: [sure] })
  })
  const outcome = await made.trigger(dag)
  assert.deepEqual([outcome.runId, outcome.state, outcome.attempt, outcome.reason], [runId, 'success', 1, null])
  assert.deepEqual(
    outcome.tasks.map((task) => [task.taskId, task.state, task.tries, task.rows, task.bytes, task.note]),
    [
      ['first', 'success', 1, { things: 5 }, 10, null],
      ['second', 'success', 3, null, null, 'try 3'],
      ['sure', 'success', 1, null, null, null],
      ['publish', 'success', 1, null, null, 'promotion 1'],
    ],
  )
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(
    store.tries(runId).map((one) => [one.taskId, one.tryNumber, one.state, one.exitCode, one.reason]),
    [
      ['first', 1, 'success', 0, null],
      ['second', 1, 'failed', 1, 'try 1 fails'],
      ['second', 2, 'failed', 1, 'try 2 fails'],
      ['second', 3, 'success', 0, null],
      ['sure', 1, 'success', 0, null],
      ['publish', 1, 'success', 0, null],
    ],
  )
  assert.deepEqual(
    store.checks(runId).map((check) => [check.checkName, check.severity, check.ok]),
    [
      ['first', 'CRITICAL', true],
      ['second', 'WARN', false],
    ],
  )
  assert.deepEqual(
    store.promotions().map((one) => [one.toRunId, one.state, one.verdict]),
    [[runId, 'done', '2 checks, 0 critical, 1 warnings']],
  )
  assert.equal(readFileSync(join(made.config.lakeDir, 'published'), 'utf8'), runId)
  const log = readFileSync(store.tries(runId)[1]?.logFile ?? '', 'utf8')
  assert.match(
    log,
    /second 3: run lab__20260120_205549, attempt 1, try 1\nerror: try 1 fails\nhint: try again\ncaused by: the reason below\n$/,
  )
})

test('a task finds everything of its run in its environment', async () => {
  using made = new Lab()
  await made.trigger(
    lab(({ task }) => task('seen', { script: 'environment', args: ['a b', "it's"] })),
    { params: { publish: 'yes' } },
  )
  const { context, variables, cwd, firstPath } = JSON.parse(readFileSync(join(made.config.lakeDir, 'environment.json'), 'utf8'))
  const { lakeDir, rawDir, stateDir, projectDir } = made.config
  assert.deepEqual(context, {
    runId,
    dagId: 'lab',
    taskId: 'seen',
    session: session.text,
    attempt: 1,
    tryNumber: 1,
    args: ['a b', "it's"],
    params: { prefix: 'lab', publish: 'true' },
    lakeDir,
    rawDir,
    settings: { sqlEngine: 'duckdb', trinoUrl: null, trino: null, download: standardDownload },
  })
  assert.deepEqual(variables, {
    RUN_ID: runId,
    DAG_ID: 'lab',
    TASK_ID: 'seen',
    SESSION: session.text,
    ATTEMPT: '1',
    TRY: '1',
    PARAM_PREFIX: 'lab',
    PARAM_PUBLISH: 'true',
    DISCOGS_DATA_LAKE: lakeDir,
    DISCOGS_RAW: rawDir,
    DAG_STATE: stateDir,
    SQL_ENGINE: 'duckdb',
    RESULT_FILE: join(stateDir, 'results', runId, '1', 'seen.1.jsonl'),
  })
  assert.deepEqual([cwd, firstPath], [projectDir, join(projectDir, 'node_modules/.bin')])
})

test('exit code 78, no result, a hidden critical failure, a timeout and a closed gate all fail a task, each with its reason', async () => {
  using made = new Lab()
  const dag = lab(({ task, check }) => {
    task('never', { script: 'hopeless', retries: 3 })
    task('silent', { script: 'silent' })
    check('lie', { script: 'verify', args: ['lie'] })
    // Long enough for it to be up, also on a busy machine.
    task('slow', { script: 'patient', timeoutMs: 3000 })
    const gated = task('gated', { script: 'publish' })
    task('below', { script: 'quick', upstream: [gated] })
  })
  const outcome = await made.trigger(dag, { graceMs: 2000 })
  const reasons = Object.fromEntries(outcome.tasks.map((task) => [task.taskId, [task.state, task.tries, task.reason]]))
  assert.deepEqual(reasons, {
    never: ['failed', 1, 'never is hopeless'],
    silent: ['failed', 1, 'ended without a result'],
    lie: ['failed', 1, 'critical check first failed: bad'],
    slow: ['failed', 1, 'timed out after 3 s'],
    gated: ['failed', 1, `the gate of run ${runId} is closed: lie is failed`],
    below: ['upstream_failed', 0, 'gated is failed'],
  })
  assert.deepEqual([outcome.state, outcome.reason], ['failed', 'failed: never, silent, lie, slow, gated'])
  assert.ok(existsSync(join(made.config.lakeDir, 'slow.cleaned')))
})

test('a retry keeps what succeeded and runs the rest and everything below it again', async () => {
  using made = new Lab()
  const dag = lab(({ task, check, promote }) => {
    const first = task('first', { script: 'quick', args: ['5'] })
    const other = task('other', { script: 'flaky', args: ['9', '2'] })
    const sure = check('sure', { script: 'verify', upstream: [first] })
    const both = check('both', { script: 'verify', upstream: [first, other] })
    promote('publish', { upstream: [sure, both] })
  })
  assert.deepEqual(statesOf(await made.trigger(dag)), {
    first: 'success',
    other: 'failed',
    sure: 'success',
    both: 'upstream_failed',
    publish: 'upstream_failed',
  })
  const outcome = await made.retry()
  assert.deepEqual([outcome.state, outcome.attempt], ['success', 2])
  assert.deepEqual(
    outcome.tasks.map((task) => [task.taskId, task.state, task.carriedFrom, task.rows]),
    [
      ['first', 'success', 1, { things: 5 }],
      ['other', 'success', null, null],
      ['sure', 'success', 1, null],
      ['both', 'success', null, null],
      ['publish', 'success', null, null],
    ],
  )
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(
    store
      .tries(runId)
      .filter((one) => one.attempt === 2)
      .map((one) => one.taskId)
      .sort(),
    ['both', 'other', 'publish'],
  )
  assert.equal(store.checks(runId).length, 4)
  await assert.rejects(made.retry(), { exitCode: 3, message: /has succeeded in attempt 2/ })
})

test('a definition that has changed is not carried over', async () => {
  using made = new Lab()
  const dagWith = (rows: string) =>
    lab(({ task }) => {
      const first = task('first', { script: 'quick', args: [rows] })
      const kept = task('kept', { script: 'quick' })
      task('last', { script: 'flaky', args: ['9', '2'], upstream: [first, kept] })
    })
  await made.trigger(dagWith('1'))
  const { tasks } = await made.retry({ dag: dagWith('2') })
  assert.deepEqual(
    tasks.map((task) => [task.taskId, task.carriedFrom, task.rows]),
    [
      ['first', null, { things: 2 }],
      ['kept', 1, { things: 1 }],
      ['last', null, null],
    ],
  )
})

test('a second run of the same session is a conflict that names the first', async () => {
  using made = new Lab()
  const dag = lab(({ task }) => task('first', { script: 'hopeless' }))
  await made.trigger(dag)
  const expected = {
    exitCode: 3,
    message: `dag lab has a run for session ${session.text} already: ${runId}, failed`,
    hint: `\`dag retry ${runId}\` resumes it`,
  }
  await assert.rejects(made.trigger(dag), expected)
  await assert.rejects(made.trigger(dag, { params: { prefix: 'other' } }), expected)
  await assert.rejects(made.retry({ dag: lab(({ task }) => task('x', { script: 'gone' })) }), { exitCode: 2 })
  assert.equal((await made.trigger(dag, { session: parseSession('2026-01-21') })).runId, 'lab__20260121_000000')
})

test('nothing is recorded when params or the dag are not valid', async () => {
  using made = new Lab()
  const dag = lab(({ task }) => task('first', { script: 'quick' }))
  await assert.rejects(made.trigger(dag, { params: { nothing: '1' } }), { exitCode: 2 })
  await assert.rejects(made.trigger(lab(({ task }) => task('first', { script: 'gone' }))), { exitCode: 2 })
  assert.equal(existsSync(made.config.stateDir), false)
})

test('a guardrail that is not met skips the promotion and what is below it, and the run is a success', async () => {
  using made = new Lab()
  const dag = lab(({ task, check, promote }) => {
    const sure = check('sure', { script: 'verify' })
    const publish = promote('publish', { upstream: [sure], requires: { publish: true } })
    task('report', { script: 'quick', upstream: [publish] })
  })
  const outcome = await made.trigger(dag)
  assert.deepEqual([outcome.state, statesOf(outcome)], ['success', { sure: 'success', publish: 'skipped', report: 'skipped' }])
  assert.equal(existsSync(join(made.config.lakeDir, 'published')), false)
})

test('an abort stops the tasks after they have cleaned up, and the run can be resumed', async () => {
  using made = new Lab()
  const dag = lab(({ task }) => {
    const first = task('first', { script: 'quick' })
    task('last', { script: 'quick', upstream: [task('patient', { script: 'patient', args: ['2'], upstream: [first] })] })
  })
  const stop = new AbortController()
  const running = made.trigger(dag, { signal: stop.signal })
  await made.written('lake/patient.started')
  stop.abort(new Error('SIGINT'))
  const outcome = await running
  assert.deepEqual(
    [outcome.state, outcome.reason, statesOf(outcome)],
    ['cancelled', 'SIGINT', { first: 'success', patient: 'cancelled', last: 'cancelled' }],
  )
  assert.ok(existsSync(join(made.config.lakeDir, 'patient.cleaned')))
  const resumed = await made.retry()
  assert.deepEqual(
    [resumed.state, resumed.attempt, resumed.tasks.map((task) => task.carriedFrom)],
    ['success', 2, [1, null, null]],
  )
})

test('a task that ignores SIGTERM is killed with everything it has started', async () => {
  using made = new Lab()
  const stop = new AbortController()
  const running = made.trigger(
    lab(({ task }) => task('stubborn')),
    { signal: stop.signal, graceMs: 200 },
  )
  const pids = (await made.written('lake/stubborn.pids')).split(' ').map(Number)
  assert.deepEqual(
    pids.map((pid) => processStart(pid) !== null),
    [true, true],
  )
  stop.abort(new Error('enough'))
  assert.equal((await running).state, 'cancelled')
  await until(() => pids.every((pid) => processStart(pid) === null), 'both processes are gone')
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(
    store.tries(runId).map((one) => [one.state, one.exitCode, one.signal, one.reason]),
    [['cancelled', null, 'SIGKILL', 'enough']],
  )
})

test('a child that is killed fails its try, and the next try goes on', async () => {
  using made = new Lab()
  const running = made.trigger(
    lab(({ task }) => task('patient', { retries: 1, retryDelayMs: 5, args: [] })),
    { graceMs: 100 },
  )
  const first = Number(await made.written('lake/patient.started'))
  process.kill(first, 'SIGKILL')
  await until(() => Number(readFileSync(join(made.config.lakeDir, 'patient.started'), 'utf8')) !== first, 'a second try')
  process.kill(Number(readFileSync(join(made.config.lakeDir, 'patient.started'), 'utf8')), 'SIGKILL')
  const outcome = await running
  assert.deepEqual(
    [outcome.state, outcome.tasks.map((task) => [task.state, task.tries, task.reason])],
    ['failed', [['failed', 2, 'killed by SIGKILL']]],
  )
})

test('at most `parallelism` tasks run at once, and that many do', async () => {
  using made = new Lab()
  const dag = lab(({ task }) => {
    for (let index = 0; index < 9; index += 1) task(`t${index}`, { script: 'quick' })
  })
  let [running, most] = [0, 0]
  const count = (event: RunEvent): void => {
    if (event.kind !== 'transition' || event.event.subject !== 'try') return
    running += event.event.toState === 'running' ? 1 : -1
    most = Math.max(most, running)
  }
  assert.equal((await made.trigger(dag, { parallelism: 3, onEvent: count })).state, 'success')
  assert.deepEqual([running, most], [0, 3])
})

test('progress is reported while a task runs, no more than twice a second and up to the last one', async () => {
  using made = new Lab()
  const seen: number[] = []
  const onEvent = (event: RunEvent): void => {
    if (event.kind === 'progress') seen.push(event.progress.done)
  }
  const started = performance.now()
  await made.trigger(
    lab(({ task }) => task('busy')),
    { onEvent },
  )
  const most = (performance.now() - started) / 500 + 2
  assert.ok(seen.length >= 3 && seen.length <= most, `${seen.length} reports: ${seen.join(' ')}`)
  assert.deepEqual([seen[0], seen.at(-1)], [1, 2000])
})

test('while one scheduler works a second one is refused with its pid, and a released lease is free', async () => {
  using made = new Lab()
  const dag = lab(({ task }) => task('first', { script: 'quick' }))
  using store = openStore(made.config.stateDir)
  const lease = await acquireLease(store)
  await assert.rejects(made.trigger(dag), { exitCode: 5, message: new RegExp(`pid ${process.pid} on .*, since 20`) })
  lease[Symbol.dispose]()
  assert.equal((await made.trigger(dag)).state, 'success')
})
