import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, oneLine, size, table } from '../../src/cli/output.ts'
import { cellsOf } from '../../src/cli/table-layout.ts'
import { Lab, lab } from '../scheduler/harness.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { Terminal } from './terminal.ts'

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

test('identifiers and numbers are never cut: optional columns go first, then each row becomes a block', () => {
  const headings = ['!check', '>value', '?expected', 'details']
  const rows = [['unique_keys.release_artists_v1', '12345678', '0', 'duplicates '.repeat(5).trim()]]
  assert.deepEqual(
    [60, 50, 40].map((width) => table(headings, rows, width)),
    [
      `check                              value  expected  details
unique_keys.release_artists_v1  12345678  0         duplica…`,
      `check                              value  details
unique_keys.release_artists_v1  12345678  duplica…`,
      `unique_keys.release_artists_v1
  value 12345678  expected 0
  duplicates duplicates duplicates dupl…`,
    ],
  )
})

test('run ids are whole in `dag runs` at 80 and at 40 columns', async () => {
  using made = new Lab()
  const ids = ['06', '07'].map((hour) => `long-prefix-of-a-run__20260120_${hour}0000`)
  const dag = lab(({ task }) => task('quick', { script: 'quick' }))
  for (const hour of ['06', '07'])
    await made.trigger(dag, { session: parseSession(`2026-01-20 ${hour}:00:00`), params: { prefix: 'long-prefix-of-a-run' } })
  for (const columns of [80, 40]) {
    const { stateDir: DAG_STATE, lakeDir: DISCOGS_DATA_LAKE } = made.config
    await using terminal = new Terminal(['runs'], { DAG_STATE, DISCOGS_DATA_LAKE }, { columns })
    const shown = await terminal.waitFor(new RegExp(`${ids[0]}[^]*success[^]*\\n`))
    assert.ok(
      ids.every((id) => shown.includes(id)),
      shown,
    )
    assert.ok(
      shown
        .trimEnd()
        .split(/\r?\n/)
        .every((line) => cellsOf(line) <= columns),
      shown,
    )
  }
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
