import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSession } from '../../src/scheduler/session.ts'
import { checkTimetable, nextSlot, slotsOfDays, slotsUntil, standardTimetable } from '../../src/scheduler/timetable.ts'

function timetable(cron: string, timeZone = 'UTC') {
  return { ...standardTimetable, cron, timeZone }
}

function days(cron: string, from: string, to: string, timeZone?: string): readonly string[] {
  return slotsOfDays('lab', timetable(cron, timeZone), { from, to }).map(formatSession)
}

test('a monthly schedule has one slot a month, the last month included', () => {
  const slots = days('0 6 20 * *', '2025-06', '2026-01')
  assert.deepEqual([slots.length, slots[0], slots.at(-1)], [8, '2025-06-20 06:00:00', '2026-01-20 06:00:00'])
})

test('months and days are those of the time zone of the schedule, slots are UTC', () => {
  assert.deepEqual(days('30 0 1 * *', '2026-06', '2026-06', 'Asia/Tokyo'), ['2026-05-31 15:30:00'])
  assert.deepEqual(days('0 12 * * *', '2026-06-01', '2026-06-02', 'America/New_York'), [
    '2026-06-01 16:00:00',
    '2026-06-02 16:00:00',
  ])
})

test('a leap day comes in leap years only', () => {
  assert.deepEqual(days('0 6 29 2 *', '2023-01', '2032-12'), [
    '2024-02-29 06:00:00',
    '2028-02-29 06:00:00',
    '2032-02-29 06:00:00',
  ])
})

test('a local time that daylight saving skips is taken at the end of the gap', () => {
  assert.deepEqual(days('30 2 * * *', '2026-03-28', '2026-03-30', 'Europe/Berlin'), [
    '2026-03-28 01:30:00',
    '2026-03-29 01:00:00',
    '2026-03-30 00:30:00',
  ])
})

test('a local time that daylight saving repeats is taken once', () => {
  assert.deepEqual(days('30 2 * * *', '2026-10-24', '2026-10-26', 'Europe/Berlin'), [
    '2026-10-24 00:30:00',
    '2026-10-25 00:30:00',
    '2026-10-26 01:30:00',
  ])
  assert.equal(days('0 * * * *', '2026-10-25', '2026-10-25', 'Europe/Berlin').length, 25)
})

test('of very many slots the newest are told', () => {
  const span = { first: new Date('2026-01-01T00:00:00Z'), until: new Date('2026-01-02T00:00:00Z') }
  const slots = slotsUntil(timetable('* * * * *'), span, 3)
  assert.deepEqual(slots.map(formatSession), ['2026-01-01 23:58:00', '2026-01-01 23:59:00', '2026-01-02 00:00:00'])
})

for (const [what, from, to, says] of [
  ['an end before the beginning', '2026-02', '2026-01', /--from 2026-02 is after --to 2026-01/],
  ['a month no calendar has', '2026-13', '2026-14', /--from "2026-13" is no month and no day/],
  ['a day no calendar has', '2026-01', '2026-02-30', /--to "2026-02-30" is no month and no day/],
  ['words', 'last year', '2026-01', /is no month and no day/],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => days('0 6 20 * *', from, to), { message: says, exitCode: 2 })
  })
}

for (const [cron, timeZone] of [
  ['61 * * * *', 'UTC'],
  ['0 6 20 * * *', 'UTC'],
  ['0 6 30 2 *', 'UTC'],
  ['0 6 20 * *', 'Mars/Olympus'],
] as const) {
  test(`the schedule "${cron}" in ${timeZone} is refused`, () => {
    assert.throws(() => checkTimetable('lab', timetable(cron, timeZone)), { message: /dag lab: the schedule/, exitCode: 2 })
  })
}

test('the slot after a slot is the next one, whatever the fraction of its second', () => {
  const after = nextSlot('lab', timetable('0 6 20 * *'), new Date('2026-01-20T05:59:59.999Z'))
  assert.equal(after?.toISOString(), '2026-01-20T06:00:00.000Z')
})
