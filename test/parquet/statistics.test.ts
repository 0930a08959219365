import assert from 'node:assert/strict'
import { test } from 'node:test'
import { truncatedBounds } from '../../src/parquet/statistics.ts'
import { encoded } from './support/model.ts'

function bounds(min: string, max: string): { min: string; max: string | null; isExact: boolean } {
  const found = truncatedBounds(Buffer.from(min), Buffer.from(max))
  return { ...found, min: Buffer.from(found.min).toString(), max: found.max === null ? null : Buffer.from(found.max).toString() }
}

const highest = '\u{10ffff}'

test('texts of up to 64 bytes are bounds themselves, though not called exact', () => {
  const min = 'é'.repeat(32)
  const max = 'z'.repeat(64)
  assert.deepEqual(bounds(min, max), { min, max, isExact: false })
  assert.deepEqual(bounds('', highest.repeat(16)), { min: '', max: highest.repeat(16), isExact: false })
})

test('a longer minimum is cut between characters', () => {
  assert.deepEqual(bounds('a'.repeat(65), 'z').min, 'a'.repeat(64))
  assert.deepEqual(bounds(`${'a'.repeat(63)}é`, 'z').min, 'a'.repeat(63))
  assert.deepEqual(bounds(`a${'😀'.repeat(16)}`, 'z').min, `a${'😀'.repeat(15)}`)
})

test('a longer maximum is cut and its last character moved up', () => {
  assert.deepEqual(bounds('a', 'z'.repeat(65)), { min: 'a', max: `${'z'.repeat(63)}{`, isExact: false })
  assert.equal(bounds('a', `${'z'.repeat(63)}é`).max, `${'z'.repeat(62)}{`)
  assert.equal(bounds('a', '€'.repeat(30)).max, `${'€'.repeat(20)}₭`)
})

test('a character whose successor is longer gives way to the one before it when there is no room', () => {
  assert.equal(bounds('a', '\u007f'.repeat(65)).max, `${'\u007f'.repeat(62)}\u0080`)
  assert.equal(bounds('a', `${'\u07ff'.repeat(31)}b\u007fxx`).max, `${'\u07ff'.repeat(31)}c`)
})

test('no bound holds a surrogate, and U+10FFFF has no successor', () => {
  assert.equal(bounds('a', `x${'\ud7ff'.repeat(22)}`).max, `x${'\ud7ff'.repeat(20)}\ue000`)
  assert.equal(bounds('a', `x${highest.repeat(17)}`).max, 'y')
  assert.equal(bounds('a', highest.repeat(17)).max, null)
})

test('short texts are compared by their own bytes, not by what lies behind them', () => {
  // Behind `b` comes a length of 0x7b, which is greater than `z`.
  for (const values of [
    ['b', 'a'.repeat(0x7b), 'bz'],
    ['bz', 'c', 'b', 'd'.repeat(0x7b)],
    ['', '\0'],
  ]) {
    const sorted = [...values].sort()
    const { encoding, bounds: found } = encoded({ name: 'text', type: 'VARCHAR', nullable: true, values })
    assert.equal(encoding, 'PLAIN')
    assert.ok(found)
    assert.equal(Buffer.from(found.min).toString(), sorted[0]?.slice(0, 64))
    const greatest = sorted.at(-1) ?? ''
    if (greatest.length <= 64) assert.equal(Buffer.from(found.max ?? []).toString(), greatest)
  }
})

test('texts are compared as unsigned bytes, to their ends, with or without a dictionary', () => {
  const shared = 'p'.repeat(100)
  const sets = [
    ['b', 'a', 'ab', 'a\0', 'aa'],
    ['same eight', 'same eight bytes', 'same eigh', 'same eight\0'],
    ['é', 'z', '\u{1f600}', '\uffee', '~~~~~~~~~'],
    [`${shared}b`, `${shared}a`, shared, `${shared}ab`].map((text) => text.slice(60)),
    ['12345678', '1234567', '123456789', '1234567\0'],
  ]
  for (const set of sets) {
    const sorted = set.map((text) => Buffer.from(text)).sort((left, right) => Buffer.compare(left, right))
    for (const values of [set, set.toReversed(), [...set, ...set, ...set, ...set]]) {
      const found = encoded({ name: 'text', type: 'VARCHAR', nullable: false, values }).bounds
      assert.deepEqual([Buffer.from(found?.min ?? []), Buffer.from(found?.max ?? [])], [sorted[0], sorted.at(-1)])
    }
  }
})

test('booleans that are all the same have one value for both bounds', () => {
  const boundsOf = (values: readonly boolean[]): (number | undefined)[] => {
    const { bounds } = encoded({ name: 'flag', type: 'BOOLEAN', nullable: false, values })
    return [bounds?.min[0], bounds?.max?.[0]]
  }
  assert.deepEqual(boundsOf([true, true]), [1, 1])
  assert.deepEqual(boundsOf([false, false]), [0, 0])
  assert.deepEqual(boundsOf([true, false]), [0, 1])
  assert.deepEqual(boundsOf([false, false, true]), [0, 1])
})
