import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kernel } from '../../src/kernel/kernel.ts'
import { type Column, type ColumnKind, ColumnSet, type ColumnType } from '../../src/parquet/columns.ts'
import { PileSet } from '../../src/parquet/piles.ts'
import { createColumn, fill, kernel, type ModelValue, put } from './support/model.ts'

const { exports } = kernel

/** The rows of a column, by walking its buffers. */
function rowsOf(column: Column): ModelValue[] {
  const { data, gaps } = column
  const rows: ModelValue[] = []
  let gap = 0
  let at = 0
  while (rows.length < column.rows) {
    if (gap < gaps.length && gaps[gap] === rows.length) {
      for (let count = gaps[gap + 1] ?? 0; count > 0; count--) rows.push(null)
      gap += 2
    } else {
      rows.push(valueAt(column.kind, data, at))
      at += sizeAt(column.kind, data, at)
    }
  }
  assert.equal(at, data.length, 'bytes of values')
  assert.equal(gap, gaps.length, 'gaps')
  return rows
}

function valueAt(kind: ColumnKind, data: Buffer, at: number): ModelValue {
  if (kind === 'VARCHAR') return data.toString('utf8', at + 4, at + 4 + data.readUInt32LE(at))
  if (kind === 'BIGINT') return data.readBigInt64LE(at)
  return kind === 'INT' ? data.readInt32LE(at) : data[at] === 1
}

function sizeAt(kind: ColumnKind, data: Buffer, at: number): number {
  return kind === 'VARCHAR' ? 4 + data.readUInt32LE(at) : { BIGINT: 8, INT: 4, BOOLEAN: 1 }[kind]
}

/** Forgets the rows from `row` on; the kernel is told where their values begin. */
function rollback(column: Column, row: number): void {
  const { data, gaps } = column
  let values = row
  for (let gap = 0; gap < gaps.length && (gaps[gap] ?? 0) < row; gap += 2)
    values -= Math.min(gaps[gap + 1] ?? 0, row - (gaps[gap] ?? 0))
  let length = 0
  for (let value = 0; value < values && length < data.length; value++) length += sizeAt(column.kind, data, length)
  exports.rollback(column.address, row, length)
}

/** Numbers that are the same for every run of the tests. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const kinds = ['VARCHAR', 'BIGINT', 'INT', 'BOOLEAN'] as const

function randomValue(kind: ColumnKind, random: (below: number) => number): Exclude<ModelValue, null> {
  if (kind === 'VARCHAR')
    return random(50) === 0 ? 'ü'.repeat(random(2000)) : `${'abcdefgh'.repeat(random(9))}${random(1e6)}`.slice(random(8))
  if (kind === 'BIGINT') return BigInt.asIntN(64, BigInt(random(2 ** 32)) * BigInt(random(2 ** 32)))
  return kind === 'INT' ? random(2 ** 32) - 2 ** 31 : random(2) === 0
}

function randomValues(kind: ColumnKind, random: (below: number) => number, rows: number): ModelValue[] {
  return Array.from({ length: rows }, () => (random(4) === 0 ? null : randomValue(kind, random)))
}

for (const kind of kinds) {
  test(`a column of ${kind} holds what was put, skipped, padded and rolled back`, () => {
    const random = randomFrom(kind.length)
    for (let round = 0; round < 20; round++) {
      const column = createColumn({ type: kind, nullable: true })
      const model: ModelValue[] = []
      for (let step = 0; step < 2000; step++) {
        const action = random(100)
        if (action < 3) {
          const rows = random(column.rows + 3)
          rollback(column, rows)
          model.length = Math.min(model.length, rows)
        } else if (action < 6) {
          const rows = column.rows + random(20) - 5
          column.pad(rows)
          while (model.length < rows) model.push(null)
        } else {
          const row = column.rows + (action < 30 ? random(4) : 0)
          const value = randomValue(kind, random)
          while (model.length < row) model.push(null)
          model.push(value)
          put(column, row, value)
        }
      }
      assert.deepEqual(rowsOf(column), model)
      assert.equal(column.nulls, model.filter((value) => value === null).length)
      assert.equal(column.values, model.length - column.nulls)
    }
  })

  test(`columns of ${kind} are piled up, and loaded by another instance`, () => {
    const random = randomFrom(7)
    const types: readonly ColumnType[] = [{ type: kind, nullable: true }]
    const other = new Kernel(kernel.share)
    using piles = new PileSet(kernel, types)
    const [pile = 0] = piles.addresses
    const [loaded] = new ColumnSet(other, types).columns
    assert.ok(loaded)
    const model: ModelValue[] = []
    for (let part = 0; part < 12; part++) {
      using set = new ColumnSet(kernel, types)
      const values = randomValues(kind, random, random(9000))
      for (const column of set.columns) fill(column, values)
      piles.append(set.columns)
      for (const column of set.columns) assert.deepEqual(rowsOf(column), values, 'the piled column stays as it is')
      model.push(...values)
      other.exports.loadPile(loaded.address, pile)
      assert.equal(piles.byteLength, loaded.data.length)
      assert.deepEqual(rowsOf(loaded), model)
      other.exports.unloadPile(loaded.address)
      assert.deepEqual(rowsOf(loaded), [])
    }
  })

  test(`a column of ${kind} is empty after a reset`, () => {
    using set = new ColumnSet(kernel, [{ type: kind, nullable: true }])
    const random = randomFrom(3)
    for (const rows of [5000, 10, 0, 300]) {
      const values = randomValues(kind, random, rows)
      for (const column of set.columns) {
        fill(column, values)
        assert.deepEqual(rowsOf(column), values)
      }
      set.reset()
      for (const column of set.columns) assert.deepEqual([column.rows, column.nulls, column.byteLength], [0, 0, 0])
    }
  })
}

/** Calls `use` with the place where some bytes lie in the kernel's memory. */
function withText(text: string, use: (from: number, to: number) => void): void {
  const bytes = Buffer.from(text)
  const from = kernel.store(bytes)
  use(from, from + bytes.length)
  exports.free(from)
}

function join(column: Column, row: number, separator: string, text: string): void {
  withText(separator, (from, to) => exports.joinText(column.address, row, from, to - from))
  withText(text, (from, to) => exports.appendText(column.address, from, to))
}

test('a text is made of parts, joined with separators', () => {
  const column = createColumn({ type: 'VARCHAR', nullable: true })
  put(column, 0, 'one')
  withText(`+${'x'.repeat(999)}`, (from, to) => exports.appendText(column.address, from, to))
  for (const part of ['a', 'bc', 'd'.repeat(300)]) join(column, 2, ', ', part)
  put(column, 3, 'first')
  join(column, 3, '; ', 'second')
  assert.deepEqual(rowsOf(column), [`one+${'x'.repeat(999)}`, null, `a, bc, ${'d'.repeat(300)}`, 'first; second'])
})

test('a run of rows takes the same number', () => {
  const column = createColumn({ type: 'BIGINT', nullable: true })
  exports.putLongRun(column.address, 0, 1000, 2n ** 40n + 3n)
  exports.putLongRun(column.address, 1000, 1000, 5n)
  exports.putLongRun(column.address, 1001, 1003, -(2n ** 63n))
  assert.deepEqual(rowsOf(column), [...Array.from({ length: 1000 }, () => 2n ** 40n + 3n), null, -(2n ** 63n), -(2n ** 63n)])
})

test('a required column refuses a row without a value', () => {
  const column = createColumn({ type: 'BIGINT', nullable: false })
  column.put(0, 1)
  const refused = { message: 'kernel: a row has no value, but the column is required' }
  assert.throws(() => column.put(2, 1), refused)
  assert.throws(() => column.pad(3), refused)
})

test('a row is put once', () => {
  const column = createColumn({ type: 'VARCHAR', nullable: true })
  column.put(3, 'a')
  assert.throws(() => column.put(3, 'b'), { message: 'kernel: a row was put twice' })
  assert.deepEqual(rowsOf(column), [null, null, null, 'a'])
})

test('one giant value does not keep its memory for ever', () => {
  using set = new ColumnSet(kernel, [{ type: 'VARCHAR', nullable: true }])
  const [column] = set.columns
  assert.ok(column)
  column.put(0, 'x'.repeat(20_000_000))
  set.reset()
  exports.releaseColumn(column.address)
  column.put(1, 'small')
  assert.deepEqual(rowsOf(column), [null, 'small'])
  assert.ok(exports.blockBytes(column.data.byteOffset) < 10_000, `${exports.blockBytes(column.data.byteOffset)} bytes kept`)
})
