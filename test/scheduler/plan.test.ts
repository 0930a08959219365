import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import main from '../../dags/main.ts'
import { checkGroups } from '../../src/discogs/check-groups.ts'
import { canonicalJson, compile, type Plan, planHash, shellQuote } from '../../src/scheduler/plan.ts'
import { parsePlan } from '../../src/scheduler/plan-json.ts'
import { renderJson } from '../../src/scheduler/render/json.ts'
import { renderMermaid } from '../../src/scheduler/render/mermaid.ts'
import { renderShell } from '../../src/scheduler/render/sh.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { Lab, lab, scriptsDir, session } from './harness.ts'

const projectDir = process.cwd()
const place = { projectDir, scriptsDir }

const small = lab(({ task, check, promote }) => {
  const first = task('first', { script: 'quick', args: ["it's", '2'] })
  const sure = check('sure', { script: 'verify', upstream: [first] })
  promote('publish', { upstream: [sure], requires: { publish: true } })
})

function planWith(change: (plan: { tasks: Record<string, unknown>[] }) => void): string {
  const plan = JSON.parse(JSON.stringify(compile(small, place)))
  change(plan)
  return JSON.stringify(plan)
}

test('a dag compiles to ordered tasks with one shell command each', () => {
  const common = {
    retries: 0,
    retryDelayMs: 10_000,
    retryMaxDelayMs: 3_600_000,
    pool: null,
    priority: 0,
    timeoutMs: null,
    deferLimitMs: 604_800_000,
  }
  assert.deepEqual(compile(small, place), {
    dagId: 'lab',
    maxActiveRuns: null,
    stages: false,
    pools: {},
    tasks: [
      {
        ...common,
        id: 'first',
        kind: 'task',
        script: 'quick',
        args: ["it's", '2'],
        upstream: [],
        requires: {},
        command: "exec node test/support/tasks/quick.ts 'it'\\''s' 2",
      },
      {
        ...common,
        id: 'sure',
        kind: 'check',
        script: 'verify',
        args: [],
        upstream: ['first'],
        requires: {},
        command: 'exec node test/support/tasks/verify.ts',
      },
      {
        ...common,
        id: 'publish',
        kind: 'promote',
        script: 'publish',
        args: [],
        upstream: ['sure'],
        requires: { publish: 'true' },
        command: 'exec node test/support/tasks/publish.ts',
      },
    ],
  })
})

test('every mistake in a dag names the dag and the task', () => {
  const mistakes: [RegExp, Parameters<typeof lab>[0]][] = [
    [
      /promote task p has no check upstream/,
      ({ task, promote }) => promote('p', { script: 'quick', upstream: [task('a', { script: 'quick' })] }),
    ],
    [
      /task a of dag lab: there is no script nowhere \(test\/support\/tasks\/nowhere.ts\)/,
      ({ task }) => task('a', { script: 'nowhere' }),
    ],
    [
      /dag lab is not valid: task a is defined twice/,
      ({ task }) => [task('a', { script: 'quick' }), task('a', { script: 'quick' })],
    ],
    [/task id "no spaces"/, ({ task }) => task('no spaces', { script: 'quick' })],
    [/task id "..\/up"/, ({ task }) => task('../up', { script: 'quick' })],
    [/task a: script "..\/quick"/, ({ task }) => task('a', { script: '../quick' })],
    [/it has no tasks/, () => {}],
  ]
  for (const [message, list] of mistakes)
    assert.throws(() => compile(lab(list), place), { name: 'PipelineError', exitCode: 2, message })
})

test('options of node and variables of a task are part of its command', () => {
  const dag = lab(({ task }) =>
    task('a', { script: 'quick', nodeOptions: ['--no-warnings'], environment: { NAME: 'two words' } }),
  )
  assert.equal(compile(dag, place).tasks[0]?.command, "NAME='two words' exec node --no-warnings test/support/tasks/quick.ts")
})

test('a misspelt edge, option or param does not compile', () => {
  lab(({ task, promote }) => {
    // @ts-expect-error an upstream is a value, never a name
    assert.throws(() => task('a', { upstream: ['preflight'] }))
    // @ts-expect-error retry is no option
    assert.throws(() => task('b', { retry: 3 }), { exitCode: 2, message: 'task b of dag lab: there is no option "retry"' })
    // @ts-expect-error the dag has no such param
    promote('c', { requires: { run_mod: 'prod' } })
  })
})

test('a plan that was read from JSON is checked and put in order', () => {
  assert.deepEqual(parsePlan(planWith((plan) => plan.tasks.reverse())), compile(small, place))
  const broken: [RegExp, (plan: { tasks: Record<string, unknown>[] }) => void][] = [
    [
      /tasks wait for each other in a circle: sure → first → sure|first → sure → first/,
      ({ tasks }) => Object.assign(tasks[0] ?? {}, { upstream: ['sure'] }),
    ],
    [/task sure: its upstream "frist" is not a task/, ({ tasks }) => Object.assign(tasks[1] ?? {}, { upstream: ['frist'] })],
    [/task first is defined twice/, ({ tasks }) => Object.assign(tasks[1] ?? {}, { id: 'first' })],
    [/promote task publish has no check upstream/, ({ tasks }) => Object.assign(tasks[1] ?? {}, { kind: 'task' })],
    [/is not a plan/, ({ tasks }) => Object.assign(tasks[1] ?? {}, { kind: 'chek' })],
  ]
  for (const [message, change] of broken) assert.throws(() => parsePlan(planWith(change)), { exitCode: 2, message })
  assert.throws(() => parsePlan(planWith(({ tasks }) => Object.assign(tasks[1] ?? {}, { upstream: ['frist'] }))), {
    hint: 'did you mean "first"?',
  })
})

test('equal plans have equal canonical JSON and hash', () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true }), '{"a":true,"b":[1,{"c":"x","d":null}]}')
  const again: Plan = parsePlan(JSON.stringify(compile(small, place)))
  assert.equal(planHash(again), planHash(compile(small, place)))
  assert.match(planHash(again), /^[0-9a-f]{64}$/)
  assert.equal(JSON.parse(renderJson(again)).hash, planHash(again))
})

test('the Mermaid form shows kinds and edges', () => {
  const expected = ['flowchart TD', '  t0["first"]', '  t1{{"sure"}}', '  t2(["publish"])', '  t0 --> t1', '  t1 --> t2', '']
  assert.equal(renderMermaid(compile(small, place)), expected.join('\n'))
})

test('the dag main has the tasks of the design, in order', () => {
  const ids = main.tasks.map((task) => task.id)
  const [downloads, ingests] = ['download', 'ingest'].map((kind) =>
    ['releases', 'masters', 'labels', 'artists'].map((dump) => `${kind}.${dump}`),
  )
  assert.deepEqual(ids, [
    'preflight',
    ...(downloads ?? []),
    ...(ingests ?? []),
    'build',
    ...checkGroups.map((group) => `check.${group}`),
    'seal',
    'promote',
    'report',
  ])
  const upstream = (id: string): readonly string[] | undefined => main.tasks.find((task) => task.id === id)?.upstream
  assert.deepEqual(upstream('download.labels'), ['preflight'])
  assert.deepEqual(upstream('ingest.labels'), ['download.labels'])
  assert.deepEqual(main.tasks.find((task) => task.id === 'promote')?.requires, { run_mode: 'prod', allow_promote: 'true' })
})

test('params of main: text in, every default filled in, text out', () => {
  const { runId, params } = main.resolve(session, { allow_promote: 'yes', quarantine_cap: '007', orphan_percent: '2.5' })
  assert.equal(runId, '2026-01__20260120_205549')
  assert.deepEqual(params, {
    allow_older: 'false',
    allow_partial: 'false',
    limit: '0',
    allow_promote: 'true',
    do_download: 'false',
    wait_days: '14',
    dump_month: '2026-01',
    orphan_percent: '2.5',
    quarantine_cap: '7',
    rollback_on_failure: 'true',
    run_mode: 'dev',
    truncation_percent: '2',
  })
})

test('a bad param is named with what is wrong, an unknown one with the nearest', () => {
  const resolve = (given: Record<string, string>) => () => main.resolve(session, given)
  assert.throws(resolve({ run_mod: 'dev' }), {
    exitCode: 2,
    message: /run_mod: there is no such param; did you mean "run_mode"\?/,
  })
  assert.throws(resolve({ dump_month: '2026-13', quarantine_cap: '-1', truncation_percent: '101', allow_promote: 'maybe' }), {
    exitCode: 2,
    message: /dump_month=2026-13: .*\n.*allow_promote=maybe: .*\n.*quarantine_cap=-1: .*\n.*truncation_percent=101: /,
  })
})

test('a session is an instant in UTC, in three spellings', () => {
  for (const text of ['2026-01-20 00:00:00', '2026-01-20T00:00:00Z', '2026-01-20', '2026-01-20T00:00:00.000Z']) {
    assert.deepEqual(parseSession(text), {
      text: '2026-01-20 00:00:00',
      month: '2026-01',
      stamp: '20260120_000000',
      instant: new Date('2026-01-20T00:00:00Z'),
    })
  }
  for (const text of ['', 'yesterday', '2026-02-30', '2026-01-20 24:00:00', '2026-1-20', '2026-01-20T00:00:00+02:00']) {
    assert.throws(() => parseSession(text), { exitCode: 2 })
  }
})

test('words for the shell are quoted only where they must be, and mean the same', () => {
  for (const word of ['plain', '', "it's", 'a b', '$HOME', 'a"b', '*', 'x\ny', '-n']) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuote(word)}`], { encoding: 'utf8' }), word)
  }
})

test('the shell form runs the same commands without scheduler, from any directory', async () => {
  using made = new Lab()
  const dag = lab(({ task, check, promote }) => {
    const seen = task('seen', { script: 'environment', args: ['a b'] })
    const sure = check('sure', { script: 'verify', upstream: [seen] })
    const publish = promote('publish', { upstream: [sure], requires: { publish: true } })
    task('after', { script: 'quick', upstream: [publish] })
  })
  const plan = compile(dag, place)
  const { runId, params } = dag.resolve(session, {})
  const script = renderShell(plan, { ...made.config, runId, params, session: session.text })
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  const { status, stdout } = spawnSync('sh', ['-c', script], {
    cwd: elsewhere,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], DAG_STATE: '/nonsense' },
  })
  rmSync(elsewhere, { recursive: true })
  assert.equal(status, 0)
  assert.match(
    stdout,
    /publish: skipped: guardrail: publish is false, not true\nafter: skipped: publish was skipped\ndone: run lab__/,
  )
  const { context, variables, cwd } = JSON.parse(readFileSync(join(made.config.lakeDir, 'environment.json'), 'utf8'))
  const identity = { RUN_ID: runId, DAG_ID: 'lab', TASK_ID: 'seen', SESSION: session.text, ATTEMPT: '1', TRY: '1' }
  const directories = { DISCOGS_DATA_LAKE: made.config.lakeDir, DISCOGS_RAW: made.config.rawDir }
  const { RESULT_FILE: resultFile, ...others } = variables
  assert.equal(existsSync(resultFile), false)
  assert.deepEqual(others, { ...identity, ...directories, PARAM_PREFIX: 'lab', PARAM_PUBLISH: 'false' })
  assert.deepEqual([context.args, cwd], [['a b'], projectDir])
})

test('the shell form stops at the first task that fails, with its exit code', () => {
  using made = new Lab()
  const { runId, params } = small.resolve(session, { publish: 'true' })
  const script = renderShell(compile(small, place), { ...made.config, runId, params, session: session.text })
  const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
  assert.equal(status, 78)
  assert.match(stderr, /error: this task needs a scheduler\n/)
})
