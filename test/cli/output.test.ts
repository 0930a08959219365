import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cellsOf, duration, oneLine, size, table } from '../../src/cli/output.ts'

test('a table has no borders; numbers stand to the right', () => {
  const rows = [
    ['alpha', 1],
    ['be', 1234],
  ]
  assert.equal(table(['name', '>count'], rows), 'name   count\nalpha      1\nbe      1234')
})

test('a table is cut to the width of the terminal, its widest columns first', () => {
  const text = table(['id', 'text', 'note'], [['1', 'x'.repeat(50), 'y'.repeat(20)]], 40)
  assert.deepEqual(
    text.split('\n').map((line) => line.length),
    [2 + 2 + 17 + 2 + 4, 40],
  )
  assert.match(text, /^1 {3}x+… {2}y+…$/m)
})

test('East Asian characters take two cells, combining ones and colours none', () => {
  assert.deepEqual(['abc', '夜明け', 'e\u0301', '\u001b[31mred\u001b[39m', '🎷', '푸른'].map(cellsOf), [3, 6, 1, 3, 2, 4])
})

test('texts of records cannot break a line or command the terminal', () => {
  assert.equal(oneLine('a\r\nb\rc\n\u001b[2Jd\u009b'), 'a↵b↵c↵·[2Jd·')
})

test('durations and sizes are short', () => {
  assert.deepEqual([0, 1234, 61_000, 3_725_000].map(duration), ['0.0 s', '1.2 s', '1 min 01 s', '1 h 02 min'])
  assert.deepEqual([999, 1_500, 2_340_000, 12e9].map(size), ['999 B', '1.5 kB', '2.3 MB', '12.0 GB'])
})
