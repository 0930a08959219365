import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kernel } from '../../src/kernel/kernel.ts'
import { ColumnSet } from '../../src/parquet/columns.ts'
import { type EncodedColumn, encodeColumn } from '../../src/parquet/encode.ts'
import { createColumn, encoded, fill, filled, kernel, type ModelColumn, skewed } from './support/model.ts'
import { dictionaryTexts, indicesOf } from './support/pages.ts'

function texts(values: readonly (string | null)[]): ModelColumn {
  return { name: 'text', type: 'VARCHAR', nullable: true, values }
}

/** Texts of one length, all different. */
function candidates(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `${String.fromCodePoint(97 + (index % 26))}${(index * 7919 + 1_000_000).toString(36).padStart(6, '0')}`,
  )
}

/** The hashes of texts, by which a dictionary finds them. */
function hashesOf(values: readonly string[]): number[] {
  const column = filled(texts(values))
  const start = kernel.store(column.data)
  const data = column.data
  const hashes: number[] = []
  for (let at = 0; at < data.length; ) {
    const bytes = 4 + data.readUInt32LE(at)
    hashes.push(kernel.exports.hashText(start + at, bytes))
    at += bytes
  }
  kernel.exports.free(start)
  kernel.exports.freeColumns(column.address, 1)
  return hashes
}

test('a dictionary holds the values in the order of their first appearance', () => {
  const column = encoded(
    texts([
      'b',
      'a',
      null,
      'b',
      '',
      'ab',
      'b',
      'a',
      '',
      'ab',
      'b',
      'b',
      'b',
      'a',
      'b',
      'a',
      ...Array.from({ length: 40 }, () => 'b'),
    ]),
  )
  assert.deepEqual(dictionaryTexts(column), ['b', 'a', '', 'ab'])
  assert.deepEqual(indicesOf(column).indices.slice(0, 17), [0, 1, 0, 2, 3, 0, 1, 2, 3, 0, 0, 0, 1, 0, 1, 0, 0])
})

test('texts that differ in one byte, or in zeros at the end, stay different', () => {
  const base = 'abcdefghijklmnopqrstuvwxyz'
  for (let length = 0; length <= 26; length++) {
    const text = base.slice(0, length)
    const others = Array.from({ length }, (_, at) => `${text.slice(0, at)}#${text.slice(at + 1)}`)
    const values = [text, `${text}\0`, `${text}\0\0`, `${text}\0\0\0\0\0\0\0\0`, ...others]
    const column = encoded(texts(Array.from({ length: 5 }, () => values).flat()))
    assert.deepEqual(dictionaryTexts(column), values)
    assert.deepEqual(
      indicesOf(column).indices,
      Array.from({ length: 5 * values.length }, (_, row) => row % values.length),
    )
  }
})

test('different texts of one hash stay different', () => {
  const all = candidates(250_000)
  const hashes = hashesOf(all)
  const seen = new Map<number, string>()
  const pairs: [string, string][] = []
  for (const [index, text] of all.entries()) {
    const hash = hashes[index] ?? 0
    const other = seen.get(hash)
    if (other === undefined) seen.set(hash, text)
    else pairs.push([other, text])
  }
  assert.ok(pairs.length > 0, 'no collision among the candidates')
  assert.ok(pairs.length < 100, `${pairs.length} collisions, 7 are to be expected of 32 bits`)
  for (const pair of pairs) {
    const column = encoded(texts([...pair, ...pair, ...pair, ...pair]))
    assert.deepEqual(dictionaryTexts(column), pair)
    assert.deepEqual(indicesOf(column).indices, [0, 1, 0, 1, 0, 1, 0, 1])
  }
})

test('the same column gives the same bytes whatever was encoded before it, even when its values collide', () => {
  const all = candidates(1_000_000)
  const hashes = hashesOf(all)
  const seen = new Map<number, string[]>()
  for (const [index, text] of all.entries()) {
    const slot = (hashes[index] ?? 0) & 8191
    const same = seen.get(slot)
    if (same === undefined) seen.set(slot, [text])
    else same.push(text)
  }
  const colliding = [...seen.values()]
    .filter((same) => same.length > 100)
    .slice(0, 8)
    .flat()
  const column = filled(texts(Array.from({ length: 30_000 }, (_, row) => colliding[row % colliding.length] ?? '')))
  const first = encodeColumn(kernel, column)
  assert.equal(first.encoding, 'PLAIN', 'the search among colliding values gives up')
  encoded(texts(Array.from({ length: 200_000 }, (_, row) => `${'long '.repeat(9)}${skewed(row, 40_000)}`)))
  assert.deepEqual(encodeColumn(kernel, column), first)
})

test('another instance on the same memory gives the same bytes', () => {
  const type = { type: 'VARCHAR', nullable: true } as const
  using set = new ColumnSet(kernel, [type])
  for (const column of set.columns)
    fill(
      column,
      Array.from({ length: 50_000 }, (_, row) => (row % 9 === 4 ? null : `text ${skewed(row, 3000)}`)),
    )
  const other = new Kernel(kernel.share)
  const encodedBy = (instance: Kernel): EncodedColumn[] =>
    new ColumnSet(instance, [type], set.address).columns.map((column) => encodeColumn(instance, column, { pageBytes: 10_000 }))
  assert.deepEqual(encodedBy(other), encodedBy(kernel))
})

test('texts that hardly repeat get no dictionary, others do, whatever their number', () => {
  const encodingOf = (rows: number, distinct: number): string =>
    encoded(texts(Array.from({ length: rows }, (_, row) => `text ${1_000_000 + skewed(row, distinct)}`))).encoding
  assert.equal(encodingOf(100, 20), 'RLE_DICTIONARY')
  assert.equal(encodingOf(100, 1000), 'PLAIN')
  assert.equal(encodingOf(100_000, 20_000), 'RLE_DICTIONARY')
  assert.equal(encodingOf(100_000, 1_000_000), 'PLAIN')
})

test('a dictionary takes at most 4 MiB', () => {
  const encodingOf = (bytes: number): string => {
    const text = 'x'.repeat(bytes - 4)
    return encoded(texts([text, text, text, text])).encoding
  }
  assert.equal(encodingOf(4 * 1024 * 1024), 'RLE_DICTIONARY')
  assert.equal(encodingOf(4 * 1024 * 1024 + 1), 'PLAIN')
})

test('numbers get a dictionary when an index takes one byte', () => {
  const indexed = (type: 'BIGINT' | 'INT', distinct: number): boolean => {
    const column = createColumn({ type, nullable: false })
    const factor = type === 'BIGINT' ? 2 ** 40 : 2 ** 20
    for (let row = 0; row < 10_000; row++) column.put(row, (row % distinct) * factor)
    const chunk = encodeColumn(kernel, column)
    if (chunk.encoding === 'PLAIN') return false
    const expected = Array.from({ length: 10_000 }, (_, row) => row % distinct)
    assert.deepEqual(indicesOf(chunk).indices, expected)
    return true
  }
  for (const type of ['BIGINT', 'INT'] as const)
    assert.deepEqual(
      [1, 2, 255, 256, 257].map((distinct) => indexed(type, distinct)),
      [true, true, true, true, false],
    )
})

test('numbers get a dictionary when each comes twice on average', () => {
  const encodingOf = (values: readonly number[]): string =>
    encoded({ name: 'number', type: 'INT', nullable: false, values }).encoding
  assert.equal(encodingOf([1, 2, 2, 1]), 'RLE_DICTIONARY')
  assert.equal(encodingOf([1, 2, 2, 1, 3]), 'PLAIN')
})
