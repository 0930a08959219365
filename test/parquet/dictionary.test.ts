import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LongColumn, TextColumn } from '../../src/parquet/columns.ts'
import { type Dictionary, hashText, numberDictionary, textDictionary } from '../../src/parquet/dictionary.ts'
import { encodeColumn } from '../../src/parquet/encode.ts'
import { fill, skewed } from './support/model.ts'

function texts(values: readonly (string | null)[]): TextColumn {
  const column = new TextColumn(false)
  fill(column, values)
  return column
}

/** Texts of one length, all different. */
function candidates(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `${String.fromCodePoint(97 + (index % 26))}${(index * 7919 + 1_000_000).toString(36).padStart(6, '0')}`,
  )
}

function hashOf(text: string): number {
  const column = texts([text])
  return hashText(column.view, 0, column.length)
}

function entries({ bytes }: Dictionary): string[] {
  const found: string[] = []
  const plain = Buffer.from(bytes)
  for (let at = 0; at < plain.length; at += 4 + plain.readUInt32LE(at))
    found.push(plain.toString('utf8', at + 4, at + 4 + plain.readUInt32LE(at)))
  return found
}

test('a dictionary holds the values in the order of their first appearance', () => {
  const dictionary = textDictionary(
    texts(['b', 'a', null, 'b', '', 'ab', 'b', 'a', '', 'ab', 'b', 'b', 'b', 'a', 'b', 'a', 'b', 'b']),
  )
  assert.ok(dictionary)
  assert.deepEqual(entries(dictionary), ['b', 'a', '', 'ab'])
  assert.deepEqual([...dictionary.indices.subarray(0, 17)], [0, 1, 0, 2, 3, 0, 1, 2, 3, 0, 0, 0, 1, 0, 1, 0, 0])
})

test('different texts of one hash stay different', () => {
  const seen = new Map<number, string>()
  const pairs: [string, string][] = []
  for (const text of candidates(250_000)) {
    const hash = hashOf(text)
    const other = seen.get(hash)
    if (other === undefined) seen.set(hash, text)
    else pairs.push([other, text])
  }
  assert.ok(pairs.length > 0, 'no collision among the candidates')
  for (const pair of pairs) {
    const dictionary = textDictionary(texts([...pair, ...pair, ...pair, ...pair]))
    assert.ok(dictionary)
    assert.deepEqual(entries(dictionary), pair)
  }
})

test('the same column gives the same bytes whatever was encoded before it, even when its values collide', () => {
  const seen = new Map<number, string[]>()
  for (const text of candidates(1_000_000)) {
    const slot = hashOf(text) & 8191
    const same = seen.get(slot)
    if (same === undefined) seen.set(slot, [text])
    else same.push(text)
  }
  const colliding = [...seen.values()]
    .filter((same) => same.length > 100)
    .slice(0, 8)
    .flat()
  const column = texts(Array.from({ length: 30_000 }, (_, row) => colliding[row % colliding.length] ?? ''))
  const first = encodeColumn(column)
  assert.equal(first.encoding, 'PLAIN', 'the search among colliding values gives up')
  encodeColumn(texts(Array.from({ length: 200_000 }, (_, row) => `${'long '.repeat(9)}${skewed(row, 40_000)}`)))
  assert.deepEqual(encodeColumn(column), first)
})

test('texts that hardly repeat get no dictionary, others do, whatever their number', () => {
  const encodingOf = (rows: number, distinct: number): string =>
    encodeColumn(texts(Array.from({ length: rows }, (_, row) => `text ${1_000_000 + skewed(row, distinct)}`))).encoding
  assert.equal(encodingOf(100, 20), 'RLE_DICTIONARY')
  assert.equal(encodingOf(100, 1000), 'PLAIN')
  assert.equal(encodingOf(100_000, 20_000), 'RLE_DICTIONARY')
  assert.equal(encodingOf(100_000, 1_000_000), 'PLAIN')
})

test('numbers get a dictionary when an index takes one byte', () => {
  const sizeOf = (distinct: number): number | undefined => {
    const column = new LongColumn(true)
    for (let row = 0; row < 10_000; row++) column.putBig(row, BigInt(row % distinct) << 40n)
    return numberDictionary(column)?.size
  }
  assert.deepEqual([1, 2, 255, 256, 257].map(sizeOf), [1, 2, 255, 256, undefined])
})
