import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/scheduler/child.ts'
import { compile } from '../../src/scheduler/plan.ts'
import type { PlannedTask } from '../../src/scheduler/plan.ts'
import { delayMs, endOfTry } from '../../src/scheduler/try-end.ts'
import { lab, runId, scriptsDir } from './harness.ts'

const now = new Date('2026-01-01T00:00:00Z')
const key = { runId, attempt: 1, taskId: 'first', tryNumber: 1 }
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
const ended = { exitCode: 1, signal: null, isTold: true, stopped: null, startError: null }
const unknown = { ...ended, exitCode: null, isTold: false }

function planned(options: {
  readonly retries?: number
  readonly retryDelayMs?: number
  readonly retryMaxDelayMs?: number
}): PlannedTask {
  const dag = lab(({ task }) => task('first', { script: 'quick', ...options }))
  const [task] = compile(dag, { projectDir: process.cwd(), scriptsDir }).tasks
  assert.ok(task)
  return task
}

function end(outcome: Outcome, report = {}, past = {}, retries = 1) {
  const entry = { key, outcome, report: { ...empty, ...report }, past: { failures: 0, losses: 0, deferredSince: null, ...past } }
  const { tryState, taskState, reason, exitCode } = endOfTry(planned({ retries }), entry, now)
  return [tryState, taskState, reason, exitCode]
}

test('waits double, are spread by a quarter at most, the same for the same try, and have a longest', () => {
  const task = planned({ retryDelayMs: 1000, retryMaxDelayMs: 6000 })
  const waits = [1, 2, 3, 4, 9].map((failures) => delayMs(task, { ...key, tryNumber: failures }, failures))
  for (const [index, wait] of waits.slice(0, 3).entries()) {
    const middle = 1000 * 2 ** index
    assert.ok(wait >= 0.75 * middle && wait <= 1.25 * middle, `${wait}`)
  }
  assert.deepEqual(waits.slice(3), [6000, 6000])
  assert.deepEqual(
    waits,
    [1, 2, 3, 4, 9].map((failures) => delayMs(task, { ...key, tryNumber: failures }, failures)),
  )
  const many = Array.from({ length: 200 }, (_, index) => delayMs(task, { ...key, taskId: `t${index}` }, 1))
  assert.ok(new Set(many).size > 150 && Math.min(...many) < 800 && Math.max(...many) > 1200)
})

test('exit code 78 is final, another code is tried again as often as allowed', () => {
  assert.deepEqual(end({ ...ended, exitCode: 78 }), ['failed', 'failed', 'ended with exit code 78', 78])
  assert.deepEqual(end(ended), ['failed', 'retry_wait', 'ended with exit code 1', 1])
  assert.deepEqual(end(ended, {}, { failures: 1 }), ['failed', 'failed', 'ended with exit code 1', 1])
})

test('a failed try that was asked to come back later does, within six hours', () => {
  const notBefore = (retryAt: Date): number => {
    const report = { ...empty, retryAt }
    const entry = { key, outcome: ended, report, past: { failures: 0, losses: 0, deferredSince: null } }
    return ((endOfTry(planned({ retries: 1 }), entry, now).notBefore?.getTime() ?? 0) - now.getTime()) / 60_000
  }
  const inMinutes = (minutes: number): Date => new Date(now.getTime() + minutes * 60_000)
  assert.equal(notBefore(inMinutes(60)), 60)
  assert.equal(notBefore(inMinutes(1e6)), 360)
  assert.ok(notBefore(inMinutes(-60)) < 1)
})

test('a try that nobody can tell the end of is judged by its result; without one it is lost, which costs no retry, five times', () => {
  assert.deepEqual(end(unknown, { result: {} }), ['success', 'success', null, null])
  assert.deepEqual(end({ ...unknown, signal: 'SIGKILL' }, { result: {} }), ['success', 'success', null, null])
  const reason = 'its process is gone and left neither an exit code nor a result'
  assert.deepEqual(end(unknown, {}, { failures: 0, losses: 4 }, 0), ['failed', 'retry_wait', reason, null])
  assert.deepEqual(end(unknown, {}, { losses: 5 }), ['failed', 'failed', reason, null])
})

test('a task that decides against its work ends as skipped, with its reason', () => {
  const outcome = { ...ended, exitCode: 0 }
  assert.deepEqual(end(outcome, { result: { skipped: 'nothing newer' } }), ['success', 'skipped', 'nothing newer', 0])
})

test('a result that is missing, cut or refused fails a try whatever its exit code says', () => {
  const good = { ...ended, exitCode: 0 }
  assert.deepEqual(end(good)[2], 'ended without a result')
  assert.deepEqual(end(good, { isCut: true })[2], 'its result file ends in the middle of a line')
  assert.deepEqual(end(good, { problem: 'too large', result: {} })[2], 'too large')
})

test('a process that could not be started is a failure like others', () => {
  const outcome = { ...ended, exitCode: null, startError: 'spawn sh ENOENT' }
  assert.deepEqual(end(outcome, {}, { failures: 1 }), ['failed', 'failed', 'could not be started: spawn sh ENOENT', 127])
})
