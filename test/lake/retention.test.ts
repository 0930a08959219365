import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { z } from 'zod'
import { readManifest } from '../../src/lake/manifest.ts'
import { resolveActive } from '../../src/lake/pointer.ts'
import { promoteRun } from '../../src/lake/promotion.ts'
import { findGarbage, type Garbage, type HistoryNeeds, type Keep, removeGarbage } from '../../src/lake/retention.ts'
import type { RunBook } from '../../src/lake/run-book.ts'
import { dag } from '../cli/support.ts'
import { LakeLab } from './lake-lab.ts'

const runIds = ['1', '2', '3', '4', '5', '6'].map((day) => `2026-01__2026010${day}_000000`)
const [first = '', second = '', third = '', fourth = '', fifth = '', sixth = ''] = runIds

/** What the state knows of runs: nothing but that they have ended. */
const book: RunBook = {
  before: () => null,
  isRolledBack: () => false,
  runState: () => ({ isRunning: false, endedAt: null }),
  wasPublished: () => false,
  isHistoryRunning: () => false,
  runOfMonth: () => null,
  exclusively: (work) => work(),
  oldLogs: () => [],
  removeLogs: () => false,
}

function historyOf(registered: readonly string[], measured: readonly string[] = registered): HistoryNeeds {
  return { registered: new Set(registered), measured: new Set(measured), isCurrent: () => true }
}

const keep: Keep = {
  newest: 1,
  published: null,
  measured: false,
  stagingMs: 0,
  now: new Date(Date.now() + 3_600_000),
  history: historyOf([]),
  book,
}

function garbageOf(made: LakeLab, more: Partial<Keep> = {}): readonly Garbage[] {
  return findGarbage(made.lakeDir, { ...keep, ...more }).garbage
}

function found(made: LakeLab, more: Partial<Keep> = {}): readonly string[] {
  return garbageOf(made, more).map(({ kind, name }) => `${kind} ${name}`)
}

function promote(made: LakeLab, runId: string): void {
  promoteRun({ lakeDir: made.lakeDir, ledger: made.ledger(), runId, who: 'me', reason: 'test', now: () => new Date() })
}

test('active, prev links, the history, running runs and the newest snapshots stay', async () => {
  using made = new LakeLab()
  await made.seal(...runIds)
  promote(made, second)
  promote(made, fourth)
  assert.deepEqual(found(made), [`snapshot ${fifth}`, `snapshot ${third}`, `snapshot ${first}`])
  assert.deepEqual(found(made, { newest: 2, history: historyOf([first]) }), [`snapshot ${third}`])
  const isRunning = (runId: string) => ({ isRunning: runId === third, endedAt: null })
  assert.deepEqual(found(made, { book: { ...book, runState: isRunning } }), [`snapshot ${fifth}`, `snapshot ${first}`])
  for (const garbage of garbageOf(made)) assert.equal(removeGarbage(made.lakeDir, garbage, keep), true)
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')).toSorted(), [second, fourth, sixth])
})

test('staging goes once its run has ended long enough ago, and what an interrupted deletion left goes too', async () => {
  using made = new LakeLab()
  await made.seal(first)
  made.stage(second)
  mkdirSync(join(made.lakeDir, '_runs', '.trash-old', 'x'), { recursive: true })
  const running = { book: { ...book, runState: () => ({ isRunning: true, endedAt: null }) } }
  assert.deepEqual(found(made, running), ['trash .trash-old'])
  assert.deepEqual(found(made, { stagingMs: 86_400_000 }), ['trash .trash-old'])
  assert.deepEqual(found(made, { book: { ...book, runState: () => null } }), ['trash .trash-old', `staging .staging-${second}`])
  for (const garbage of garbageOf(made)) removeGarbage(made.lakeDir, garbage, keep)
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')), [first])
})

test('a snapshot that was published since it was found is not removed', async () => {
  using made = new LakeLab()
  await made.seal(first, second)
  const [garbage] = garbageOf(made)
  promote(made, first)
  assert.ok(garbage !== undefined)
  assert.deepEqual([garbage.name, removeGarbage(made.lakeDir, garbage, keep)], [first, false])
  assert.equal(resolveActive(made.lakeDir)?.runId, first)
})

test('what has come to be needed since it was found stays: the history has changed, or a newer snapshot has gone', async () => {
  using made = new LakeLab()
  await made.seal(first, second, third)
  const [garbage] = garbageOf(made, { newest: 2 })
  assert.ok(garbage !== undefined)
  assert.deepEqual([garbage.name, garbage.newer], [first, [third, second]])
  assert.equal(removeGarbage(made.lakeDir, garbage, { ...keep, history: { ...historyOf([]), isCurrent: () => false } }), false)
  assert.equal(removeGarbage(made.lakeDir, garbage, { ...keep, history: historyOf([first]) }), false)
  rmSync(join(made.lakeDir, '_runs', second), { recursive: true })
  assert.equal(removeGarbage(made.lakeDir, garbage, keep), false)
  assert.ok(existsSync(garbage.path))
})

test('a thing that has gone by itself is no error, and says nothing of the others', async () => {
  using made = new LakeLab()
  await made.seal(first, second)
  made.stage(third)
  const [snapshot, staging] = garbageOf(made)
  assert.ok(snapshot !== undefined && staging !== undefined)
  rmSync(staging.path, { recursive: true })
  assert.deepEqual([removeGarbage(made.lakeDir, staging, keep), removeGarbage(made.lakeDir, snapshot, keep)], [false, true])
})

test('staging that another state is writing to stays, and one that changes while it is looked at is no error', async () => {
  using made = new LakeLab()
  const staging = made.stage(first)
  const long = new Date('2020-01-01T00:00:00Z')
  for (const directory of [staging, join(staging, 'albums')]) utimesSync(directory, long, long)
  const day = { stagingMs: 86_400_000, now: new Date(), book: { ...book, runState: () => null } }
  assert.deepEqual(found(made, day), [])
  const writer = spawn(process.execPath, ['-e', churning, join(staging, 'x')])
  try {
    for (let left = 500; left > 0; left -= 1) assert.equal(found(made, { book: { ...book, runState: () => null } }).length, 1)
  } finally {
    writer.kill()
    await once(writer, 'exit')
  }
})

/** Makes and removes a directory, again and again. */
const churning = `const fs = require('node:fs'); const [, top] = process.argv
for (;;) { fs.mkdirSync(top + '/y', { recursive: true }); fs.writeFileSync(top + '/y/z', ''); fs.rmSync(top, { recursive: true }) }`

test('two collections at once remove everything once, and neither fails', { timeout: 60_000 }, async () => {
  using made = new LakeLab()
  const many = Array.from({ length: 12 }, (_, index) => `2026-01__20260101_0000${String(index + 10)}`)
  await made.seal(...many)
  for (const runId of many) made.store().change.endAttempt({ runId, attempt: 1 }, 'success', null)
  const env = { DAG_STATE: made.stateDir, DISCOGS_DATA_LAKE: made.lakeDir }
  const both = await Promise.all([1, 2].map(() => dag(['gc', '--keep', '1', '--yes', '--json'], env)))
  assert.deepEqual(
    both.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  )
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')), many.slice(-1))
  const snapshots = both.flatMap(({ stdout }) => z.object({ removed: z.array(z.string()) }).parse(JSON.parse(stdout)).removed)
  assert.deepEqual(
    snapshots.filter((path) => !path.includes('.trash-')).toSorted(),
    many.slice(0, -1).map((runId) => join(made.lakeDir, '_runs', runId)),
  )
})

test('in a race with promotions a reader always finds a whole snapshot behind the pointer', { timeout: 60_000 }, async () => {
  using made = new LakeLab()
  const many = Array.from({ length: 25 }, (_, index) => `2026-01__20260101_0000${String(index + 10)}`)
  await made.seal(...many)
  promote(made, many[0] ?? '')
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'promote-child.ts'), made.lakeDir, made.stateDir, many.slice(1).join(',')],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const ended = once(child, 'exit')
  let removed = 0
  while (child.exitCode === null && removed < many.length) {
    const garbage = garbageOf(made)[0]
    if (garbage !== undefined && removeGarbage(made.lakeDir, garbage, keep)) removed += 1
    const active = resolveActive(made.lakeDir)
    assert.equal(readManifest(active?.dir ?? '').datasets.length, 2)
    await sleep(40)
    if (garbage === undefined) break
  }
  await ended
  const active = resolveActive(made.lakeDir)
  assert.ok(active !== null && existsSync(active.dir) && removed > 0, `${removed} removed`)
})

test('dag gc says what would go, and removes it only when told to; a history that cannot be read stops it', async () => {
  using made = new LakeLab()
  await made.seal(first, second)
  for (const runId of [first, second]) made.store().change.endAttempt({ runId, attempt: 1 }, 'success', null)
  const env = { DAG_STATE: made.stateDir, DISCOGS_DATA_LAKE: made.lakeDir }
  const dry = await dag(['gc', '--keep', '1'], env)
  assert.deepEqual([dry.code, existsSync(join(made.lakeDir, '_runs', first))], [0, true], dry.stderr)
  assert.match(dry.stdout, /could go: the same command with --yes removes it/)
  const done = await dag(['gc', '--keep', '1', '--yes', '--json'], env)
  assert.deepEqual(JSON.parse(done.stdout).removed, [join(made.lakeDir, '_runs', first)])
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')), [second])
  const registry = join(made.lakeDir, '_meta/discogs_history/run_registry_events')
  mkdirSync(registry, { recursive: true })
  writeFileSync(join(registry, 'event.parquet'), 'garbage')
  const stopped = await dag(['gc', '--yes'], env)
  assert.deepEqual([stopped.code, /nothing is removed/.test(stopped.stderr)], [1, true])
})
