import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeColumn, type EncodedColumn, type EncodeOptions } from '../../src/parquet/encode.ts'
import { createColumn, encoded, kernel } from './support/model.ts'
import { dataPages, indicesOf, rawPages } from './support/pages.ts'

const edges = [
  1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 55, 56, 57, 63, 64, 65, 127, 128, 129, 504, 511, 512,
]

/** A dictionary of `size` texts, then these indices; the dictionary pays, however few they are. */
function withIndices(size: number, indices: readonly number[]): number[] {
  const all = Array.from({ length: size }, (_, index) => index)
  return [...all, ...indices, ...all, ...all, ...all]
}

function encodedIndices(indices: readonly number[], options: EncodeOptions = {}): EncodedColumn {
  return encoded({ name: 'text', type: 'VARCHAR', nullable: false, values: indices.map((index) => `text ${index}`) }, options)
}

const sizes = { 0: 1, 1: 2, 2: 4, 4: 16, 8: 256, 16: 700 } as const

test('indices of every width come back, with runs of every length around an edge', () => {
  for (const [width, size] of Object.entries(sizes)) {
    const top = size - 1
    for (const length of edges) {
      const single = Array.from({ length }, () => top)
      for (const before of [0, 1, 7, 8, 9]) {
        const varied = Array.from({ length: before }, (_, index) => (index * 7 + 1) % size)
        const indices = withIndices(size, [...varied, ...single, ...varied, ...single.slice(1)])
        const found = indicesOf(encodedIndices(indices))
        assert.deepEqual(found, { bitWidth: Number(width), indices }, `${width} bits, ${before} + ${length}`)
      }
    }
  }
})

test('indices may be cut into pages anywhere', () => {
  for (const size of Object.values(sizes)) {
    const runs = Array.from({ length: 3000 }, (_, index) => ((index >> 5) * 11 + (index % 97 > 60 ? index : 0)) % size)
    const indices = withIndices(size, runs)
    for (const pageBytes of [7, 8, 90, 123, 1000])
      assert.deepEqual(indicesOf(encodedIndices(indices, { pageBytes })).indices, indices, `${size} entries, ${pageBytes} bytes`)
  }
})

test('a long run takes few bytes', () => {
  const indices = withIndices(
    300,
    Array.from({ length: 100_000 }, () => 5),
  )
  const bytes = rawPages(encodedIndices(indices))[1]?.body.length ?? 0
  assert.ok(bytes <= 1 + 4 * 2 * 304 + 10, `${bytes} bytes`)
})

test('levels come back for runs of values and NULLs of every length around an edge, whole or cut into pages', () => {
  for (const present of edges) {
    for (const absent of edges) {
      const column = createColumn({ type: 'BIGINT', nullable: true })
      for (let block = 0; block < 3; block++) {
        kernel.exports.putLongRun(column.address, column.rows, column.rows + present, 1n)
        column.pad(column.rows + absent)
      }
      const expected = Array.from({ length: column.rows }, (_, row) => (row % (present + absent) < present ? 1 : 0))
      // An index takes a byte at least: so many values make a page.
      for (const pageBytes of [3 * present, present, 2 * present]) {
        const pages = dataPages(encodeColumn(kernel, column, { pageBytes }))
        assert.equal(pages.length, Math.ceil((3 * present) / pageBytes))
        assert.deepEqual(
          pages.flatMap(({ levels }) => levels),
          expected,
          `${present} present, ${absent} absent`,
        )
      }
      kernel.exports.freeColumns(column.address, 1)
    }
  }
})

test('an index takes 0, 1, 2, 4 bits or whole bytes, and there are at most 65,536', () => {
  /** Every text four times in a row: a quarter of them are new, at any look. */
  const bitsFor = (size: number): number | null => {
    const chunk = encodedIndices(Array.from({ length: 4 * size }, (_, index) => index >> 2))
    return chunk.encoding === 'PLAIN' ? null : indicesOf(chunk).bitWidth
  }
  assert.deepEqual([1, 2, 3, 4, 5, 16, 17, 256, 257, 65_536, 65_537].map(bitsFor), [0, 1, 2, 2, 4, 4, 8, 8, 16, 16, null])
})
