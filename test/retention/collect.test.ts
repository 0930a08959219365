import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { appendEvents } from '../../src/history/events.ts'
import { withLock } from '../../src/download/locks.ts'
import { readManifest } from '../../src/lake/manifest.ts'
import { prevLinks, resolveActive } from '../../src/lake/pointer.ts'
import { rollback } from '../../src/lake/promotion.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { dag } from '../cli/support.ts'
import type { Collection } from '../../src/retention/collect.ts'
import { Months, runOf } from './months.ts'

const months = ['2025-10', '2025-11', '2025-12', '2026-01'] as const

function names({ garbage }: Collection): readonly string[] {
  return garbage.map(({ kind, name }) => `${kind} ${name}`)
}

function reasons({ kept }: Collection): Readonly<Record<string, string>> {
  return Object.fromEntries(kept.map(({ name, reason, option }) => [name, option === null ? reason : `${reason} (${option})`]))
}

async function published(...extra: readonly string[]): Promise<Months> {
  const made = new Months()
  for (const month of [...months, ...extra]) await made.publish(month)
  return made
}

test('published snapshots stay until --keep-published says how many months, and each says why it is kept', async () => {
  using made = await published()
  const all = await made.find({ keepPublished: null, rawMonths: null })
  assert.deepEqual(names(all), [])
  assert.deepEqual(reasons(all), {
    [runOf('2026-01')]: 'it is active',
    [runOf('2025-12')]: '`dag rollback` returns to it',
    [runOf('2025-11')]: 'it was published (--keep-published)',
    [runOf('2025-10')]: 'it was published (--keep-published)',
  })
  const three = await made.find({ keepPublished: 3 })
  assert.deepEqual(names(three), [`snapshot ${runOf('2025-10')}`])
  assert.equal(reasons(three)[runOf('2025-11')], 'the published run of 2025-11 (--keep-published)')
  assert.deepEqual((await three.remove()).length, 1)
  assert.deepEqual(
    prevLinks(made.lakeDir).map(({ runId }) => runId),
    [runOf('2025-12'), runOf('2025-11')],
    'the link of a removed snapshot goes with it',
  )
})

test('of one month the superseded runs go, and a run that a rollback discarded counts as superseded', async () => {
  using made = new Months()
  const [first, second] = [await made.publish('2025-12', '06'), await made.publish('2025-12', '07')]
  rollback({ lakeDir: made.lakeDir, ledger: made.ledger(), to: first, who: 'me', reason: 'bad', now: () => new Date() })
  await made.publish('2026-02')
  await made.publish('2026-03')
  const found = await made.find({ keepPublished: 12 })
  assert.deepEqual(names(found), [`snapshot ${second}`])
  assert.equal(found.garbage[0]?.reason, `published, superseded by ${first} of the same month`)
})

test('dumps of older months go only when a snapshot was made from these files and nothing uses them', async () => {
  using made = new Months()
  const [first, second, third] = ['2025-08', '2025-09', '2025-10']
  for (const month of [first, second, third]) await made.sealMonth(month)
  made.dumps(first, second, third, '2025-07', '2026-01')
  writeFileSync(join(made.rawDir, second, 'discogs_20250902_labels.xml.gz'), 'of a later upload')
  made.stage(runOf(third, '09'))
  const found = await made.find({ keep: 99 })
  assert.deepEqual(names(found), [`raw ${first}`])
  const why = reasons(found)
  assert.deepEqual(
    [why['2025-07'], why[second], why[third], why['2026-01']],
    [
      'no snapshot of this month is sealed',
      'no sealed snapshot was made from discogs_20250902_labels.xml.gz',
      `run ${runOf(third, '09')} is not sealed and may be resumed`,
      'one of the newest 1 months of dumps (--raw-months)',
    ],
  )
  await withLock(made.rawDir, first, { signal: new AbortController().signal }, async () => {
    assert.equal(reasons(await made.find({ keep: 99 }))[first], 'a download holds it')
    assert.deepEqual(await found.remove(), [], 'a download that began since the search')
  })
  made.store().change.createRun({
    ...made.planned('running'),
    session: 'x',
    params: { dump_month: first },
    trigger: 'manual',
    lakeDir: made.lakeDir,
    rawDir: made.rawDir,
    triggeredBy: 'me',
  })
  assert.equal(reasons(await made.find({ keep: 99 }))[first], 'run running reads it')
  made.end('running')
  assert.deepEqual(await found.remove(), [join(made.rawDir, first)])
  assert.deepEqual(readdirSync(made.rawDir).toSorted(), ['.locks', '2025-07', second, third, '2026-01'])
})

test('files that no download put into a month keep it', async () => {
  using made = await published()
  made.dumps('2025-11', '2025-12', '2026-01')
  writeFileSync(join(made.rawDir, '2025-11', 'notes.txt'), 'mine')
  writeFileSync(join(made.rawDir, '2025-12', 'discogs_20251201_labels.xml.gz.part'), 'x')
  const why = reasons(await made.find())
  assert.match(why['2025-11'] ?? '', /it holds notes\.txt/)
  assert.match(why['2025-12'] ?? '', /unfinished download discogs_20251201_labels\.xml\.gz\.part/)
})

for (const step of ['before-links', 'after-links', 'after-move'] as const) {
  test(`killed ${step}: every link leads to a whole snapshot, and the next collection finishes`, async () => {
    using made = await published()
    const child = join(import.meta.dirname, 'collect-child.ts')
    const { signal } = spawnSync(process.execPath, [child, made.lakeDir, made.rawDir, made.stateDir, step])
    assert.equal(signal, 'SIGKILL')
    const active = resolveActive(made.lakeDir)
    for (const runId of [active?.runId ?? '', ...prevLinks(made.lakeDir).map((link) => link.runId)])
      assert.equal(readManifest(join(made.lakeDir, '_runs', runId)).datasets.length, 2)
    await (await made.find()).remove()
    assert.deepEqual(readdirSync(join(made.lakeDir, '_runs')).toSorted(), [runOf('2025-12'), runOf('2026-01')])
    assert.deepEqual(
      prevLinks(made.lakeDir).map(({ runId }) => runId),
      [runOf('2025-12')],
    )
  })
}

test('killed while dumps are deleted: the rest of the month is removed next time', async () => {
  using made = new Months()
  for (const month of ['2025-12', '2026-01']) await made.sealMonth(month)
  made.dumps('2025-12', '2026-01')
  const child = join(import.meta.dirname, 'collect-child.ts')
  const { signal } = spawnSync(process.execPath, [child, made.lakeDir, made.rawDir, made.stateDir, 'after-move'])
  assert.equal(signal, 'SIGKILL')
  assert.deepEqual(readdirSync(made.rawDir).toSorted(), ['.locks', '.trash-2025-12', '2026-01'])
  await (await made.find()).remove()
  assert.deepEqual(readdirSync(made.rawDir).toSorted(), ['.locks', '2026-01'])
})

test('the history keeps snapshots until it has measured them, and unpublished ones until --measured', async () => {
  using made = await published()
  const dev = await made.sealMonth('2025-09')
  await register(made, [...months.map((month) => runOf(month)), dev], [runOf('2025-11'), dev])
  const found = await made.find()
  assert.deepEqual(names(found), [`snapshot ${runOf('2025-11')}`])
  const why = reasons(found)
  assert.equal(why[runOf('2025-10')], 'the history has not measured it yet (dag trigger history)')
  assert.equal(why[dev], 'the history has registered it (--measured)')
  assert.deepEqual(names(await made.find({ measured: true, keepPublished: null })), [`snapshot ${dev}`])
})

/** What a history run records of these snapshots. */
async function register(made: Months, registered: readonly string[], measured: readonly string[]): Promise<void> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  const event = (runId: string) => ({
    recorded_at: '2026-02-01T00:00:00.000Z',
    history_run_id: 'history__1',
    run_id: runId,
    dump_month: runId.slice(0, 7),
    manifest_sha256: 'ab',
  })
  const found = {
    session: '',
    state: 'registered',
    reason: null,
    row_count: 1,
    byte_count: 1,
    checks_passed: 1,
    checks_warned: 0,
    origin: 'real',
  }
  const rows = registered.map((runId) => ({ ...event(runId), ...found }))
  await appendEvents(engine, made.lakeDir, 'run_registry_events', { name: 'a', rows })
  const kpis = measured.map((runId) => ({ ...event(runId), measured_by: 'x', kpi: 'rows', member: null, value: 1 }))
  await appendEvents(engine, made.lakeDir, 'kpi_snapshot_events', { name: 'a', rows: kpis })
}

test('dag gc names the option that frees more; the gc dag lists unless told to remove', { timeout: 60_000 }, async () => {
  using made = await published()
  const env = { DAG_STATE: made.stateDir, DISCOGS_DATA_LAKE: made.lakeDir, DISCOGS_RAW: made.rawDir }
  const { stdout } = await dag(['gc', '--keep', '1'], env)
  assert.match(
    stdout,
    /nothing to remove\n2 snapshots kept: --keep-published <months> removes published snapshots of older months/,
  )
  const trigger = (minute: string, ...params: readonly string[]) =>
    dag(
      ['trigger', 'gc', '--session', `2026-04-21 06:${minute}:00`, '--param', 'keep=1', '--param', 'keep_published=2', ...params],
      env,
    )
  const listed = await trigger('00')
  const oldest = join(made.lakeDir, '_runs', runOf('2025-10'))
  assert.deepEqual([listed.code, existsSync(oldest)], [0, true], listed.stdout + listed.stderr)
  const removed = await trigger('01', '--param', 'remove=true')
  assert.deepEqual([removed.code, existsSync(oldest)], [0, false], removed.stdout + removed.stderr)
})
