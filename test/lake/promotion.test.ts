import assert from 'node:assert/strict'
import BetterSqlite3 from 'better-sqlite3'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataFileName, runDir } from '../../src/lake/layout.ts'
import { resolveActive } from '../../src/lake/pointer.ts'
import {
  failureSteps,
  type MoveRequest,
  type PromotionOutcome,
  type PromotionStep,
  promoteRun,
  promotionSteps,
  rollback,
} from '../../src/lake/promotion.ts'
import { recoverPromotions } from '../../src/lake/promotion-recovery.ts'
import { runChild, startChild } from './child.ts'
import { LakeLab, target } from './lake-lab.ts'

const now = () => new Date('2026-02-03T04:05:06.789Z')
const prev = 'active__prev_20260203_040506789'

function request(lab: LakeLab, more: Partial<MoveRequest> = {}): MoveRequest {
  return { lakeDir: lab.lakeDir, ledger: lab.ledger(), who: 'me@here', reason: 'test', now, ...more }
}

function promote(lab: LakeLab, runId: string, more: Partial<MoveRequest> = {}): PromotionOutcome {
  return promoteRun({ ...request(lab, more), runId })
}

/** Kind, runs and state of all promotions, oldest first. */
function audit(lab: LakeLab, stateDir = lab.stateDir): string[] {
  const promotions = lab.store(stateDir).promotions().toReversed()
  return promotions.map(({ kind, fromRunId, toRunId, state }) => `${kind} ${fromRunId} ${toRunId} ${state}`)
}

/** The published run, read through `active` as a consumer does. */
function published(lab: LakeLab): string | null {
  const active = resolveActive(lab.lakeDir)
  if (active === null) return null
  const path = join(lab.lakeDir, 'active/songs', dataFileName(active.runId, 0))
  assert.equal(readFileSync(path, 'utf8'), `PAR1 ${active.runId} songs PAR1`)
  return active.runId
}

test('promoting moves the pointer, keeps the old run under a link named after the time, and is audited', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2', 'r3')
  assert.deepEqual(promote(lab, 'r1'), {
    moved: true,
    fromRunId: null,
    toRunId: 'r1',
    prevLink: null,
    heldBack: null,
    note: 'active moved to r1',
    recovered: [],
  })
  assert.deepEqual(lab.links(), { active: target('r1') })
  assert.deepEqual(promote(lab, 'r2'), {
    moved: true,
    fromRunId: 'r1',
    toRunId: 'r2',
    prevLink: prev,
    heldBack: null,
    note: 'active moved from r1 to r2',
    recovered: [],
  })
  promote(lab, 'r3')
  assert.deepEqual(lab.links(), { active: target('r3'), [prev]: target('r1'), [`${prev}_2`]: target('r2') })
  const trail = lab.store().promotions().toReversed()
  assert.deepEqual(
    trail.map(({ kind, state, fromRunId, toRunId, prevLink, who, reason, verdict }) => [
      kind,
      state,
      fromRunId,
      toRunId,
      prevLink,
      who,
      reason,
      verdict,
    ]),
    [
      ['promote', 'done', null, 'r1', null, 'me@here', 'test', '0 checks, 0 critical, 0 warnings'],
      ['promote', 'done', 'r1', 'r2', prev, 'me@here', 'test', '0 checks, 0 critical, 0 warnings'],
      ['promote', 'done', 'r2', 'r3', `${prev}_2`, 'me@here', 'test', '0 checks, 0 critical, 0 warnings'],
    ],
  )
})

test('promoting the run that is active already says so and changes nothing', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  promote(lab, 'r1')
  assert.deepEqual(promote(lab, 'r1'), {
    moved: false,
    fromRunId: 'r1',
    toRunId: 'r1',
    prevLink: null,
    heldBack: null,
    note: 'run r1 is active already',
    recovered: [],
  })
  assert.deepEqual([lab.links(), audit(lab)], [{ active: target('r1') }, ['promote null r1 done']])
})

test('a run that is not sealed, not whole or of another id is not promoted', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2', 'r3', 'r4')
  promote(lab, 'r1')
  lab.stage('r9')
  assert.throws(() => promote(lab, 'r9'), {
    exitCode: 4,
    message: `${runDir(lab.lakeDir, 'r9')} is no sealed run: it has no manifest`,
  })
  const file = join(runDir(lab.lakeDir, 'r2'), 'songs', dataFileName('r2', 0))
  chmodSync(file, 0o644)
  writeFileSync(file, 'short')
  assert.throws(
    () => promote(lab, 'r2'),
    /r2 is not what its manifest says:\n {2}changed songs\/r2-00000.parquet \(18 bytes expected, 5 found\)$/,
  )
  chmodSync(runDir(lab.lakeDir, 'r3'), 0o755)
  chmodSync(join(runDir(lab.lakeDir, 'r3'), 'songs'), 0o755)
  rmSync(join(runDir(lab.lakeDir, 'r3'), 'songs'), { recursive: true })
  assert.throws(() => promote(lab, 'r3'), /is not what its manifest says:\n {2}missing songs\/r3-00000.parquet$/)
  const manifest = join(runDir(lab.lakeDir, 'r4'), '_manifest.json')
  chmodSync(manifest, 0o644)
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"run_id": "r4"', '"run_id": "r5"'))
  assert.throws(() => promote(lab, 'r4'), /run r4: the manifest in .* is of run r5/)
  writeFileSync(manifest, '{')
  assert.throws(() => promote(lab, 'r4'), /the manifest .*r4\/_manifest.json cannot be read: /)
  assert.deepEqual([lab.links(), audit(lab)], [{ active: target('r1') }, ['promote null r1 done']])
})

test('a closed gate moves nothing', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  promote(lab, 'r1')
  lab.store().change.endAttempt({ runId: 'r2', attempt: 1 }, 'failed', 'test')
  lab.store().change.createAttempt({ ...lab.planned('r2'), carried: [] }, lab.store().run('r2'))
  assert.throws(() => promote(lab, 'r2'), { retryable: false, message: 'the gate of run r2 is closed: sure is waiting' })
  assert.deepEqual([lab.links(), audit(lab)], [{ active: target('r1') }, ['promote null r1 done']])
})

for (const step of promotionSteps) {
  test(`an error ${step} of a promotion leaves the pointer where it was`, async () => {
    using lab = new LakeLab()
    await lab.seal('r1', 'r2')
    const reached = (name: PromotionStep): void => {
      if (name === step) throw new Error('disk full')
    }
    assert.throws(() => promote(lab, 'r1', { reached }), /disk full/)
    assert.deepEqual(lab.links(), {})
    promote(lab, 'r1')
    assert.throws(() => promote(lab, 'r2', { reached }), /disk full/)
    assert.deepEqual(lab.links(), { active: target('r1') })
    assert.equal(promote(lab, 'r2').moved, true)
    assert.deepEqual(lab.links(), { active: target('r2'), [prev]: target('r1') })
    assert.deepEqual(lab.store().begunPromotions(), [])
  })

  test(`a promotion killed ${step} is finished or undone by the next command, and active is valid throughout`, async () => {
    using lab = new LakeLab()
    await lab.seal('r1', 'r2', 'r3')
    promote(lab, 'r1')
    const ended = await runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'r2', step, 'kill'])
    assert.deepEqual([ended.signal, ended.stderr], ['SIGKILL', ''])
    const moved = step === 'after-swap' || step === 'before-record'
    assert.equal(published(lab), moved ? 'r2' : 'r1')
    const outcome = moved ? 'done' : 'undone'
    const settled = recoverPromotions(lab.lakeDir, lab.ledger())
    assert.deepEqual(
      settled.map(({ outcome }) => outcome),
      step === 'before-intent' ? [] : [outcome],
    )
    assert.deepEqual(recoverPromotions(lab.lakeDir, lab.ledger()), [])
    assert.equal(published(lab), moved ? 'r2' : 'r1')
    const trail = step === 'before-intent' ? ['promote null r1 done'] : ['promote null r1 done', `promote r1 r2 ${outcome}`]
    assert.deepEqual(audit(lab), trail)
    assert.deepEqual(Object.values(lab.links()), moved ? [target('r2'), target('r1')] : [target('r1')])
    assert.equal(promote(lab, 'r3').fromRunId, moved ? 'r2' : 'r1')
    assert.equal(published(lab), 'r3')
  })

  test(`a first promotion killed ${step} leaves no pointer or a valid one, and the next promotion settles it`, async () => {
    using lab = new LakeLab()
    await lab.seal('r1', 'r2')
    const ended = await runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'r1', step, 'kill'])
    assert.equal(ended.signal, 'SIGKILL')
    const moved = step === 'after-swap' || step === 'before-record'
    assert.equal(published(lab), moved ? 'r1' : null)
    const { fromRunId, recovered } = promote(lab, 'r2')
    assert.deepEqual(
      [fromRunId, recovered.map(({ outcome }) => outcome)],
      [moved ? 'r1' : null, step === 'before-intent' ? [] : [moved ? 'done' : 'undone']],
    )
    assert.deepEqual(lab.links(), moved ? { active: target('r2'), [prev]: target('r1') } : { active: target('r2') })
  })
}

for (const step of failureSteps) {
  test(`a failing promotion killed ${step} is settled by what the links say`, async () => {
    using lab = new LakeLab()
    await lab.seal('r1', 'r2')
    promote(lab, 'r1')
    const faults = ['before-record', 'fail', step, 'kill']
    const ended = await runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'r2', ...faults])
    assert.deepEqual([ended.signal, ended.stderr], ['SIGKILL', ''])
    const isBack = step === 'after-put-back'
    assert.equal(published(lab), isBack ? 'r1' : 'r2')
    // No outcome is on record that the links do not have.
    assert.deepEqual(audit(lab).at(-1), 'promote r1 r2 begun')
    const [settled] = recoverPromotions(lab.lakeDir, lab.ledger())
    assert.equal(settled?.outcome, isBack ? 'undone' : 'done')
    assert.equal(published(lab), isBack ? 'r1' : 'r2')
    assert.deepEqual(lab.links(), isBack ? { active: target('r1') } : { ...lab.links(), active: target('r2') })
  })
}

test('a promotion whose outcome cannot be recorded is put back, and settled once the state can be written', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  promote(lab, 'r1')
  const state = new BetterSqlite3(join(lab.stateDir, 'scheduler.db'))
  state.exec("create trigger full before update on promotion begin select raise(abort, 'disk full'); end")
  assert.throws(() => promote(lab, 'r2'), {
    message: 'disk full; nothing has moved, but that could not be recorded: disk full',
    hint: /settles the promotion$/,
  })
  assert.deepEqual([lab.links(), audit(lab)], [{ active: target('r1') }, ['promote null r1 done', 'promote r1 r2 begun']])
  state.exec('drop trigger full')
  state.close()
  assert.equal(promote(lab, 'r2').recovered[0]?.outcome, 'undone')
  assert.deepEqual(audit(lab), ['promote null r1 done', 'promote r1 r2 undone', 'promote r1 r2 done'])
})

test('a promotion that can neither be recorded nor put back is settled as done', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  promote(lab, 'r1')
  const reached = (step: PromotionStep): void => {
    if (step !== 'before-record') return
    // rename(2) replaces no directory by a link.
    rmSync(join(lab.lakeDir, 'active'))
    mkdirSync(join(lab.lakeDir, 'active'))
    throw new Error('disk full')
  }
  assert.throws(() => promote(lab, 'r2', { reached }), /^PipelineError: disk full; putting active back to r1 failed too: /)
  rmdirSync(join(lab.lakeDir, 'active'))
  symlinkSync(target('r2'), join(lab.lakeDir, 'active'))
  assert.equal(recoverPromotions(lab.lakeDir, lab.ledger())[0]?.outcome, 'done')
  assert.deepEqual(audit(lab), ['promote null r1 done', 'promote r1 r2 done'])
})

const months = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05', '2026-06'].map((month) => `${month}__x`)

test('a month older than the published one is held back until it is asked for; a rollback is free', async () => {
  using lab = new LakeLab()
  const [january = '', february = '', march = ''] = months
  await lab.seal(january, february, march, '2026-03__again', 'unnamed')
  promote(lab, march)
  const heldBack = `its month 2026-02 is older than 2026-03, the month of the published run ${march}`
  assert.deepEqual(promote(lab, february), {
    moved: false,
    fromRunId: march,
    toRunId: march,
    prevLink: null,
    heldBack,
    note: `run ${february} was not published: ${heldBack}`,
    recovered: [],
  })
  assert.deepEqual([lab.links(), audit(lab)], [{ active: target(march) }, [`promote null ${march} done`]])
  assert.equal(promote(lab, '2026-03__again').moved, true)
  assert.equal(promoteRun({ ...request(lab), runId: february, allowOlder: true }).moved, true)
  assert.equal(rollback({ ...request(lab), to: january }).moved, true)
  assert.equal(promote(lab, february).moved, true)
})

test('a real month replaces a generated one of any month, and is not replaced by it', async () => {
  using lab = new LakeLab()
  await lab.seal('2099-01__x', '2026-03__x', '2099-02__x')
  promote(lab, '2099-01__x')
  assert.equal(promote(lab, '2026-03__x').moved, true)
  const heldBack = 'its dumps were generated, and the published run 2026-03__x is of real ones'
  assert.equal(promote(lab, '2099-02__x').heldBack, heldBack)
})

test('of months that are promoted at once, in any order, the newest ends published', async () => {
  using lab = new LakeLab()
  await lab.seal(...months)
  const other = join(lab.dir, 'other')
  for (const runId of months) lab.pass(runId, other)
  const [falling, mixed] = [months.toReversed(), [3, 1, 5, 0, 4, 2].flatMap((index) => months[index] ?? [])]
  const ended = await Promise.all([
    runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, falling.join(',')]),
    runChild('promote-child.ts', [lab.lakeDir, other, mixed.join(',')]),
  ])
  assert.deepEqual(
    ended.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  )
  assert.equal(published(lab), months.at(-1))
  const moved = [lab.stateDir, other].flatMap((state) => lab.store(state).promotions())
  assert.ok(moved.every(({ fromRunId, toRunId }) => (fromRunId ?? '') < toRunId))
})

test('a killed rollback is settled like a promotion', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  promote(lab, 'r1')
  promote(lab, 'r2')
  await runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'rollback', 'after-prev', 'kill'])
  assert.equal(published(lab), 'r2')
  assert.equal(recoverPromotions(lab.lakeDir, lab.ledger())[0]?.outcome, 'undone')
  await runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'rollback', 'after-swap', 'kill'])
  assert.equal(published(lab), 'r1')
  assert.equal(recoverPromotions(lab.lakeDir, lab.ledger())[0]?.outcome, 'done')
  assert.deepEqual(audit(lab).slice(2), ['rollback r2 r1 undone', 'rollback r2 r1 done'])
})

test('a promotion that was interrupted and then replaced through another state directory counts as done', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2', 'r3')
  promote(lab, 'r1')
  await runChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'r2', 'after-swap', 'kill'])
  const other = join(lab.dir, 'other')
  lab.pass('r3', other)
  promote(lab, 'r3', { ledger: lab.ledger(other), now: () => new Date('2100-01-01') })
  const [settled] = recoverPromotions(lab.lakeDir, lab.ledger())
  assert.deepEqual([settled?.outcome, settled?.note], ['done', 'interrupted after the move; active is r3'])
  assert.deepEqual(Object.values(lab.links()), [target('r3'), target('r1'), target('r2')])
})

test('links that a killed process was making are removed by the next command', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  promote(lab, 'r1')
  symlinkSync(target('r2'), join(lab.lakeDir, '.active-1-1'))
  recoverPromotions(lab.lakeDir, lab.ledger())
  assert.deepEqual(lab.links(), { active: target('r1') })
  symlinkSync(target('r1'), join(lab.lakeDir, `.active-${process.pid}-1`))
  promote(lab, 'r2')
  assert.deepEqual(lab.links(), { active: target('r2'), [prev]: target('r1') })
})

test('recovery without anything to do writes nothing into the lake', () => {
  using lab = new LakeLab()
  assert.deepEqual(recoverPromotions(lab.lakeDir, lab.ledger()), [])
  assert.equal(existsSync(join(lab.lakeDir, '_meta')), false)
})

test('a rollback goes to the run that was active before, as often as there is one', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2', 'r3')
  for (const runId of ['r1', 'r2', 'r3']) promote(lab, runId)
  assert.deepEqual([rollback(request(lab)).toRunId, rollback(request(lab)).toRunId, published(lab)], ['r2', 'r1', 'r1'])
  assert.equal(rollback({ ...request(lab), to: 'r3' }).note, 'active moved from r1 to r3')
  assert.equal(rollback({ ...request(lab), onlyFrom: 'r1' }).moved, false)
  assert.deepEqual(audit(lab).slice(3), ['rollback r3 r2 done', 'rollback r2 r1 done', 'rollback r1 r3 done'])
})

test('without a ledger that knows, a rollback goes to the newest link that keeps another sealed run', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2', 'r3')
  for (const runId of ['r1', 'r2', 'r3']) promote(lab, runId)
  symlinkSync(target('gone'), join(lab.lakeDir, `${prev}_11`))
  symlinkSync('/elsewhere', join(lab.lakeDir, `${prev}_12`))
  writeFileSync(join(lab.lakeDir, `${prev}_13`), 'no link')
  assert.equal(rollback(request(lab, { ledger: lab.ledger(join(lab.dir, 'lost')) })).toRunId, 'r2')
})

test('a rollback with nothing to go back to says so', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  assert.throws(() => rollback(request(lab)), { exitCode: 4, message: /nothing was published yet$/ })
  promote(lab, 'r1')
  assert.throws(() => rollback(request(lab)), { exitCode: 4, message: /there is no snapshot before r1$/ })
  assert.throws(() => rollback({ ...request(lab), to: 'r7' }), { exitCode: 4, message: /r7 is no sealed run/ })
})

test('a promotion that points at a run that is gone can be replaced', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  symlinkSync(target('gone'), join(lab.lakeDir, 'active'))
  assert.throws(() => resolveActive(lab.lakeDir), /active points at _runs\/gone, which does not exist$/)
  promote(lab, 'r1')
  assert.equal(published(lab), 'r1')
})

test('while one process promotes, another one waits, and is refused when it takes too long', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  const other = join(lab.dir, 'other')
  lab.pass('r2', other)
  const holder = startChild('promote-child.ts', [lab.lakeDir, lab.stateDir, 'r1', 'after-prev', 'hold'])
  await holder.spoke
  const second = { ledger: lab.ledger(other), timeoutMs: 50 }
  assert.throws(() => promote(lab, 'r2', second), { exitCode: 5, message: /another promotion is running: .* for 50 ms$/ })
  holder.kill()
  await holder.ended
  assert.equal(promote(lab, 'r2', second).moved, true)
})

test('two processes that promote at once, each with a state of its own, take turns', async () => {
  using lab = new LakeLab()
  await lab.seal('r1', 'r2')
  const other = join(lab.dir, 'other')
  for (const runId of ['r1', 'r2']) lab.pass(runId, other)
  const turns = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'r1' : 'r2')).join(',')
  const ended = await Promise.all([lab.stateDir, other].map((state) => runChild('promote-child.ts', [lab.lakeDir, state, turns])))
  assert.deepEqual(
    ended.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  )
  const moves = ended.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line.startsWith('active moved')).length
  const recorded = [lab.stateDir, other].flatMap((state) => audit(lab, state))
  assert.equal(recorded.length, moves)
  assert.ok(recorded.every((line) => line.endsWith(' done')))
  // Each move but the first keeps the run it replaced.
  assert.equal(Object.keys(lab.links()).length, moves)
  assert.ok(['r1', 'r2'].includes(published(lab) ?? ''))
})

test('a lake that may not be written or does not exist is refused in plain words', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  const nobody = 65_534
  const isRoot = process.getuid?.() === 0
  chmodSync(lab.dir, 0o777)
  chmodSync(lab.lakeDir, 0o555)
  const ended = await runChild('promote-child.ts', [lab.lakeDir, join(lab.dir, 'theirs'), 'r1'], isRoot ? nobody : undefined)
  assert.deepEqual([ended.code, ended.stdout], [1, ''])
  assert.match(ended.stderr, /^the lake .*lake cannot be written: EACCES: permission denied/)
  assert.throws(() => promote(lab, 'r1', { lakeDir: '/nowhere' }), { exitCode: 4, message: 'there is no lake at /nowhere' })
})
