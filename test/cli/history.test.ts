/** The history beside everything else that moves in a lake: promotions, `dag gc`, kills; and over many months. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateDumps } from '../../src/demo/generate.ts'
import { hasCode } from '../../src/errors.ts'
import { registerEvents } from '../../src/history/event-views.ts'
import { latestGrowth } from '../../src/history/growth.ts'
import { measureKpis } from '../../src/history/kpis.ts'
import { latestKpis } from '../../src/history/measured.ts'
import { historyDir, historyReportsDir } from '../../src/history/places.ts'
import type { RegisteredRun } from '../../src/history/records.ts'
import { registeredRuns } from '../../src/history/registry.ts'
import { showSnapshot } from '../../src/history/snapshot-tables.ts'
import { livingMembers } from '../../src/process-identity.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { randomFrom } from '../support/chaos.ts'
import { copyRun, hollowOut, monthsBefore } from '../support/copy-run.ts'
import { removeLake } from '../support/remove-lake.ts'
import { dag, eventually, outcomeOf, Place, releases, startDag } from './support.ts'

/** Two months of the main pipeline: in the second one ten releases are new, each tenth has changed, and each twentieth is gone. */
const months = ['2026-03', '2026-04'] as const
const sources = months.map((month) => `${month}__${month.replace('-', '')}20_060000`)
const place = new Place()
/** `<kpi> <member>: <value>` of both, as they are measured when nothing else goes on. */
const expected: (readonly string[])[] = []

before(async () => {
  for (const [index, month] of months.entries())
    await generateDumps({
      directory: join(place.rawDir, month),
      month,
      releases: releases + 10 * index,
      revision: (_, record) => (index === 1 && record % 10 === 0 ? 1 : 0),
      isGone: (dump, record) => index === 1 && dump === 'releases' && record % 20 === 0,
    })
  const publishing = ['--param', 'run_mode=prod', '--param', 'allow_promote=true']
  const { code, stdout } = await place.dag('backfill', 'main', '--from', months[0], '--to', months[1], ...publishing)
  assert.equal(code, 0, stdout)
  for (const runId of sources) expected.push(await kpisOf(place.runDir(runId)))
})
after(() => place[Symbol.dispose]())

async function kpisOf(directory: string): Promise<readonly string[]> {
  await using engine = await DuckDbEngine.open()
  const lacks = await showSnapshot(engine, directory)
  return (await measureKpis(engine, { lacks })).map(lineOf)
}

function lineOf({ kpi, member, value }: { kpi: string; member: string | null; value: bigint | null }): string {
  return `${kpi} ${member}: ${value}`
}

let lakes = 0

/** A lake with copies of the two months in turns, up to the month before them. */
class Lake implements Disposable {
  readonly lakeDir: string
  readonly stateDir: string
  readonly env: Readonly<Record<string, string>>
  #sessions = 0

  /** By default one of its own. */
  constructor(dir = join(place.dir, `history-${lakes++}`)) {
    this.lakeDir = join(dir, 'lake')
    this.stateDir = join(dir, 'state')
    this.env = { ...place.env, DISCOGS_DATA_LAKE: this.lakeDir, DAG_STATE: this.stateDir }
  }

  /** The one that is `ago` months older than the sources. */
  copy(ago: number): string {
    return copyRun(place.runDir(sources[ago % 2] ?? ''), this.lakeDir, monthsBefore('2026-02', ago))
  }

  nextHistory(): { readonly runId: string; readonly args: readonly string[] } {
    const second = String(this.#sessions++).padStart(2, '0')
    return { runId: `history__20260601_0000${second}`, args: ['trigger', 'history', '--session', `2026-06-01 00:00:${second}`] }
  }

  async history(): Promise<string> {
    const { runId, args } = this.nextHistory()
    const { code, stdout, stderr } = await dag(args, this.env)
    assert.equal(code, 0, stdout + stderr)
    return runId
  }

  async read<T>(question: (engine: DuckDbEngine) => Promise<T>): Promise<T> {
    await using engine = await DuckDbEngine.open()
    await registerEvents(engine, this.lakeDir)
    return await question(engine)
  }

  /** Registered snapshots have all their numbers, those of the month they are a copy of; others have all or none. */
  async assertWhole(): Promise<readonly RegisteredRun[]> {
    const [runs, kpis] = [await this.read(registeredRuns), await this.read(latestKpis)]
    assert.deepEqual(
      runs.filter(({ state }) => state === 'invalid').map(({ runId, reason }) => `${runId}: ${reason}`),
      [],
    )
    for (const { runId, state, reason } of runs) {
      const found = kpis.filter((kpi) => kpi.runId === runId).map(lineOf)
      if (state === 'registered') assert.equal(reason, null, runId)
      if (state === 'registered' || found.length > 0) assert.deepEqual(found, expected[sourceOf(runId)], runId)
    }
    return runs
  }

  /** What was written twice. */
  async doubled(): Promise<readonly unknown[]> {
    return this.read((engine) =>
      engine.query(`SELECT run_id, kpi AS what, member FROM discogs_history.kpi_snapshot_events GROUP BY ALL HAVING count(*) > 1
        UNION ALL SELECT run_id, measure, member FROM discogs_history.growth_events GROUP BY run_id, compared_run_id, span, measure, member HAVING count(*) > 1
        UNION ALL SELECT run_id, state, NULL FROM discogs_history.run_registry_events GROUP BY run_id, state HAVING count(*) > 1`),
    )
  }

  [Symbol.dispose](): void {
    removeLake(join(this.lakeDir, '..'))
  }
}

/** Which of the sources a run is or is a copy of. */
function sourceOf(runId: string): number {
  const index = sources.indexOf(runId)
  if (index >= 0) return index
  const [year, month] = [Number(runId.slice(0, 4)), Number(runId.slice(5, 7))]
  return (2026 * 12 + 2 - (year * 12 + month)) % 2
}

test('60 snapshots from nothing, then one more: right numbers, and nothing old is read again', async () => {
  using lake = new Lake()
  const runIds = Array.from({ length: 60 }, (_, index) => lake.copy(60 - index))
  const started = performance.now()
  await lake.history()
  const firstMs = performance.now() - started
  assert.equal((await lake.assertWhole()).length, 60)
  const growth = await lake.read(latestGrowth)
  const pairsOf = (span: string): number =>
    new Set(growth.filter((one) => one.span === span).map((one) => `${one.runId} ${one.comparedRunId}`)).size
  assert.deepEqual([pairsOf('previous'), pairsOf('year')], [59, 48])

  for (const runId of runIds) hollowOut(lake.lakeDir, runId)
  const kept = files(lake.lakeDir)
  const newest = lake.copy(0)
  const resumed = performance.now()
  await lake.history()
  console.log(`60 snapshots in ${firstMs.toFixed(0)} ms, one more in ${(performance.now() - resumed).toFixed(0)} ms`)
  assert.equal((await lake.assertWhole()).length, 61)
  const added = files(lake.lakeDir).filter((name) => !kept.includes(name))
  assert.deepEqual(added.map((name) => name.split('/')[0] ?? '').toSorted(), [
    'growth_events',
    'growth_events',
    'kpi_snapshot_events',
    ...Array<string>(5).fill('row_hashes'),
    'run_registry_events',
  ])
  // The newest is a copy of the first month, the one before of the second: what was gone is there again.
  const changes = (await lake.read(latestGrowth)).filter(({ runId, span }) => runId === newest && span === 'previous')
  const releasesChanged = changes.filter(({ member, measure }) => member === 'releases' && measure.startsWith('ids_'))
  assert.deepEqual(
    releasesChanged.map(({ measure, value }) => `${measure} ${value}`),
    ['ids_added 3', 'ids_after 60', 'ids_before 67', 'ids_changed 3', 'ids_removed 10'],
  )
  const wide = readFileSync(join(historyReportsDir(lake.lakeDir), 'history_kpis_wide_latest.csv'), 'utf8')
  assert.equal(wide.trimEnd().split('\r\n').length, 62, 'a heading and a line for each')
})

function files(lakeDir: string): readonly string[] {
  return globSync('**/*.parquet', { cwd: historyDir(lakeDir) }).toSorted()
}

test('a history run while the pointer moves and gc removes snapshots sees whole ones only', async () => {
  // That of the main pipeline: its runs may be promoted.
  const lake = new Lake(place.dir)
  const over = new AbortController()
  const done = { moves: 0, removed: 0 }
  const moving = repeat(over.signal, async (round) => {
    const args = round % 2 === 0 ? ['rollback'] : ['promote', sources[1] ?? '']
    const { code, stdout, stderr } = await dag(args, lake.env)
    assert.equal(code, 0, stdout + stderr)
    done.moves++
    await sleep(random() * 200)
  })
  let [ago, wanted] = [0, 0]
  const collecting = repeat(over.signal, async () => {
    // As many for every history run as it can still measure, however slow the machine is.
    for (let more = 0; more < 4 && ago < wanted; more++) lake.copy(ago++)
    await sleep(random() * 400)
    const { code, stdout, stderr } = await dag(['gc', '--keep', '1', '--yes', '--json'], lake.env)
    assert.equal(code, 0, stdout + stderr)
    done.removed += (JSON.parse(stdout) as { removed: readonly string[] }).removed.length
  })
  try {
    for (let round = 0; round < 5; round++) {
      wanted = ago + 12
      await lake.history()
    }
  } finally {
    over.abort()
    await Promise.all([moving, collecting])
  }
  await lake.history()
  const runs = await lake.assertWhole()
  const kept = runs.filter(({ state }) => state === 'registered').length
  console.log(
    `${done.moves} moves of the pointer, ${done.removed} of ${ago} snapshots removed, ${kept} registered, ${runs.length - kept} gone`,
  )
  assert.ok(done.moves > 1 && done.removed > 0, JSON.stringify(done))
  assert.deepEqual(await lake.doubled(), [])
})

const random = randomFrom(8)

async function repeat(signal: AbortSignal, step: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; !signal.aborted; round++) await step(round)
}

/** Tasks that write events: met at more instants. */
const appending = new Set(['registry', 'kpis', 'growth'])

for (const task of ['discover', 'register', 'registry', 'check.registry', 'kpis', 'growth', 'exports', 'report']) {
  test(`${task} killed at random instants: retry completes the run, with no doubled event`, async () => {
    using lake = new Lake()
    for (const ago of [3, 2, 1]) lake.copy(ago)
    const { runId, args } = lake.nextHistory()
    let next = args
    for (let kills = 0; kills < (appending.has(task) ? 2 : 1); kills++) {
      const running = startDag(next, lake.env)
      const outcome = outcomeOf(running)
      const shell = await eventually(
        `${task} runs`,
        () => runningTry(lake.stateDir, runId, task) ?? (running.exitCode === null ? null : 0),
      )
      await sleep(random() * 700)
      for (const pid of shell === 0 ? [] : livingMembers(shell)) kill(pid)
      const { code } = await outcome
      if (code === 0) break
      next = ['retry', runId]
    }
    const last = await dag(['retry', runId], lake.env)
    assert.ok(last.code === 0 || /has succeeded/.test(last.stderr), last.stdout + last.stderr)
    assert.equal((await lake.assertWhole()).length, 3)
    assert.deepEqual(await lake.doubled(), [])
    assert.deepEqual(
      globSync(['**/.*.tmp', '.tmp-*'], { cwd: historyDir(lake.lakeDir) }),
      [],
      'nothing is left of what was killed',
    )
    assert.equal(new Set((await lake.read(latestGrowth)).map((one) => one.runId)).size, 2)
  })
}

/** It may have ended by itself. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/** Leader of the group of the task's process while it runs. */
function runningTry(stateDir: string, runId: string, taskId: string): number | null {
  try {
    using store = openStore(stateDir, { readonly: true })
    if (store.findRun(runId) === null) return null
    return store.tries(runId).find((one) => one.taskId === taskId && one.state === 'running')?.pid ?? null
  } catch {
    // The state is being made.
    return null
  }
}
