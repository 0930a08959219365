import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { readManifest } from '../../src/lake/manifest.ts'
import { resolveActive } from '../../src/lake/pointer.ts'
import { promoteRun } from '../../src/lake/promotion.ts'
import { findGarbage, type Keep, removeGarbage } from '../../src/lake/retention.ts'
import { dag } from '../cli/support.ts'
import { LakeLab } from './lake-lab.ts'

const runIds = ['1', '2', '3', '4', '5', '6'].map((day) => `2026-01__2026010${day}_000000`)
const [first = '', second = '', third = '', fourth = '', fifth = '', sixth = ''] = runIds

const keep: Keep = {
  newest: 1,
  stagingMs: 0,
  now: new Date(Date.now() + 3_600_000),
  history: new Set(),
  runState: () => ({ isRunning: false, endedAt: null }),
  exclusively: (work) => work(),
}

function found(made: LakeLab, more: Partial<Keep> = {}): readonly string[] {
  return findGarbage(made.lakeDir, { ...keep, ...more }).map(({ kind, name }) => `${kind} ${name}`)
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
  assert.deepEqual(found(made, { newest: 2, history: new Set([first]) }), [`snapshot ${third}`])
  const isRunning = (runId: string) => ({ isRunning: runId === third, endedAt: null })
  assert.deepEqual(found(made, { runState: isRunning }), [`snapshot ${fifth}`, `snapshot ${first}`])
  for (const garbage of findGarbage(made.lakeDir, keep)) assert.equal(removeGarbage(made.lakeDir, garbage, keep), true)
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')).toSorted(), [second, fourth, sixth])
})

test('staging goes once its run has ended long enough ago, and what an interrupted deletion left goes too', async () => {
  using made = new LakeLab()
  await made.seal(first)
  made.stage(second)
  mkdirSync(join(made.lakeDir, '_runs', '.trash-old', 'x'), { recursive: true })
  const running = { runState: () => ({ isRunning: true, endedAt: null }) }
  assert.deepEqual(found(made, running), ['trash .trash-old'])
  assert.deepEqual(found(made, { stagingMs: 86_400_000 }), ['trash .trash-old'])
  assert.deepEqual(found(made, { runState: () => null }), ['trash .trash-old', `staging .staging-${second}`])
  for (const garbage of findGarbage(made.lakeDir, keep)) removeGarbage(made.lakeDir, garbage, keep)
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')), [first])
})

test('a snapshot that was published since it was found is not removed', async () => {
  using made = new LakeLab()
  await made.seal(first, second)
  const [garbage] = findGarbage(made.lakeDir, keep)
  promote(made, first)
  assert.ok(garbage !== undefined)
  assert.deepEqual([garbage.name, removeGarbage(made.lakeDir, garbage, keep)], [first, false])
  assert.equal(resolveActive(made.lakeDir)?.runId, first)
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
    const garbage = findGarbage(made.lakeDir, keep)[0]
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
  assert.match(dry.stdout, /could go: `dag gc --yes` removes it/)
  const done = await dag(['gc', '--keep', '1', '--yes', '--json'], env)
  assert.deepEqual(JSON.parse(done.stdout).removed, [join(made.lakeDir, '_runs', first)])
  assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')), [second])
  const registry = join(made.lakeDir, '_meta/discogs_history/run_registry_events')
  mkdirSync(registry, { recursive: true })
  writeFileSync(join(registry, 'event.parquet'), 'garbage')
  const stopped = await dag(['gc', '--yes'], env)
  assert.deepEqual([stopped.code, /nothing is removed/.test(stopped.stderr)], [1, true])
})
