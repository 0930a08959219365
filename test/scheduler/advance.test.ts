import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advance, attemptEnd, type TaskStatus } from '../../src/scheduler/advance.ts'
import { closedBy, runClosedBy } from '../../src/scheduler/gate.ts'
import { compile, type Plan } from '../../src/scheduler/plan.ts'
import type { TaskState } from '../../src/scheduler/states.ts'
import { lab, scriptsDir } from './harness.ts'

const projectDir = process.cwd()
const now = new Date('2026-01-01T00:00:10Z')

/** extract → left, right → join (a check) → publish → after */
const plan: Plan = compile(
  lab(({ task, check, promote }) => {
    const extract = task('extract', { script: 'quick' })
    const left = task('left', { script: 'quick', upstream: [extract] })
    const right = task('right', { script: 'quick', upstream: [extract] })
    const join = check('join', { script: 'verify', upstream: [left, right] })
    const publish = promote('publish', { upstream: [join], requires: { publish: true } })
    task('after', { script: 'quick', upstream: [publish] })
  }),
  { projectDir, scriptsDir },
)

type Given = Readonly<Record<string, TaskState | Partial<TaskStatus>>>

function statuses(given: Given): Map<string, TaskStatus> {
  return new Map(
    plan.tasks.map(({ id }) => {
      const one = given[id] ?? 'waiting'
      const status = typeof one === 'string' ? { state: one } : one
      return [id, { state: 'success', carriedFrom: null, notBefore: null, tries: 0, endedAt: null, ...status }]
    }),
  )
}

function next(given: Given, publish = 'true'): Record<string, string> {
  const changes = advance(plan, statuses(given), { params: { publish }, now })
  return Object.fromEntries([...changes].map(([id, { state, reason }]) => [id, reason === null ? state : `${state}: ${reason}`]))
}

const done = { extract: 'success', left: 'success', right: 'success' } as const

test('a task without upstream is queued at once, and nothing below it', () => {
  assert.deepEqual(next({}), { extract: 'queued' })
})

test('a task is queued once every upstream task has succeeded', () => {
  assert.deepEqual(next({ extract: 'success', left: 'success', right: 'running' }), {})
  assert.deepEqual(next({ extract: 'success', left: 'success', right: 'retry_wait' }), { right: 'queued' })
  assert.deepEqual(next(done), { join: 'queued' })
})

test('a failure reaches everything below it in one round, while its neighbours go on', () => {
  assert.deepEqual(next({ extract: 'success', left: 'failed', right: 'running' }), {
    join: 'upstream_failed: left is failed',
    publish: 'upstream_failed: join is upstream_failed',
    after: 'upstream_failed: publish is upstream_failed',
  })
  assert.deepEqual(
    next({ extract: 'success', left: 'cancelled', right: 'success' })['join'],
    'upstream_failed: left is cancelled',
  )
})

test('what lies below a skipped task is skipped, once everything above it has ended', () => {
  assert.deepEqual(next({ extract: 'success', left: 'skipped', right: 'running' }), {})
  assert.deepEqual(next({ extract: 'success', left: 'skipped', right: 'success' }), {
    join: 'skipped: left was skipped',
    publish: 'skipped: join was skipped',
    after: 'skipped: publish was skipped',
  })
})

test('a retry is queued when it is due and not earlier', () => {
  assert.deepEqual(next({ extract: { state: 'retry_wait', notBefore: '2026-01-01T00:00:10.000Z' } }), { extract: 'queued' })
  assert.deepEqual(next({ extract: { state: 'retry_wait', notBefore: '2026-01-01T00:00:10.001Z' } }), {})
})

test('a retry does not wait for a clock that has been set back before the end of the try', () => {
  const wait = { state: 'retry_wait', notBefore: '2026-01-01T02:00:00.000Z' } as const
  assert.deepEqual(next({ extract: { ...wait, endedAt: '2026-01-01T01:59:00.000Z' } }), { extract: 'queued' })
  assert.deepEqual(next({ extract: { ...wait, endedAt: '2026-01-01T00:00:00.000Z' } }), {})
})

test('the guardrail skips a promotion and what depends on it, with the reason', () => {
  assert.deepEqual(next({ ...done, join: 'success' }), { publish: 'queued' })
  assert.deepEqual(next({ ...done, join: 'success' }, 'false'), {
    publish: 'skipped: guardrail: publish is false, not true',
    after: 'skipped: publish was skipped',
  })
})

test('what lies below a promotion that ran and skipped its work starts all the same', () => {
  assert.deepEqual(next({ ...done, join: 'success', publish: { state: 'skipped', tries: 1 } }), { after: 'queued' })
})

test('the gate opens only for checks that succeeded in this attempt, or were carried over with everything above them', () => {
  const carried = { state: 'success', carriedFrom: 1 } as const
  const gate = (given: Given) => closedBy(plan, 'publish', statuses(given))
  assert.deepEqual(gate({ ...done, join: 'success' }), [])
  assert.deepEqual(gate({ extract: carried, left: carried, right: carried, join: carried }), [])
  assert.deepEqual(gate({ ...done, join: 'running' }), ['join is running'])
  assert.deepEqual(gate({ extract: carried, left: carried, right: 'success', join: carried }), [
    'join was carried over from attempt 1, but right above it was not',
  ])
  assert.deepEqual(runClosedBy(plan, statuses({ ...done, join: 'failed' })), ['join is failed'])
  assert.deepEqual(runClosedBy(plan, new Map()), ['join is not recorded'])
  assert.deepEqual(closedBy(plan, 'left', statuses({})), ['there is no check above it'])
})

test('a promotion whose gate is closed fails, although everything directly above it succeeded', () => {
  const carried = { state: 'success', carriedFrom: 1 } as const
  assert.deepEqual(
    next({ extract: carried, left: carried, right: 'success', join: carried })['publish'],
    ['failed: the gate is closed: join was carried over from attempt 1, but right above it was not'].join(),
  )
})

test('an attempt ends when every task has, and skipped tasks do not make it fail', () => {
  const end = (given: Given) => attemptEnd(statuses(given))
  const all = { ...done, join: 'success', publish: 'success', after: 'success' } as const
  assert.equal(end({ ...all, after: 'running' }), null)
  assert.deepEqual(end(all), { state: 'success', reason: null })
  assert.deepEqual(end({ ...all, publish: 'skipped', after: 'skipped' }), { state: 'success', reason: null })
  assert.deepEqual(end({ ...all, publish: 'failed', after: 'upstream_failed' }), { state: 'failed', reason: 'failed: publish' })
  assert.deepEqual(end({ ...all, after: 'cancelled' }), { state: 'cancelled', reason: 'tasks were cancelled' })
})
