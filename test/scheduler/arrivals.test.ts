import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivals } from '../../src/scheduler/arrivals.ts'
import { type CatchUp, standardTimetable } from '../../src/scheduler/timetable.ts'

const cron = '0 6 20 * *'

/** Fate of the slots from 20 October 2025 on, and the next one. */
function fate(now: string, catchUp: CatchUp, isPaused = false) {
  const timetable = { ...standardTimetable, cron, catchUp, catchUpMs: 45 * 86_400_000 }
  const coming = arrivals({ dagId: 'lab', timetable, isPaused, nextSlot: new Date('2025-10-20T06:00:00Z') }, new Date(now))
  return coming === null
    ? null
    : [
        ...coming.arrived.map(({ slot, state, reason }) => [slot.slice(0, 10), state, reason]),
        coming.next.toISOString().slice(0, 10),
      ]
}

test('before its time a slot has not come', () => {
  assert.equal(fate('2025-10-20T05:59:59Z', 'all'), null)
})

for (const catchUp of ['none', 'latest', 'all'] as const) {
  test(`in time, a slot is due with catch-up ${catchUp}`, () => {
    assert.deepEqual(fate('2025-10-20T06:00:00Z', catchUp), [['2025-10-20', 'due', null], '2025-11-20'])
  })
}

test('late slots are dropped, reduced to the latest, or all run, within the window', () => {
  const now = '2025-12-21T00:00:00Z'
  const tooLate = ['2025-10-20', 'missed', 'more than 1080 h late']
  const lost = 'nothing was there to run it'
  assert.deepEqual(fate(now, 'none'), [
    ['2025-10-20', 'missed', lost],
    ['2025-11-20', 'missed', lost],
    ['2025-12-20', 'missed', lost],
    '2026-01-20',
  ])
  assert.deepEqual(fate(now, 'latest'), [
    tooLate,
    ['2025-11-20', 'missed', 'a later one is run instead'],
    ['2025-12-20', 'due', null],
    '2026-01-20',
  ])
  assert.deepEqual(fate(now, 'all'), [tooLate, ['2025-11-20', 'due', null], ['2025-12-20', 'due', null], '2026-01-20'])
})

test('slots of a paused dag are missed', () => {
  assert.deepEqual(fate('2025-10-20T06:00:00Z', 'all', true), [['2025-10-20', 'missed', 'paused'], '2025-11-20'])
})
