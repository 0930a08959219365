import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { IntColumn } from '../../src/parquet/columns.ts'
import { hybridBound, indexBits, writeHybrid, writeLevels } from '../../src/parquet/levels.ts'

interface Cursor {
  readonly buffer: Buffer
  offset: number
}

/** The decoder of parquetjs. */
const { decodeValues } = createRequire(import.meta.url)('@dsnp/parquetjs/dist/lib/codec/rle.js') as {
  readonly decodeValues: (
    type: string,
    cursor: Cursor,
    count: number,
    options: { readonly bitWidth: number; readonly disableEnvelope: boolean },
  ) => number[]
}

function decoded(bytes: Uint8Array, count: number, bitWidth: number): number[] {
  const cursor = { buffer: Buffer.from(bytes), offset: 0 }
  const values = decodeValues('INT32', cursor, count, { bitWidth, disableEnvelope: true })
  assert.equal(cursor.offset, bytes.length, 'bytes read')
  return values
}

function encoded(values: readonly number[], bitWidth: number): Uint8Array {
  const out = new Uint8Array(hybridBound(values.length, bitWidth) + 3).fill(0xff)
  const end = writeHybrid(out, 3, Int32Array.from(values), 0, values.length, bitWidth)
  assert.ok(end <= out.length, `${end} bytes in ${out.length}`)
  return out.subarray(3, end)
}

const edges = [1, 2, 7, 8, 9, 15, 16, 17, 47, 48, 49, 55, 56, 57, 63, 64, 65, 127, 128, 129, 504, 511, 512]

test('indices of every width up to 20 bits come back, with runs of every length around an edge', () => {
  for (let bitWidth = 0; bitWidth <= 20; bitWidth++) {
    const top = 2 ** bitWidth - 1
    for (const length of edges) {
      const single = Array.from({ length }, () => top)
      assert.deepEqual(decoded(encoded(single, bitWidth), length, bitWidth), single)
      for (const before of [1, 7, 8, 9]) {
        const varied = Array.from({ length: before }, (_, index) => (index * 7 + 1) & top)
        const values = [...varied, ...single, ...varied, ...single.slice(1)]
        assert.deepEqual(
          decoded(encoded(values, bitWidth), values.length, bitWidth),
          values,
          `${bitWidth} bits, ${before} + ${length}`,
        )
      }
    }
  }
})

test('a part of the indices can be written', () => {
  const values = Int32Array.from({ length: 1000 }, (_, index) => (index >> 5) & 15)
  const out = new Uint8Array(hybridBound(700, 4))
  const end = writeHybrid(out, 0, values, 123, 823, 4)
  assert.deepEqual(decoded(out.subarray(0, end), 700, 4), [...values.subarray(123, 823)])
})

test('a long run takes few bytes', () => {
  assert.ok(
    encoded(
      Array.from({ length: 100_000 }, () => 5),
      16,
    ).length <= 6,
  )
})

test('levels come back for runs of values and NULLs of every length around an edge, whole or cut into pages', () => {
  for (const present of edges) {
    for (const absent of edges) {
      const column = new IntColumn(false)
      for (let block = 0; block < 3; block++) {
        column.putRun(column.rows, column.rows + present, 1)
        column.pad(column.rows + absent)
      }
      const expected = Array.from({ length: column.rows }, (_, row) => (row % (present + absent) < present ? 1 : 0))
      for (const pageRows of [column.rows, present + absent, 2 * (present + absent)]) {
        const cursor = { gap: 0 }
        const levels: number[] = []
        for (let from = 0; from < column.rows; from += pageRows) {
          const to = Math.min(from + pageRows, column.rows)
          const out = new Uint8Array(hybridBound(to - from, 1))
          const end = writeLevels(out, 0, column, from, to, cursor)
          assert.ok(end <= out.length)
          levels.push(...decoded(out.subarray(0, end), to - from, 1))
        }
        assert.deepEqual(levels, expected, `${present} present, ${absent} absent`)
      }
    }
  }
})

test('an index takes 0, 1, 2, 4 bits or whole bytes', () => {
  const bits = [0, 1, 2, 3, 4, 5, 16, 17, 256, 257, 65_536, 65_537].map(indexBits)
  assert.deepEqual(bits, [0, 0, 1, 2, 2, 4, 4, 8, 8, 16, 16, 24])
})
