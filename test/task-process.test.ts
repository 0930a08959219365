import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ResultFile } from '../src/scheduler/result-file.ts'

const identity = { RUN_ID: 'r__1', DAG_ID: 'd', TASK_ID: 't', SESSION: '2026-01-01 00:00:00', ATTEMPT: '1', TRY: '1' }

function run(script: string, args: readonly string[] = [], variables: Readonly<Record<string, string>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'task-'))
  try {
    const resultFile = join(dir, 'results', 'x.jsonl')
    const env = {
      PATH: process.env['PATH'],
      ...identity,
      RESULT_FILE: resultFile,
      DISCOGS_DATA_LAKE: join(dir, 'lake'),
      ...variables,
    }
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [`test/support/tasks/${script}.ts`, ...args], {
      env,
      encoding: 'utf8',
    })
    return {
      status,
      signal,
      stdout,
      stderr,
      lines: existsSync(resultFile) ? readFileSync(resultFile, 'utf8').trimEnd().split('\n') : [],
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('a task that succeeds writes its result last, tells its log, and exits with 0', () => {
  const { status, stdout, stderr, lines } = run('quick', ['3'])
  assert.deepEqual([status, stderr, lines], [0, '', ['{"result":{"rows":{"things":3},"bytes":10}}']])
  assert.match(stdout, /^\S+Z t 3: run r__1, attempt 1, try 1\n\S+Z t: rows: things 3; 10 bytes, \d+\.\d s\n$/)
})

test('a task that fails prints error, hint and causes, and exits with 1, or 78 when another try cannot help', () => {
  const { status, stderr, lines } = run('flaky')
  assert.deepEqual(
    [status, stderr, lines],
    [1, 'error: try 1 fails\nhint: try again\ncaused by: the reason below\n', ['{"error":"try 1 fails"}']],
  )
  assert.equal(run('hopeless').status, 78)
})

test('an error that is thrown in a timer is reported as the task failing, its stack is in the log alone', () => {
  const { status, stderr, lines } = run('late')
  assert.deepEqual([status, lines], [1, ['{"error":"too late to be caught"}']])
  assert.match(stderr, /^error: TypeError: too late to be caught\n +at /)
})

test('a task without its environment says everything that is missing', () => {
  const { status, stderr } = run('quick', [], { RUN_ID: '', SESSION: '' })
  assert.equal(status, 78)
  assert.match(stderr, /\n {2}RUN_ID is not set\n {2}SESSION is not set\n/)
})

test('check results are recorded although the task fails afterwards', () => {
  const { status, lines } = run('verify', ['fail'])
  assert.equal(status, 78)
  assert.deepEqual(
    lines.map((line) => Object.keys(JSON.parse(line))),
    [['checks'], ['error']],
  )
})

test('a fault point kills only the task and step it names; without state there is no ledger', () => {
  assert.equal(run('publish', [], { TASK_FAULT: 'other:after-intent:kill' }).status, 78)
  assert.match(run('publish').stderr, /this task needs a scheduler/)
  const state = mkdtempSync(join(tmpdir(), 'state-'))
  assert.match(run('publish', [], { DAG_STATE: state }).stderr, /there is no run r__1/)
  rmSync(state, { recursive: true })
})

test('a result file is read as it grows; a torn last line and foreign lines do not pass for reports', () => {
  const dir = mkdtempSync(join(tmpdir(), 'result-'))
  const file = join(dir, 'x.jsonl')
  const results = new ResultFile(file)
  const empty = {
    progress: null,
    checks: [],
    result: null,
    error: null,
    retryAt: null,
    deferred: null,
    problem: null,
    isCut: false,
  }
  assert.deepEqual(results.read(), empty)
  const progress = { done: 1, total: 2, unit: 'bytes', message: 'ü' } as const
  const line = Buffer.from(`${JSON.stringify({ progress })}\n{"result":{"rows":{"a":1}}`)
  writeFileSync(file, line.subarray(0, 56))
  assert.deepEqual(results.read(), { ...empty, isCut: true })
  writeFileSync(file, line)
  assert.deepEqual(results.read(), { ...empty, progress, isCut: true })
  writeFileSync(file, Buffer.concat([line, Buffer.from('}\n')]))
  assert.deepEqual(results.read(), { ...empty, progress, result: { rows: { a: 1 } } })
  writeFileSync(file, 'hello\n')
  assert.match(new ResultFile(file).read().problem ?? '', /a line that is none of ours: hello/)
  rmSync(dir, { recursive: true })
})
