import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admitted, type Candidate, claims, poolsOf } from '../../src/scheduler/limits.ts'

const now = new Date('2026-01-01T12:00:00Z')

interface Named extends Candidate {
  readonly name: string
}

function task(name: string, { pool = null, priority = 0, queuedAt = '2026-01-01T12:00:00Z' }: Partial<Candidate> = {}): Named {
  return { name, pool, priority, queuedAt }
}

function names(waiting: readonly Named[], running: readonly (string | null)[], parallelism: number, pools = {}): string {
  return claims(
    waiting,
    running.map((pool) => ({ pool })),
    { parallelism, pools },
    now,
  )
    .map(({ name }) => name)
    .join(' ')
}

test('free places go to the most urgent, then to who has waited longest, then in the order of the plan', () => {
  const earlier = { queuedAt: '2026-01-01T11:59:00Z' }
  assert.equal(names([task('a'), task('b'), task('c')], [], 2), 'a b')
  assert.equal(names([task('a'), task('b', earlier), task('c', { priority: 1 })], [], 3), 'c b a')
  assert.equal(names([task('a')], [null, null], 2), '')
})

test('a pool has no more tasks than places, and a full one does not keep others waiting', () => {
  const waiting = [task('a', { pool: 'net' }), task('b', { pool: 'net' }), task('c'), task('d', { pool: 'other' })]
  assert.equal(names(waiting, [], 8, { net: 1 }), 'a c d')
  assert.equal(names(waiting, ['net'], 8, { net: 1 }), 'c d')
  assert.equal(names(waiting, ['net'], 8, { net: 2 }), 'a c d')
})

test('nothing starves: ten minutes of waiting outweigh a step of priority', () => {
  const old = task('old', { queuedAt: '2026-01-01T11:39:59Z' })
  assert.equal(names([task('urgent', { priority: 1 }), old], [], 1), 'old')
  const queue = [task('low', { queuedAt: now.toISOString() })]
  // For three hours a task of priority 10 comes every minute and takes the one place for a minute.
  for (let minute = 0; minute < 180; minute += 1) {
    const at = new Date(now.getTime() + minute * 60_000)
    queue.push(task(`high ${minute}`, { priority: 10, queuedAt: at.toISOString() }))
    const [next] = claims(queue, [], { parallelism: 1, pools: {} }, at)
    if (next?.name === 'low') return assert.ok(minute >= 90 && minute <= 110, String(minute))
    queue.splice(
      queue.findIndex((one) => one === next),
      1,
    )
  }
  return assert.fail('it never had its turn')
})

test('a clock that was set back makes no one wait longer than its turn', () => {
  assert.equal(names([task('a', { queuedAt: '2026-01-01T18:00:00Z' }), task('b')], [], 2), 'b a')
})

test('the smaller size of a pool holds, and runs of a dag begin while fewer than it allows are active', () => {
  assert.deepEqual(poolsOf([{ pools: { a: 2, b: 1 } }, { pools: { a: 1, c: 3 } }]), { a: 1, b: 1, c: 3 })
  assert.deepEqual(
    [admitted(3, 0, null), admitted(3, 0, 1), admitted(3, 1, 1), admitted(3, 1, 3), admitted(1, 0, 2)],
    [3, 1, 0, 2, 1],
  )
})
