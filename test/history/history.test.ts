import assert from 'node:assert/strict'
import {
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { datasets } from '../../src/discogs/catalogue.ts'
import { SnapshotDiff } from '../../src/history/diff.ts'
import { eventFiles, latest, latestViews, type LatestView } from '../../src/history/events.ts'
import { registerEvents } from '../../src/history/event-views.ts'
import { latestGrowth } from '../../src/history/growth.ts'
import { History } from '../../src/history/history.ts'
import { latestKpis } from '../../src/history/measured.ts'
import { historyDir, historyReportsDir } from '../../src/history/places.ts'
import { registeredRuns } from '../../src/history/registry.ts'
import { manifestFile, runDir, stagingDir } from '../../src/lake/layout.ts'
import { readManifest, writeManifest } from '../../src/lake/manifest.ts'
import { sealRun } from '../../src/lake/seal.ts'
import type { Task, TaskContext } from '../../src/scheduler/context.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { parquetRows } from '../../src/sql/parquet-files.ts'
import { checkRegistry } from '../../src/tasks/history-check-registry.ts'
import { exports as exportCsv } from '../../src/tasks/history-exports.ts'
import { growth } from '../../src/tasks/history-growth.ts'
import { kpis } from '../../src/tasks/history-kpis.ts'
import { registry } from '../../src/tasks/history-registry.ts'
import { report } from '../../src/tasks/history-report.ts'
import { type TestRow, writeReportedRun } from '../support/parquet.ts'
import { removeLake } from '../support/remove-lake.ts'
import { taskContext } from '../support/task-context.ts'

type Tables = Readonly<Record<string, readonly TestRow[]>>

/** Four releases: one without anything, one of a master that is not there. */
const small: Tables = {
  artists_v1_typed: [{ artist_id: 1n, name: 'One' }],
  labels_v10: [{ label_id: 5n, name: 'Warp' }],
  masters_v1_typed: [{ master_id: 3n, title: 'Work' }],
  releases_v6: [
    { release_id: 10n, master_id: 3n, title: 'A', country: 'UK', released_year: 1999, genres: 'Rock', styles: 'Punk' },
    { release_id: 11n, master_id: 4n, title: 'B', country: 'UK', released_year: 1990 },
    { release_id: 12n, title: 'C', country: 'İ 😀', released_year: 2001, genres: 'Rock, Jazz' },
    { release_id: 13n, title: '' },
  ],
  release_credits_v1: [
    { release_id: 10n, credit: 'artist', position: 1, artist_id: 1n, artist_name: 'One' },
    { release_id: 11n, credit: 'artist', position: 1, artist_id: 9n, artist_name: 'Nine' },
    { release_id: 12n, credit: 'extra', position: 1, artist_name: 'Nobody' },
  ],
  release_identifiers_v1: [
    { release_id: 10n, position: 1, identifier_type: 'Barcode', value: '1' },
    { release_id: 10n, position: 2, identifier_type: 'Barcode', value: '2' },
    { release_id: 11n, position: 1, identifier_type: 'Other', value: '3' },
  ],
  release_tracks_v1: [1, 2, 3]
    .map((track) => ({ release_id: 10n, track_seq: track }))
    .concat([{ release_id: 11n, track_seq: 1 }]),
  release_genres_v1: [
    { release_id: 10n, position: 1, genre: 'Rock' },
    { release_id: 12n, position: 1, genre: 'Rock' },
    { release_id: 12n, position: 2, genre: 'Jazz' },
    { release_id: 12n, position: 3, genre: 'Jazz' },
  ],
  release_labels_v1: [{ release_id: 10n, position: 1, label_id: 5n, label_name: 'Warp' }],
  release_label_xref_v1: [
    { release_id: 10n, label_name: 'Warp', label_norm: 'warp', label_id: 5n },
    { release_id: 11n, label_name: 'WARP', label_norm: 'warp' },
    { release_id: 12n, label_name: 'Mute', label_norm: 'mute' },
  ],
  label_release_counts_v1: [
    { label_norm: 'mute', label_name_sample: 'Mute', n_total_releases: 1n },
    { label_norm: 'warp', label_name_sample: 'WARP', n_total_releases: 2n },
  ],
}

let lakeDir: string
let historyRuns = 0

beforeEach(() => {
  // Folders named like columns, as DuckDB reads partitions: they must not change any value.
  lakeDir = join(mkdtempSync(join(tmpdir(), 'history-')), 'run_id=Atlantis', 'country=Atlantis', 'lake')
})
afterEach(() => removeLake(join(lakeDir, '../../..')))

async function sealed(runId: string, tables: Tables): Promise<void> {
  const month = runId.slice(0, 7)
  await writeReportedRun(stagingDir(lakeDir, runId), runId, tables)
  await sealRun(lakeDir, runId, {
    dag: 'main',
    session: `${month}-20 06:00:00`,
    params: { dump_month: month },
    code: { version: '0', commit: null },
  })
}

function contextOf(historyRunId: string, given: Partial<TaskContext> = {}): ReturnType<typeof taskContext> {
  const now = new Date(Date.UTC(2026, 0, 1) + historyRuns * 60_000)
  return taskContext({ lakeDir, runId: historyRunId, dagId: 'history', taskId: 'history', now: () => now, ...given })
}

const tasks: readonly Task[] = [registry, checkRegistry, kpis, growth, exportCsv]

/** All tasks in the order of the dag. */
async function measure(given: Partial<TaskContext> = {}, from = tasks): Promise<ReturnType<typeof taskContext>> {
  historyRuns++
  const context = contextOf(`history__2026010${historyRuns}_000000`, given)
  for (const task of from) await task(context)
  return context
}

async function read<T>(question: (engine: DuckDbEngine) => Promise<T>): Promise<T> {
  await using engine = await DuckDbEngine.open()
  await registerEvents(engine, lakeDir)
  return await question(engine)
}

/** `<kpi> <member>` and its value, of one run. */
async function kpisOf(runId: string): Promise<Readonly<Record<string, bigint | null>>> {
  const found = (await read(latestKpis)).filter((kpi) => kpi.runId === runId)
  return Object.fromEntries(found.map(({ kpi, member, value }) => [member === null ? kpi : `${kpi} ${member}`, value]))
}

/** `<span> <measure> <member>` and its value, of one run, without zeros. */
async function growthOf(runId: string): Promise<Readonly<Record<string, bigint | null>>> {
  const found = (await read(latestGrowth)).filter((one) => one.runId === runId && one.value !== 0n)
  return Object.fromEntries(found.map(({ span, measure, member, value }) => [`${span} ${measure} ${member}`, value]))
}

function files(): readonly string[] {
  return globSync('**/*.parquet', { cwd: historyDir(lakeDir) }).toSorted()
}

const [january, february, april] = ['2095-01__20950120_060000', '2095-02__20950220_060000', '2095-04__20950420_060000']

test('KPIs of a small snapshot are those computed by hand', async () => {
  await sealed(january, small)
  await measure()
  const found = await kpisOf(january)
  const expected: Readonly<Record<string, bigint>> = {
    'coverage_bp master': 5000n,
    'coverage_bp year': 7500n,
    'coverage_bp country': 7500n,
    'coverage_bp genre': 5000n,
    'coverage_bp style': 2500n,
    'coverage_bp barcode': 2500n,
    'coverage_bp tracklist': 5000n,
    'coverage_bp credit_artist': 5000n,
    'coverage_bp video': 0n,
    'density_bp tracks': 10_000n,
    'density_bp credits': 7500n,
    'links release_to_master': 2n,
    'orphans release_to_master': 1n,
    'links release_to_artist': 2n,
    'orphans release_to_artist': 1n,
    'links release_to_label': 1n,
    'orphans release_to_label': 0n,
    'links alias_to_artist': 0n,
    'distinct_norms label': 2n,
    'top_label_share_bp top_1': 6666n,
    'top_label_share_bp top_10': 10_000n,
    'releases_by_decade 1990': 2n,
    'releases_by_decade 2000': 1n,
    'releases_by_country UK': 2n,
    'releases_by_country İ 😀': 1n,
    'releases_by_genre Rock': 2n,
    'releases_by_genre Jazz': 1n,
    // 0, 0, 1 and 3 tracks.
    'tracks_per_release median': 0n,
    'tracks_per_release p95': 3n,
    'rows releases_v6': 4n,
    'distinct_keys releases_v6': 4n,
    'rows release_label_xref_v1': 3n,
  }
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]])), expected)
  for (const { name } of datasets) assert.ok(`rows ${name}` in found, name)
})

test('growth compares ids of the month before and of the year before, also when months come out of order', async () => {
  const [yearAgo] = ['2094-04__20940420_060000']
  const releases = small['releases_v6'] ?? []
  await sealed(yearAgo, { ...small, releases_v6: releases.slice(0, 1) })
  await sealed(april, {
    ...small,
    releases_v6: [{ ...releases[0], title: 'changed' }, ...releases.slice(2), { release_id: 99n, country: 'US' }],
    release_genres_v1: [...(small['release_genres_v1'] ?? []), { release_id: 99n, position: 1, genre: 'Pop' }],
    label_release_counts_v1: [
      { label_norm: 'mute', label_name_sample: 'Mute', n_total_releases: 4n },
      { label_norm: 'new', label_name_sample: 'New', n_total_releases: 1n },
      { label_norm: 'warp', label_name_sample: 'WARP', n_total_releases: 1n },
    ],
  })
  await measure()
  assert.equal((await growthOf(april))['previous ids_before releases'], 1n)
  // A month in between arrives late, and another run of it replaces it.
  await sealed('2095-03__20950320_060000', {})
  await sealed('2095-03__20950321_060000', small)
  await measure()
  assert.deepEqual(await growthOf(april), {
    'previous ids_before artists': 1n,
    'previous ids_after artists': 1n,
    'previous ids_before labels': 1n,
    'previous ids_after labels': 1n,
    'previous ids_before masters': 1n,
    'previous ids_after masters': 1n,
    'previous ids_before releases': 4n,
    'previous ids_after releases': 4n,
    'previous ids_added releases': 1n,
    'previous ids_removed releases': 1n,
    'previous ids_changed releases': 1n,
    'previous new_genre Pop': 1n,
    'previous country_growth US': 1n,
    'previous label_growth Mute': 3n,
    'previous label_growth New': 1n,
    'year ids_before artists': 1n,
    'year ids_after artists': 1n,
    'year ids_before labels': 1n,
    'year ids_after labels': 1n,
    'year ids_before masters': 1n,
    'year ids_after masters': 1n,
    'year ids_before releases': 1n,
    'year ids_after releases': 4n,
    'year ids_added releases': 3n,
    'year ids_changed releases': 1n,
    'year new_genre Pop': 1n,
    'year country_growth US': 1n,
    'year country_growth İ 😀': 1n,
  })
  const csv = readFileSync(join(historyReportsDir(lakeDir), 'growth_ids.csv'), 'utf8')
  assert.match(csv, /2095-04__20950420_060000,2095-04,2095-03__20950321_060000,previous,ids_added,releases,1\r\n/)
})

test('NULL and an empty text are different values of a row', async () => {
  await sealed(january, { ...small, releases_v6: [{ release_id: 1n, title: '' }] })
  await sealed(february, { ...small, releases_v6: [{ release_id: 1n }] })
  await measure()
  assert.equal((await growthOf(february))['previous ids_changed releases'], 1n)
})

test('what is measured is not measured again, unless the history is rebuilt; files are never rewritten', async () => {
  await sealed(january, small)
  await sealed(february, small)
  await measure()
  const first = files()
  await measure()
  assert.deepEqual(files(), first)
  const before = await kpisOf(january)
  const rebuilding = await measure({ params: { rebuild: 'true' } })
  assert.ok(first.every((name) => files().includes(name)))
  assert.equal(files().length, first.length + 4, 'a registry file, two of KPIs, one of growth')
  assert.deepEqual(await kpisOf(january), before)
  // A retry of the same history run appends nothing twice.
  for (const task of tasks) await task(rebuilding)
  assert.equal(files().length, first.length + 4)
})

for (const dying of ['registry', 'kpis', 'growth'] as const) {
  test(`a history run that dies after ${dying} wrote half is completed by a retry, with no doubled event`, async () => {
    await sealed(january, small)
    await sealed(february, small)
    historyRuns++
    const died = contextOf(`history__2026010${historyRuns}_000000`, {
      reached: (step) => {
        if (dying === 'kpis' ? step.startsWith('measured') : step.startsWith('compared')) throw new Error('killed here')
      },
    })
    if (dying === 'registry') await registry(died)
    else
      await assert.rejects(
        Promise.resolve().then(async () => {
          for (const task of tasks) await task(died)
        }),
        /killed here/,
      )
    const again = contextOf(died.runId)
    for (const task of tasks) await task(again)
    const [doubled] = await read((engine) =>
      engine.query(`SELECT count(*) AS n FROM (
        SELECT run_id, kpi, member FROM discogs_history.kpi_snapshot_events GROUP BY ALL HAVING count(*) > 1
        UNION ALL SELECT run_id, measure, member FROM discogs_history.growth_events GROUP BY run_id, span, measure, member HAVING count(*) > 1
        UNION ALL SELECT run_id, state, NULL FROM discogs_history.run_registry_events GROUP BY run_id, state HAVING count(*) > 1)`),
    )
    assert.equal(doubled?.['n'], 0n)
    assert.equal((await kpisOf(february))['rows releases_v6'], 4n)
    assert.equal((await growthOf(february))['previous ids_before releases'], 4n)
  })
}

test('invalid snapshots are registered with the reason and left out; repaired ones come back', async () => {
  await sealed(january, small)
  await sealed(february, small)
  await sealed(april, small)
  const table = join(runDir(lakeDir, february), 'labels_v10')
  chmodSync(runDir(lakeDir, february), 0o755)
  renameSync(table, `${table}.away`)
  const [cut] = globSync(join(runDir(lakeDir, april), 'releases_v6/*.parquet'))
  chmodSync(cut ?? '', 0o644)
  const content = readFileSync(cut ?? '')
  truncateSync(cut ?? '', content.length - 1)
  const { heard } = await measure()
  const reasons = Object.fromEntries(
    (await read(registeredRuns)).map(({ runId, state, reason }) => [runId, `${state}: ${reason}`]),
  )
  assert.deepEqual(reasons, {
    [january]: 'registered: null',
    [february]: 'invalid: required tables are missing: labels_v10',
    [april]: `invalid: releases_v6/${april}-00000.parquet has ${content.length - 1} bytes, the manifest says ${content.length}`,
  })
  assert.deepEqual(
    heard.checks.map(({ checkName, ok, value }) => `${checkName} ${ok} ${value}`),
    ['registry.complete true 0', 'registry.invalid_runs false 2'],
  )
  assert.deepEqual(await kpisOf(february), {})
  renameSync(`${table}.away`, table)
  await measure()
  assert.equal((await kpisOf(february))['rows labels_v10'], 1n)
})

test('a snapshot that is removed after it was measured keeps its numbers and is compared with', async () => {
  await sealed(january, small)
  await measure()
  removeLake(runDir(lakeDir, january))
  await sealed(february, {
    ...small,
    artists_v1_typed: [{ artist_id: 1n, name: 'One' }, { artist_id: 2n }],
    label_release_counts_v1: [{ label_norm: 'mute', label_name_sample: 'Mute', n_total_releases: 5n }],
  })
  await measure()
  const [gone] = await read(registeredRuns)
  assert.equal(gone?.state, 'removed')
  assert.equal((await kpisOf(january))['rows releases_v6'], 4n)
  const grown = await growthOf(february)
  assert.equal(grown['previous ids_added artists'], 1n)
  assert.equal(grown['previous label_growth Mute'], 4n, 'also what needs no id')
  await report(contextOf('history__20260109_000000'))
  const page = readFileSync(join(historyReportsDir(lakeDir), 'history_latest.html'), 'utf8')
  assert.match(page, /it is in the lake no more/)
})

test('a snapshot that goes away between two tasks is left out, one that comes is taken up by the next history run', async () => {
  const march = '2095-03__20950320_060000'
  for (const runId of [january, february, march]) await sealed(runId, small)
  historyRuns++
  const context = contextOf(`history__2026010${historyRuns}_000000`, {
    // As `dag gc` does that was asked before the snapshot was registered.
    reached: (step) => {
      if (step === `measured ${january}`) renameSync(runDir(lakeDir, february), join(lakeDir, '_runs', `.trash-${february}`))
    },
  })
  await registry(context)
  await sealed(april, small)
  for (const task of [checkRegistry, kpis, growth, exportCsv]) await task(context)
  const { checks, logs } = context.heard
  assert.deepEqual(
    checks.map(({ severity, details }) => `${severity} ${details}`),
    [`WARN ${april}: sealed or replaced meanwhile, the next history run measures it`, 'WARN '],
  )
  assert.ok(logs.includes(`${february}: it was removed or replaced after it was registered, and is not measured`))
  assert.deepEqual([...new Set((await read(latestKpis)).map(({ runId }) => runId))], [january, march])
  await measure()
  const states = (await read(registeredRuns)).map(({ runId, state }) => `${runId} ${state}`)
  assert.deepEqual(states, [`${january} registered`, `${february} removed`, `${march} registered`, `${april} registered`])
  assert.equal((await kpisOf(april))['rows releases_v6'], 4n)
})

test('what a killed writer has left is neither read nor in the way', async () => {
  await sealed(january, small)
  await sealed(february, small)
  const probe = await measure()
  const whole = files()
  for (const name of whole.filter((file) => file.includes(probe.runId) || file.startsWith('row_hashes'))) {
    const file = join(historyDir(lakeDir), name)
    const hidden = join(file, '..', `.${basename(file)}.tmp`)
    renameSync(file, hidden)
    truncateSync(hidden, 100)
  }
  for (const task of tasks) await task(contextOf(probe.runId))
  assert.deepEqual(files(), whole)
  assert.deepEqual(globSync('**/.*.tmp', { cwd: historyDir(lakeDir) }), [])
  assert.equal((await growthOf(february))['previous ids_before releases'], 4n)
})

const views = Object.keys(latestViews) as LatestView[]

/** The newest events as they are kept beside their files, each value as text. @returns also how often the files were read */
async function kept(): Promise<{ readonly rows: readonly unknown[]; readonly opened: number }> {
  let opened = 0
  await using history = new History(lakeDir, () => {
    opened += 1
    return DuckDbEngine.open()
  })
  const rows: unknown[] = []
  for (const view of views) rows.push((await latest(history, view)).map((row) => Object.values(row).map(String)))
  return { rows, opened }
}

async function asEngineHasThem(): Promise<readonly unknown[]> {
  return read(async (engine) => {
    const rows: unknown[] = []
    for (const view of views) rows.push((await latest(engine, view)).map((row) => Object.values(row).map(String)))
    return rows
  })
}

test('the newest events at hand are those of the files, in the order of the engine; no file is read twice', async () => {
  const countries = ['\ufb00', '\u{1f600}', '\ue000', 'a', '', '\u65e5\u672c'].map((country, index) => ({
    release_id: BigInt(index),
    country,
  }))
  await sealed(february, { ...small, releases_v6: countries })
  await measure()
  await sealed(january, small)
  await measure({ params: { rebuild: 'true' } })
  removeLake(runDir(lakeDir, january))
  await sealed(april, small)
  await measure()
  const rows = await asEngineHasThem()
  assert.deepEqual(await kept(), { rows, opened: 0 })
})

test('what is kept of the events is read from their files again when it is missing, damaged, old, or of other files', async () => {
  await sealed(january, small)
  await sealed(february, small)
  await measure()
  const rows = await asEngineHasThem()
  const json = join(historyDir(lakeDir), '.kpi_snapshot_latest.json')
  const content = readFileSync(json, 'utf8')
  for (const harm of [
    () => rmSync(json),
    () => truncateSync(json, Math.floor(content.length / 2)),
    () => writeFileSync(json, content.replace('"formatVersion":1', '"formatVersion":0')),
    () => writeFileSync(json, content.replace('"measured_by"', '"measured"')),
  ]) {
    harm()
    assert.deepEqual(await kept(), { rows, opened: 1 })
    assert.deepEqual(await kept(), { rows, opened: 0 })
  }
  const [first = ''] = eventFiles(lakeDir, 'kpi_snapshot_events')
  renameSync(first, `${first}.away`)
  assert.deepEqual((await kept()).rows, await asEngineHasThem(), 'gone')
  renameSync(`${first}.away`, first)
  assert.deepEqual(await kept(), { rows, opened: 1 }, 'there again')
  utimesSync(first, 0, 0)
  assert.deepEqual(await kept(), { rows, opened: 1 }, 'another file of that name')
})

test('an engine that cannot be opened is named as the reason; JSON that cannot be written fails nothing', async () => {
  await sealed(january, small)
  await measure()
  const rows = await asEngineHasThem()
  const json = join(historyDir(lakeDir), '.kpi_snapshot_latest.json')
  rmSync(json)
  const askWithoutEngine = async (): Promise<unknown> => {
    await using history = new History(lakeDir, () => Promise.reject(new Error('no DuckDB here')))
    return await latest(history, 'kpi_snapshot_latest')
  }
  await assert.rejects(askWithoutEngine, { name: 'Error', message: 'no DuckDB here' })
  mkdirSync(`${json}.tmp`)
  assert.deepEqual(await kept(), { rows, opened: 1 }, 'in the way')
  assert.deepEqual(
    [await kept(), await kept()].map(({ opened }) => opened),
    [1, 0],
    'out of the way',
  )
})

test('a page that shows the same numbers is left as it is; new numbers, other code or damage make it anew', async () => {
  await sealed(january, small)
  await measure()
  const file = join(historyReportsDir(lakeDir), 'history_latest.html')
  const drawnAgain = async (): Promise<boolean> => {
    historyRuns++
    const context = contextOf(`history__2026010${historyRuns}_000000`)
    await report(context)
    return readFileSync(file, 'utf8').includes(context.now().toISOString().slice(0, 16).replace('T', ' '))
  }
  assert.deepEqual([await drawnAgain(), await drawnAgain()], [true, false])
  await measure({ params: { rebuild: 'true' } })
  assert.equal(await drawnAgain(), false, 'measured again with the same result')
  await sealed(february, small)
  await measure()
  assert.deepEqual([await drawnAgain(), await drawnAgain()], [true, false])
  writeFileSync(file, readFileSync(file, 'utf8').replace(/made-from" content="\w/, 'made-from" content="x'))
  assert.deepEqual([await drawnAgain(), await drawnAgain()], [true, false])
})

test('an old snapshot without a dataset has no value for what needs it, and the rest', async () => {
  await sealed(january, small)
  withoutDataset(january, 'release_videos_v1')
  const { heard } = await measure()
  const found = await kpisOf(january)
  const names = ['rows release_videos_v1', 'coverage_bp video', 'density_bp videos', 'coverage_bp master', 'rows releases_v6']
  assert.deepEqual(
    names.map((name) => found[name]),
    [null, null, null, 5000n, 4n],
  )
  assert.match(heard.logs.join('\n'), /no release_videos_v1 \(no directory\): KPIs that need it have no value/)
  const [registered] = await read(registeredRuns)
  assert.deepEqual([registered?.state, registered?.reason], ['registered', 'no release_videos_v1 (no directory)'])
})

test('an old snapshot without a column has no value for what needs it, and the rest; its rows are compared by the columns that both have', async () => {
  await sealed(january, small)
  await withoutColumn(january, 'releases_v6', 'styles')
  await withoutColumn(january, 'release_genres_v1', 'genre')
  await sealed(february, small)
  const { heard } = await measure()
  const found = await kpisOf(january)
  const names = ['coverage_bp style', 'releases_by_genre', 'coverage_bp genre', 'rows releases_v6', 'releases_by_country UK']
  assert.deepEqual(
    names.map((name) => found[name]),
    [null, null, 5000n, 4n, 2n],
  )
  const lacking = 'no column styles in releases_v6; no column genre in release_genres_v1'
  const [registered] = await read(registeredRuns)
  assert.deepEqual([registered?.state, registered?.reason], ['registered', lacking])
  assert.ok(heard.logs.includes(`${january}: ${lacking}: KPIs that need it have no value`), heard.logs.join('\n'))
  const grown = await growthOf(february)
  assert.equal(grown['previous ids_changed releases'], undefined, 'none')
  assert.equal(grown['previous ids_before releases'], 4n)
  assert.deepEqual(
    Object.keys(grown).filter((name) => name.includes('new_genre')),
    [],
    'what was not measured before is not new',
  )
  await measure()
  assert.equal(eventFiles(lakeDir, 'run_registry_events').length, 1, 'it is recorded once')
})

test('a record has changed when any row of its datasets has, however the snapshots can be compared', async () => {
  const [track = {}, ...tracks] = small['release_tracks_v1'] ?? []
  const [label = {}, ...labels] = small['release_labels_v1'] ?? []
  const [genre = {}, other = {}, ...genres] = small['release_genres_v1'] ?? []
  const changed = {
    ...small,
    release_tracks_v1: [{ ...track, title: 'another' }, ...tracks],
    release_labels_v1: [label, ...labels, { release_id: 11n, position: 1, label_name: 'Mute' }],
    release_genres_v1: [genre, { ...other, genre: 'Folk' }, ...genres],
  }
  await sealed(january, small)
  await sealed(february, changed)
  await measure()
  assert.equal((await growthOf(february))['previous ids_changed releases'], 3n)
  assert.equal((await growthOf(february))['previous ids_changed masters'], undefined)
  await using diff = await SnapshotDiff.open({
    before: { runId: january, dir: runDir(lakeDir, january) },
    after: { runId: february, dir: runDir(lakeDir, february) },
    tempDirectory: join(lakeDir, '../tmp'),
    memoryBytes: 500e6,
  })
  const records = (await diff.records()).map(({ entity, added, removed, changed: n }) => [entity, added, removed, n])
  assert.deepEqual(records, [
    ['artists', 0n, 0n, 0n],
    ['labels', 0n, 0n, 0n],
    ['masters', 0n, 0n, 0n],
    ['releases', 0n, 0n, 3n],
  ])
})

test('a snapshot whose column has another type has no value for what needs it; the rest and other snapshots are measured', async () => {
  await sealed(january, small)
  await rewritten(january, 'releases_v6', "* REPLACE ('about ' || released_year AS released_year)")
  await sealed(february, small)
  await measure()
  const found = await kpisOf(january)
  assert.deepEqual(
    ['coverage_bp year', 'releases_by_decade', 'rows releases_v6', 'releases_by_country UK'].map((name) => found[name]),
    [null, null, 4n, 2n],
  )
  assert.equal((await kpisOf(february))['coverage_bp year'], 7500n)
  const [registered] = await read(registeredRuns)
  assert.equal(registered?.reason, 'column released_year of releases_v6 is VARCHAR, not INT')
})

test('a snapshot that cannot be measured fails the task after the others were', async () => {
  await sealed(january, small)
  const [file = ''] = globSync(join(runDir(lakeDir, january), 'releases_v6/*.parquet'))
  chmodSync(file, 0o644)
  // As many bytes as before, its footer whole: nothing but reading its pages shows the damage.
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xff, 4, 200))
  await sealed(february, small)
  await assert.rejects(measure())
  assert.deepEqual([(await kpisOf(january))['rows releases_v6'], (await kpisOf(february))['rows releases_v6']], [undefined, 4n])
})

test('a lake without a snapshot gives empty tables and files with headings', async () => {
  await measure()
  assert.deepEqual(eventFiles(lakeDir, 'kpi_snapshot_events'), [])
  assert.equal(
    readFileSync(join(historyReportsDir(lakeDir), 'history_kpis_long_latest.csv'), 'utf8'),
    'run_id,dump_month,kpi,member,value\r\n',
  )
})

/** As a snapshot was sealed before a dataset was thought of. */
function withoutDataset(runId: string, name: string): void {
  const dir = runDir(lakeDir, runId)
  makeWritable(dir, name)
  rmSync(join(dir, name), { recursive: true })
  const manifest = readManifest(dir)
  writeManifest(dir, { ...manifest, datasets: manifest.datasets.filter((one) => one.name !== name) })
}

/** As a snapshot was sealed before a column was thought of. */
function withoutColumn(runId: string, name: string, column: string): Promise<void> {
  return rewritten(runId, name, `* EXCLUDE (${column})`)
}

/** A snapshot with other columns in a dataset, sealed like that. */
async function rewritten(runId: string, name: string, columns: string): Promise<void> {
  const dir = runDir(lakeDir, runId)
  makeWritable(dir, name)
  const path = `${name}/${runId}-00000.parquet`
  await using engine = await DuckDbEngine.open()
  const text = `SELECT ${columns} FROM ${parquetRows([join(dir, path)]).sql}`
  await engine.copyToParquet({ name: 'an older schema', text }, join(dir, 'older'))
  renameSync(join(dir, 'older'), join(dir, path))
  const manifest = readManifest(dir)
  const bytes = statSync(join(dir, path)).size
  const datasets = manifest.datasets.map((one) =>
    one.name === name ? { ...one, files: one.files.map((file) => ({ ...file, bytes })) } : one,
  )
  writeManifest(dir, { ...manifest, datasets })
}

function makeWritable(dir: string, name: string): void {
  for (const path of [dir, join(dir, name), manifestFile(dir)]) chmodSync(path, 0o755)
}

const demo = '2099-01__20990120_060000'

test('generated snapshots are left out where a lake has real ones, also those that were measured before', async () => {
  await sealed(demo, small)
  await measure({}, [...tasks, report])
  const titleOf = (): string | undefined =>
    /<title>(.*)<\/title>/.exec(readFileSync(join(historyReportsDir(lakeDir), 'history_latest.html'), 'utf8'))?.[1]
  assert.equal(titleOf(), 'Discogs history, January 2099', 'alone it counts')

  await sealed(january, small)
  await sealed(february, small)
  await measure({}, [...tasks, report])
  assert.equal(titleOf(), 'Discogs history, February 2095')
  const statesOf = async (): Promise<readonly unknown[]> =>
    (await read(registeredRuns)).map(({ runId, state, origin }) => [runId, state, origin])
  const real = [january, february].map((runId) => [runId, 'registered', 'real'])
  assert.deepEqual(await statesOf(), [...real, [demo, 'excluded', 'generated']])
  assert.ok((await read(latestKpis)).every(({ runId }) => runId !== demo))
  assert.ok((await read(latestGrowth)).every(({ runId, comparedRunId }) => runId === february && comparedRunId === january))

  removeLake(runDir(lakeDir, demo))
  removeLake(runDir(lakeDir, january))
  await measure()
  assert.deepEqual(await statesOf(), [
    [january, 'removed', 'real'],
    [february, 'registered', 'real'],
    [demo, 'excluded', 'generated'],
  ])
  const before = files()
  await measure()
  assert.deepEqual(files(), before, 'nothing is new')
})

test('the views by month hold the newest snapshot of each month once, whatever was measured before', async () => {
  await sealed(january, small)
  await sealed(april, small)
  await measure()
  const more = { ...small, releases_v6: [...(small['releases_v6'] ?? []), { release_id: 20n }] }
  const again = '2095-01__20950121_060000'
  await sealed(again, more)
  await sealed(february, small)
  await sealed(demo, small)
  await measure()
  const rows = await read((engine) =>
    engine.query(
      `SELECT month, run_id, value FROM discogs_history.kpi_by_month WHERE kpi = 'rows' AND member = 'releases_v6' ORDER BY month`,
    ),
  )
  assert.deepEqual(
    rows.map((row) => Object.values(row)),
    [
      ['2095-01', again, 5n],
      ['2095-02', february, 4n],
      ['2095-04', april, 4n],
    ],
  )
  const [{ n: all } = {}] = await read((engine) =>
    engine.query(`SELECT count(*) AS n FROM discogs_history.growth_latest WHERE measure = 'ids_removed'`),
  )
  assert.equal(all, 12n, 'pairs of superseded runs are still there')
  const growth = await read((engine) =>
    engine.query(`SELECT month, compared_month, run_id, compared_run_id, value FROM discogs_history.growth_by_month
      WHERE measure = 'ids_removed' AND member = 'releases' ORDER BY month`),
  )
  assert.deepEqual(
    growth.map((row) => Object.values(row)),
    [
      ['2095-02', '2095-01', february, again, 1n],
      ['2095-04', '2095-02', april, february, 0n],
    ],
  )
})

test('events of a version that knew fewer columns are read, and compared with those of today', async () => {
  await sealed(january, small)
  await measure()
  const [file = ''] = eventFiles(lakeDir, 'run_registry_events')
  await using engine = await DuckDbEngine.open()
  const text = `SELECT * EXCLUDE origin FROM ${parquetRows([file]).sql}`
  await engine.copyToParquet({ name: 'old', text }, `${file}.old`)
  renameSync(`${file}.old`, file)
  assert.deepEqual(
    (await read(registeredRuns)).map(({ runId, origin }) => [runId, origin]),
    [[january, null]],
  )
  await sealed(february, small)
  await measure()
  assert.deepEqual(
    (await read(registeredRuns)).map(({ runId, origin }) => [runId, origin]),
    [
      [january, null],
      [february, 'real'],
    ],
  )
})

test('each month has a page; only those of new numbers are drawn, and that of a month that is gone goes', async () => {
  await sealed(january, small)
  await sealed(february, small)
  await measure({}, [...tasks, report])
  const directory = historyReportsDir(lakeDir)
  const pages = (): readonly string[] => globSync('history_????-??.html', { cwd: directory }).toSorted()
  const linked = (): readonly string[] =>
    [...readFileSync(join(directory, 'history_latest.html'), 'utf8').matchAll(/history_\d{4}-\d{2}\.html/g)].map(([name]) => name)
  assert.deepEqual(pages(), ['history_2095-01.html', 'history_2095-02.html'])
  assert.deepEqual(linked().toSorted(), pages())
  for (const name of pages()) utimesSync(join(directory, name), 0, 0)
  await sealed(april, small)
  writeFileSync(join(directory, 'history_1999-01.html'), 'of a month that does not count any more')
  await measure({}, [...tasks, report])
  assert.deepEqual(
    pages().filter((name) => statSync(join(directory, name)).mtimeMs === 0),
    ['history_2095-01.html'],
  )
  assert.deepEqual(linked().toSorted(), pages())
})
