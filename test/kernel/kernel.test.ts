import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { compileKernel } from '../../scripts/kernel/compile.ts'
import { Kernel } from '../../src/kernel/kernel.ts'

test('the compiled kernel is what its sources give', async () => {
  const committed = await readFile(join(import.meta.dirname, '../../src/kernel/kernel.wasm'))
  assert.ok(committed.equals(compileKernel()), 'npm run kernel has not been run since the sources changed')
})

/** Address and size of a block. */
type Block = readonly [address: number, size: number]

function assertDisjoint(blocks: readonly Block[]): void {
  const sorted = [...blocks].sort(([left], [right]) => left - right)
  for (const [index, [address]] of sorted.entries()) {
    assert.equal(address % 16, 0)
    const [before, size] = sorted[index - 1] ?? [0, 4096]
    assert.ok(address >= before + size, `a block at ${address}, the one before has ${size} bytes at ${before}`)
  }
}

const sizes = [0, 1, 16, 63, 64, 65, 1000, 4095, 4096, 4097, 65_536, 1_000_000, 20_000_000]

test('blocks are disjoint, and as large as was asked for', () => {
  const { exports } = new Kernel()
  const blocks = [...sizes, ...sizes, ...sizes].map((size): Block => [exports.allocate(size) >>> 0, size])
  assertDisjoint(blocks)
  for (const [address, size] of blocks) {
    assert.ok(exports.blockBytes(address) >= size)
    assert.ok(exports.blockBytes(address) <= 2 * size + 128, `${exports.blockBytes(address)} bytes for ${size}`)
  }
})

test('a freed block is used again, by any instance', () => {
  const kernel = new Kernel()
  const other = new Kernel(kernel.share)
  for (const size of sizes) {
    const first = kernel.exports.allocate(size)
    const second = kernel.exports.allocate(size)
    kernel.exports.free(first)
    assert.equal(other.exports.allocate(size), first)
    other.exports.free(second)
    other.exports.free(first)
    assert.deepEqual([kernel.exports.allocate(size), kernel.exports.allocate(size)], [first, second])
  }
})

test('memory grows beyond what it began with, for all instances', () => {
  const kernel = new Kernel()
  const other = new Kernel(kernel.share)
  const size = 300_000_000
  const blocks = Array.from({ length: 4 }, () => kernel.exports.allocate(size) >>> 0)
  assertDisjoint(blocks.map((address): Block => [address, size]))
  const last = (blocks.at(-1) ?? 0) + size - 5
  kernel.bytes(last, 5).write('there')
  assert.equal(other.bytes(last, 5).toString(), 'there')
})

test('an error in the kernel says what is wrong', () => {
  const { exports } = new Kernel()
  const column = exports.createColumns(1)
  exports.putInt(column, 5, 1)
  assert.throws(() => exports.putInt(column, 5, 1), { message: 'kernel: a row was put twice' })
})

test('threads that allocate and free at once do not get in one another’s way', async () => {
  const { share } = new Kernel()
  const workers = [1, 2].map(
    (mark) =>
      new Worker(new URL('./support/allocating-thread.ts', import.meta.url), { workerData: { share, mark, rounds: 30_000 } }),
  )
  const left = await Promise.all(workers.map(async (worker): Promise<Block[]> => (await once(worker, 'message'))[0]))
  await Promise.all(workers.map((worker) => worker.terminate()))
  for (const blocks of left) assert.ok(blocks.length > 0)
  assertDisjoint(left.flat())
  const kernel = new Kernel(share)
  for (const [index, blocks] of left.entries())
    for (const [address, size] of blocks) assert.ok(kernel.bytes(address, size).every((byte) => byte === index + 1))
})
