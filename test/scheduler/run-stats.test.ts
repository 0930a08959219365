import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationStats } from '../../src/scheduler/run-stats.ts'

function run(durationMs: number, build: number) {
  return { runId: `run-${durationMs}`, durationMs, tasks: new Map([['build', build]]) }
}

test('the latest run is held against the median of those before it', () => {
  assert.deepEqual(durationStats([run(300, 30), run(100, 10), run(200, 40), run(150, 20)]), [
    { taskId: null, latestMs: 300, medianMs: 150, longestMs: 200, runs: 3, ratio: 2 },
    { taskId: 'build', latestMs: 30, medianMs: 20, longestMs: 40, runs: 3, ratio: 1.5 },
  ])
})

test('without earlier runs there is nothing to compare with', () => {
  assert.deepEqual(durationStats([]), [])
  assert.deepEqual(durationStats([run(300, 30)])[0], {
    taskId: null,
    latestMs: 300,
    medianMs: null,
    longestMs: null,
    runs: 0,
    ratio: null,
  })
})
