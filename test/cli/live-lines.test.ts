import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownEnd } from '../../src/cli/output.ts'
import { cellsOf } from '../../src/cli/table-layout.ts'
import { header, liveLine, liveScreen } from '../../src/cli/live-lines.ts'
import type { TaskRecord } from '../../src/scheduler/store.ts'

const started = '2026-04-20T06:00:00.000Z'
const nowMs = Date.parse('2026-04-20T06:00:03.000Z')
const waiting: TaskRecord = {
  runId: 'r',
  attempt: 1,
  taskId: 'ingest.labels',
  kind: 'task',
  state: 'waiting',
  reason: null,
  carriedFrom: null,
  tries: 0,
  retries: 0,
  notBefore: null,
  queuedAt: null,
  startedAt: null,
  endedAt: null,
  rows: null,
  bytes: null,
  note: null,
  inputs: null,
}
const running: TaskRecord = { ...waiting, state: 'running', tries: 1, startedAt: started }
const done: TaskRecord = { ...running, state: 'success', endedAt: '2026-04-20T06:00:01.200Z', rows: { one: 1000, two: 234 } }
const progress = { done: 25, total: 100, unit: 'bytes', recordsPerSecond: 12_345.6, etaSeconds: 9, message: 'labels' } as const

test('a line shows what matters in the state of its task', () => {
  assert.equal(liveLine(waiting, null, nowMs, 80), '· ingest.labels')
  assert.equal(liveLine(done, progress, nowMs, 80), '✔ ingest.labels            1.2 s  1 234 rows')
  assert.equal(
    liveLine(running, progress, nowMs, 100),
    '▶ ingest.labels            3.0 s  ████░░░░░░░░░░░░  25 %  12 346/s  9.0 s left  labels',
  )
  assert.equal(
    liveLine({ ...done, state: 'failed', reason: 'exit 1\nand more' }, null, nowMs, 80).slice(34),
    'failed: exit 1↵and more: 1 234 rows',
  )
  assert.equal(liveLine({ ...done, carriedFrom: 1 }, null, nowMs, 80), '✔ ingest.labels                   done in attempt 1')
})

test('no line is longer than the terminal is wide', () => {
  const long = { ...progress, message: 'm'.repeat(300) }
  for (const width of [60, 80, 120]) assert.ok(cellsOf(liveLine(running, long, nowMs, width)) <= width)
})

test('a terminal that is too small shows what is going on, and how much more there is', () => {
  const named = (state: TaskRecord['state'], ...ids: readonly string[]): readonly TaskRecord[] =>
    ids.map((taskId) => Object.assign({}, state === 'running' ? running : waiting, { state, taskId }))
  const tasks = [
    ...named('success', 'a', 'b'),
    ...named('failed', 'c'),
    ...named('success', 'd'),
    ...named('running', 'e'),
    ...named('success', 'f'),
    ...named('waiting', 'g', 'h', 'i', 'j'),
  ]
  const screen = (rows: number, of: readonly TaskRecord[] = tasks): readonly string[] =>
    liveScreen('run', of, { columns: 80, rows }, ({ taskId }) => taskId, nowMs).slice(1)
  assert.deepEqual(screen(11), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'])
  assert.deepEqual(screen(8), ['… 3 tasks, 1 failed, above', 'd', 'e', 'f', 'g', 'h', '… 2 tasks below'])
  assert.deepEqual(screen(4), ['… 3 tasks, 1 failed, above', 'd', '… 6 tasks below'])
  assert.deepEqual(screen(5, [...named('waiting', 'x', 'y', 'z'), ...tasks]), ['x', 'y', '… 11 tasks, 1 failed, below'])
  assert.deepEqual(screen(4, named('success', 'x', 'y', 'z', 'zz')), ['… 3 tasks above', 'zz'])
  for (const rows of [1, 2, 3, 6, 9, 20])
    assert.ok(liveScreen('run', tasks, { columns: 80, rows }, String, nowMs).length <= Math.max(4, rows))
})

test('what has been read to its end has no time left, though it may go on', () => {
  assert.doesNotMatch(liveLine(running, { ...progress, done: 100 }, nowMs, 100), /left/)
})

test('a state and its reason say a thing once', () => {
  assert.equal(shownEnd('failed', 'failed: build'), '✖ failed: build')
  assert.equal(shownEnd('failed', 'scheduler died'), '✖ failed: scheduler died')
  assert.equal(shownEnd('success', null), '✔ success')
})

test('the header counts what has ended and stops its clock when all has', () => {
  assert.equal(header('run', [done, running], nowMs), 'run  1 of 2 tasks  3.0 s')
  assert.equal(header('run', [done, done], nowMs), 'run  2 of 2 tasks  1.2 s')
  assert.equal(header('2026-04__20260420_060000', [done, running], nowMs, 40), '2026-04__20260420_…  1 of 2 tasks  3.0 s')
})
