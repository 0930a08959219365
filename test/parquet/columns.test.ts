import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyColumn, createColumn, IntColumn, LongColumn, TextColumn } from '../../src/parquet/columns.ts'
import { appendPacked, BlockPool, ColumnPile, loadImage, packColumns } from '../../src/parquet/packed-columns.ts'
import { fill, type ModelValue, put } from './support/model.ts'

const latin = (text: string): Uint8Array => Buffer.from(text)

/** The rows of a column, by walking its buffers. */
function rowsOf(column: AnyColumn): ModelValue[] {
  const rows: ModelValue[] = []
  let gap = 0
  for (let value = 0; rows.length < column.rows; ) {
    if (gap < column.gapsLength && column.gaps[gap] === rows.length) {
      for (let count = column.gaps[gap + 1] ?? 0; count > 0; count--) rows.push(null)
      gap += 2
    } else rows.push(valueAt(column, value++))
  }
  return rows
}

function valueAt(column: AnyColumn, value: number): ModelValue {
  switch (column.kind) {
    case 'VARCHAR': {
      const start = column.positionOf(value)
      assert.equal(column.view.getInt32(start, true), column.positionOf(value + 1) - start - 4)
      return Buffer.from(column.bytes.subarray(start + 4, column.positionOf(value + 1))).toString()
    }
    case 'BIGINT':
      return (BigInt(column.lanes[2 * value + 1] ?? 0) << 32n) | BigInt((column.lanes[2 * value] ?? 0) >>> 0)
    case 'INT':
      return column.data[value] ?? null
    case 'BOOLEAN':
      return column.data[value] === 1
  }
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

function randomValue(kind: (typeof kinds)[number], random: (below: number) => number): Exclude<ModelValue, null> {
  if (kind === 'VARCHAR')
    return random(50) === 0 ? 'ü'.repeat(random(2000)) : `${'abcdefgh'.repeat(random(9))}${random(1e6)}`.slice(random(8))
  if (kind === 'BIGINT') return BigInt.asIntN(64, BigInt(random(2 ** 32)) * BigInt(random(2 ** 32)))
  return kind === 'INT' ? random(2 ** 32) - 2 ** 31 : random(2) === 0
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
          column.rollback(rows)
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
    }
  })

  test(`columns of ${kind} are packed, piled up and loaded again`, () => {
    const random = randomFrom(7)
    const blocks = new BlockPool()
    const pile = new ColumnPile(blocks)
    const model: ModelValue[] = []
    let spare: SharedArrayBuffer | null = null
    for (let part = 0; part < 12; part++) {
      const values = Array.from({ length: random(9000) }, (): ModelValue => (random(3) === 0 ? null : randomValue(kind, random)))
      const column = createColumn({ type: kind, nullable: true })
      fill(column, values)
      const packed = packColumns([column], spare)
      assert.deepEqual(rowsOf(column), values, 'a packed column stays as it is')
      appendPacked([pile], packed)
      spare = packed.memory
      model.push(...values)
    }
    const loaded = createColumn({ type: kind, nullable: true })
    fill(loaded, [randomValue(kind, random), null])
    loadImage(loaded, structuredClone(pile.image()))
    assert.deepEqual(rowsOf(loaded), model)
    const next = randomValue(kind, random)
    put(loaded, loaded.rows, next)
    assert.deepEqual(rowsOf(loaded), [...model, next], 'a loaded column may be filled on')
    loaded.rollback(300)
    assert.deepEqual(rowsOf(loaded), model.slice(0, 300))
    pile.release()
  })

  test(`a column of ${kind} is empty after a reset`, () => {
    const column = createColumn({ type: kind, nullable: true })
    const random = randomFrom(3)
    for (const rows of [5000, 10, 0, 300]) {
      const values = Array.from({ length: rows }, (): ModelValue => (random(5) === 0 ? null : randomValue(kind, random)))
      fill(column, values)
      assert.deepEqual(rowsOf(column), values)
      column.reset()
      assert.deepEqual([column.rows, column.nulls, column.byteLength], [0, 0, 0])
    }
  })
}

test('a text is made of parts, joined with separators', () => {
  const column = new TextColumn(false)
  column.begin(0)
  column.append(latin('one'), 0, 3)
  column.appendByte(0x2b)
  column.append(latin('x'.repeat(1000)), 1, 1000)
  column.end()
  for (const part of ['a', 'bc', 'd'.repeat(300)]) {
    column.join(2, latin(', '))
    column.append(latin(part), 0, part.length)
    column.end()
  }
  column.put(3, latin('first'), 0, 5)
  column.join(3, latin('; '))
  column.append(latin('second'), 0, 6)
  column.end()
  assert.deepEqual(rowsOf(column), [`one+${'x'.repeat(999)}`, null, `a, bc, ${'d'.repeat(300)}`, 'first; second'])
})

test('a text that is not finished can be rolled back', () => {
  const column = new TextColumn(false)
  column.put(0, latin('kept'), 0, 4)
  column.begin(2)
  column.append(latin('lost'), 0, 4)
  column.rollback(1)
  column.put(1, latin('next'), 0, 4)
  assert.deepEqual(rowsOf(column), ['kept', 'next'])
})

test('a text may end where its source ends, and sources may alternate', () => {
  const column = new TextColumn(false)
  const sources = ['abcdefghijklmnopqrstuvwxyz', '0123456789 and more', 'ABCDEFGHIJKLMNOPQRST'].map((text) =>
    Buffer.from(`.${text}`).subarray(1),
  )
  const expected: string[] = []
  for (let round = 0; round < 60; round++) {
    for (const source of sources.slice(round % 3 === 0 ? 0 : 1)) {
      const length = round % 11
      const start = round % 2 === 0 ? source.length - length : round % 5
      column.put(column.rows, source, start, start + length)
      expected.push(source.toString().slice(start, start + length))
    }
  }
  assert.deepEqual(rowsOf(column), expected)
})

test('a run of rows takes the same number', () => {
  const long = new LongColumn(true)
  long.putRun(0, 1000, 2 ** 40 + 3)
  long.putRun(1000, 1000, 5)
  long.putBigRun(1000, 1002, -(2n ** 63n))
  const int = new IntColumn(false)
  int.putRun(2, 5, -4)
  assert.deepEqual(rowsOf(long), [...Array.from({ length: 1000 }, () => 2n ** 40n + 3n), -(2n ** 63n), -(2n ** 63n)])
  assert.deepEqual(rowsOf(int), [null, null, -4, -4, -4])
})

test('a required column refuses a row without a value', () => {
  const column = new LongColumn(true)
  column.put(0, 1)
  assert.throws(() => column.put(2, 1), { message: 'row 1 has no value, but the column is required' })
  assert.throws(() => column.pad(3), { message: 'row 1 has no value, but the column is required' })
})

test('a row is put once', () => {
  const column = new TextColumn(false)
  column.put(3, latin('a'), 0, 1)
  assert.throws(() => column.put(3, latin('b'), 0, 1), { message: 'row 3 was put already, the next one is 4' })
  assert.throws(() => column.join(2, latin(', ')), { message: 'row 2 cannot be extended, the last one is 3' })
})

test('one giant value does not keep its memory for ever', () => {
  const column = new TextColumn(false)
  const giant = Buffer.alloc(20_000_000, 'x')
  column.put(0, giant, 0, giant.length)
  column.reset()
  column.put(0, giant, 0, 10)
  column.reset()
  assert.ok(column.bytes.length <= 4 * 1024 * 1024, `${column.bytes.length} bytes kept`)
})

test('piles share their memory: what one gives back another takes', () => {
  const blocks = new BlockPool()
  const column = createColumn({ type: 'INT', nullable: false })
  fill(
    column,
    Array.from({ length: 40_000 }, (_, row) => row),
  )
  const [first, second] = [new ColumnPile(blocks), new ColumnPile(blocks)]
  appendPacked([first], packColumns([column]))
  const memory = first.image().pieces.map(({ buffer }) => buffer)
  assert.equal(memory.length, 2)
  first.release()
  appendPacked([second], packColumns([column]))
  assert.deepEqual(new Set(second.image().pieces.map(({ buffer }) => buffer)), new Set(memory))
})

test('packed columns fit only the columns they came from', () => {
  const packed = packColumns([createColumn({ type: 'INT', nullable: true })])
  assert.throws(() => appendPacked([], packed), /1 packed columns for 0/)
})
