import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type CheckGroup, checkGroups } from '../../src/discogs/check-groups.ts'
import { datasets } from '../../src/discogs/catalogue.ts'
import { PipelineError } from '../../src/errors.ts'
import { runDir, stagingDir } from '../../src/lake/layout.ts'
import type { CheckResult, TaskContext } from '../../src/scheduler/context.ts'
import { check } from '../../src/tasks/check.ts'
import { type Said, type TestRow, writeParquet, writeReportedRun } from '../support/parquet.ts'
import { taskContext } from '../support/task-context.ts'

const runId = '2026-04__20260420_060000'
const olderRun = '2026-03__20260320_060000'
const newerRun = '2026-05__20260520_060000'

/** A small month in which everything fits together. */
const sound = {
  artists_v1_typed: [
    { artist_id: 1n, name: 'One', data_quality: 'Correct' },
    { artist_id: 2n, name: 'Two' },
  ],
  labels_v10: [{ label_id: 5n, name: 'Warp' }],
  masters_v1_typed: [{ master_id: 3n, main_release_id: 10n, title: 'Work' }],
  releases_v6: [
    {
      release_id: 10n,
      master_id: 3n,
      title: 'Work',
      status: 'Accepted',
      released_year: 1999,
      released_month: 12,
      released_day: 31,
    },
    { release_id: 11n, title: 'Other' },
  ],
  release_labels_v1: [{ release_id: 10n, position: 1, label_id: 5n, label_name: 'Warp' }],
  release_label_xref_v1: [{ release_id: 10n, label_name: 'Warp', label_norm: 'warp', label_id: 5n }],
  label_release_counts_v1: [{ label_norm: 'warp', label_name_sample: 'Warp', n_total_releases: 1n }],
} satisfies Record<string, readonly TestRow[]>

let lakeDir = ''
beforeEach(async () => {
  lakeDir = await mkdtemp(join(tmpdir(), 'check-'))
})
afterEach(() => rm(lakeDir, { recursive: true }))

interface Outcome {
  /** What failed, as `SEVERITY name = value`. */
  readonly failed: readonly string[]
  readonly results: readonly CheckResult[]
  readonly logs: readonly string[]
  readonly error: unknown
}

async function stage(changes: Readonly<Record<string, readonly TestRow[]>> = {}, said: Said = {}): Promise<string> {
  const directory = stagingDir(lakeDir, runId)
  await writeReportedRun(directory, runId, { ...sound, ...changes }, said)
  return directory
}

async function run(group: CheckGroup, params: TaskContext['params'] = {}): Promise<Outcome> {
  const context = taskContext({ lakeDir, runId, args: [group], params, taskId: `check.${group}` })
  const error = await check(context).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  const { checks: results, logs } = context.heard
  const failed = results.filter(({ ok }) => !ok).map(({ severity, checkName, value }) => `${severity} ${checkName} = ${value}`)
  assert.equal(
    error !== null,
    failed.some((line) => line.startsWith('CRITICAL')),
    String(error),
  )
  return { failed, results, logs, error }
}

function resultNamed({ results }: Outcome, name: string): CheckResult {
  const result = results.find(({ checkName }) => checkName === name)
  assert.ok(result, `no check ${name} among ${results.map(({ checkName }) => checkName).join(' ')}`)
  return result
}

const publish = async (id: string, tables: Readonly<Record<string, readonly TestRow[]>>): Promise<void> => {
  await writeReportedRun(runDir(lakeDir, id), id, tables)
  await symlink(`_runs/${id}`, join(lakeDir, 'active'))
}

test('a sound month passes every check of every group, and each result has a name of its own', async () => {
  await stage()
  const names: string[] = []
  for (const group of checkGroups) {
    const outcome = await run(group)
    assert.deepEqual(outcome.failed, [], group)
    names.push(...outcome.results.map(({ checkName }) => checkName))
  }
  assert.equal(new Set(names).size, names.length)
  assert.deepEqual(
    (await readdir(join(stagingDir(lakeDir, runId), '_reports'))).filter((name) => name.startsWith('.')),
    [],
  )
})

test('the reports are the same bytes each time and hold no duration', async () => {
  const directory = await stage({ releases_v6: [{ release_id: 10n, master_id: 4n, title: 'with "quotes"' }] })
  const reports = async (): Promise<string[]> => {
    await run('references')
    return Promise.all(['csv', 'json'].map((kind) => readFile(join(directory, `_reports/check_references.${kind}`), 'utf8')))
  }
  const first = await reports()
  assert.deepEqual(await reports(), first)
  const [header, ...lines] = (first[0] ?? '').split('\r\n')
  assert.equal(header, 'check_name,severity,value,ok,details,dataset,expected,previous')
  assert.ok(
    lines.includes(
      'references.releases_v6.master_id,WARN,100.00 % (1),false,"1 of 1 rows refer to no row of masters_v1_typed; the month has 1 releases, fewer than 10000: never critical",releases_v6,0 orphans; critical above 5 %,',
    ),
  )
})

test('an unknown group, and a run that is not there, are errors', async () => {
  await assert.rejects(
    check(taskContext({ lakeDir, runId, args: ['feelings'] })),
    /no group of checks named "feelings": files, keys, references/,
  )
  await assert.rejects(check(taskContext({ lakeDir, runId, args: ['files'] })), { message: /does not exist/, retryable: false })
})

test('files: a missing dataset fails everything asked of it, and the task names it', async () => {
  const directory = await stage()
  await rm(join(directory, 'labels_v10'), { recursive: true })
  const outcome = await run('files')
  assert.deepEqual(outcome.failed, [
    'CRITICAL files.present.labels_v10 = 0',
    'CRITICAL files.structure.labels_v10 = null',
    'CRITICAL files.schema.labels_v10 = null',
    'CRITICAL files.rows.labels_v10 = null',
    'CRITICAL files.not_empty.labels_v10 = null',
  ])
  assert.ok(outcome.error instanceof PipelineError)
  assert.equal(outcome.error.retryable, false)
  assert.match(outcome.error.message, /^check files: 5 critical checks failed: files\.present\.labels_v10 \(0; no directory\)/)
})

test('files: what is no Parquet file, and a file without bytes, do not belong there', async () => {
  const directory = await stage()
  await writeFile(join(directory, 'labels_v10/_SUCCESS'), 'x')
  await writeFile(join(directory, 'release_styles_v1/r-00001.parquet'), '')
  await mkdir(join(directory, 'notes'))
  const outcome = await run('files')
  assert.equal(resultNamed(outcome, 'files.present.labels_v10').details, '_SUCCESS is not a Parquet file')
  assert.match(resultNamed(outcome, 'files.present.release_styles_v1').details, /r-00001\.parquet is empty$/)
  assert.deepEqual(outcome.failed, [
    'CRITICAL files.present.labels_v10 = 1',
    'CRITICAL files.present.release_styles_v1 = 2',
    'CRITICAL files.structure.release_styles_v1 = null',
    'CRITICAL files.schema.release_styles_v1 = null',
    'CRITICAL files.rows.release_styles_v1 = null',
    'WARN files.unknown_directories = 1',
  ])
})

test('files: a file that was cut, or whose footer is not its own, is broken', async () => {
  const directory = await stage()
  const labels = join(directory, `labels_v10/${runId}-00000.parquet`)
  await truncate(labels, (await readFile(labels)).length - 5)
  const masters = join(directory, `masters_v1_typed/${runId}-00000.parquet`)
  const bytes = await readFile(masters)
  // The footer of a file with more pages, behind pages that are not there.
  await writeFile(
    masters,
    Buffer.concat([bytes.subarray(0, 4), bytes.subarray(bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8))]),
  )
  const outcome = await run('files')
  assert.match(resultNamed(outcome, 'files.structure.labels_v10').details, /could not be measured: not a valid parquet file/)
  assert.match(
    resultNamed(outcome, 'files.structure.masters_v1_typed').details,
    /column chunk at \d+ to \d+ lies outside its data, which end at 4$/,
  )
})

test('files: names, order and types of the columns are those of the catalogue', async () => {
  const directory = await stage()
  const file = (name: string): string => join(directory, `${name}/${runId}-00000.parquet`)
  const columns = (name: string) => datasets.find((dataset) => dataset.name === name)?.columns ?? []
  const swapped = columns('label_urls_v1').toReversed()
  await writeParquet(file('label_urls_v1'), swapped, [])
  await writeParquet(file('label_sublabels_v1'), columns('label_sublabels_v1').slice(0, 3), [])
  const retyped = (type: string) =>
    columns('release_styles_v1').map(({ name, type: own }) => ({ name, type: name === 'position' ? type : own }))
  await writeParquet(file('release_styles_v1'), retyped('UINTEGER'), [])
  await writeParquet(file('master_styles_v1'), [...columns('master_styles_v1'), { name: 'extra', type: 'BLOB' }], [])
  const outcome = await run('files')
  const details = (name: string): string =>
    resultNamed(outcome, `files.schema.${name}`).details.replace(`${runId}-00000.parquet: `, '')
  assert.equal(details('label_urls_v1'), 'column 1 is url VARCHAR instead of label_id BIGINT')
  assert.equal(details('label_sublabels_v1'), 'column 4 is missing instead of sublabel_name VARCHAR')
  assert.equal(details('release_styles_v1'), 'column 2 is position INT32 of converted type 13 instead of position INT')
  assert.equal(details('master_styles_v1'), 'column 4 is extra BYTE_ARRAY instead of none')
})

test('files: rows and files are those that were reported', async () => {
  const directory = await stage()
  const file = join(directory, `labels_v10/${runId}-00000.parquet`)
  await copyFile(file, join(directory, `labels_v10/${runId}-00001.parquet`))
  await rm(join(directory, '_reports/build_warehouse.json'))
  const outcome = await run('files')
  const rows = resultNamed(outcome, 'files.rows.labels_v10')
  assert.deepEqual(
    [rows.value, rows.details],
    ['2', `${runId}-00001.parquet: 1 rows in the file, none reported, 1 rows reported in all`],
  )
  assert.match(
    resultNamed(outcome, 'files.rows.release_artists_v1').details,
    /could not be measured: there is no stage report build_warehouse\.json/,
  )
})

test('files: only the four record tables may not be empty', async () => {
  await stage({ releases_v6: [] })
  assert.deepEqual((await run('files')).failed, ['CRITICAL files.not_empty.releases_v6 = 0'])
})

test('keys: a NULL or a duplicate is critical in a record table', async () => {
  await stage({
    artists_v1_typed: [{ artist_id: 1n }, { artist_id: null }, { artist_id: 2n }, { artist_id: 2n }, { artist_id: 2n }],
  })
  const outcome = await run('keys')
  assert.deepEqual(outcome.failed, ['CRITICAL keys.not_null.artists_v1_typed = 1', 'CRITICAL keys.unique.artists_v1_typed = 1'])
  assert.deepEqual(resultNamed(outcome, 'keys.unique.artists_v1_typed').sample, [{ artist_id: 2, row_count: 3 }])
})

test('keys: elsewhere they are a warning, and NULL equals NULL', async () => {
  await stage({
    release_credits_v1: [
      { release_id: 10n, credit: 'artist', position: 1 },
      { release_id: 10n, credit: 'artist', position: 1 },
      { release_id: 10n, track_seq: 1, credit: 'artist', position: 1 },
    ],
    label_urls_v1: [{ label_id: 5n, position: null }],
    release_label_xref_v1: [
      { release_id: 10n, label_name: 'Warp', label_norm: 'warp', label_catno: null },
      { release_id: 10n, label_name: 'Warp', label_norm: 'warp', label_catno: 'WAP 1' },
    ],
  })
  const { failed, logs } = await run('keys')
  assert.deepEqual(failed, ['WARN keys.not_null.label_urls_v1 = 1', 'WARN keys.unique.release_credits_v1 = 1'])
  assert.ok(logs.includes('WARN keys.not_null.label_urls_v1: 1, expected = 0; 1 in position'))
})

test('keys: a dataset that cannot be read is a failed check with the reason', async () => {
  const directory = await stage()
  await rm(join(directory, 'releases_v6'), { recursive: true })
  const outcome = await run('keys')
  assert.deepEqual(outcome.failed, ['CRITICAL keys.not_null.releases_v6 = null', 'CRITICAL keys.unique.releases_v6 = null'])
  assert.match(resultNamed(outcome, 'keys.unique.releases_v6').details, /releases_v6 does not exist/)
  assert.match(outcome.logs[0] ?? '', /dataset releases_v6 of .* cannot be read: no directory/)
})

test('references: orphans are a warning with a sample, NULL refers to nothing', async () => {
  await stage({
    artist_aliases_v1_typed: [
      { artist_id: 1n, alias_id: 2n, alias_name: 'Two' },
      { artist_id: 1n, alias_id: 77n, alias_name: 'Gone' },
      { artist_id: 1n, alias_id: null, alias_name: 'No id' },
    ],
  })
  const outcome = await run('references')
  assert.deepEqual(outcome.failed, ['WARN references.artist_aliases_v1_typed.alias_id = 50.00 % (1)'])
  const { sample } = resultNamed(outcome, 'references.artist_aliases_v1_typed.alias_id')
  assert.deepEqual(sample, [{ artist_id: 1, alias_id: 77, alias_name: 'Gone' }])
})

test('references: NULL refers to nothing, also when there is nothing to refer to', async () => {
  await stage({ releases_v6: [{ release_id: 10n }, { release_id: 11n, master_id: 3n }], masters_v1_typed: [] })
  const outcome = await run('references')
  assert.deepEqual(outcome.failed, ['WARN references.releases_v6.master_id = 100.00 % (1)'])
  assert.deepEqual(resultNamed(outcome, 'references.releases_v6.master_id').sample, [{ release_id: 11, master_id: 3 }])
})

test('references: above the share they stop a complete month, and only that', async () => {
  const releases = Array.from({ length: 10_000 }, (_, index) => ({
    release_id: BigInt(index + 1),
    master_id: index < 501 ? 4n : 3n,
  }))
  await stage({ releases_v6: releases })
  assert.deepEqual((await run('references')).failed, ['CRITICAL references.releases_v6.master_id = 5.01 % (501)'])
  assert.deepEqual((await run('references', { orphan_percent: '6' })).failed, [
    'WARN references.releases_v6.master_id = 5.01 % (501)',
  ])
  await stage({ releases_v6: releases.slice(0, 9_999) })
  const small = await run('references')
  assert.deepEqual(small.failed, ['WARN references.releases_v6.master_id = 5.01 % (501)'])
  assert.match(resultNamed(small, 'references.releases_v6.master_id').details, /fewer than 10000: never critical$/)
})

test('references: a parameter that is no number is an error, not a check', async () => {
  await stage()
  const context = taskContext({ lakeDir, runId, args: ['references'], params: { orphan_percent: 'many' } })
  await assert.rejects(check(context), { message: /parameter orphan_percent is "many"/, retryable: false })
})

test('references: rows without their record, and labels counted wrong, are critical', async () => {
  await stage({
    release_styles_v1: [{ release_id: 99n, position: 1, style: 'Dub' }],
    release_genre_xref_v1: [{ release_id: 98n, genre: 'Rock', genre_norm: 'rock' }],
    label_release_counts_v1: [
      { label_norm: 'warp', label_name_sample: 'Warp', n_total_releases: 2n },
      { label_norm: 'xl', label_name_sample: 'XL', n_total_releases: 1n },
    ],
  })
  const outcome = await run('references')
  assert.deepEqual(outcome.failed, [
    'CRITICAL consistency.records.release_styles_v1 = 1',
    'CRITICAL consistency.records.release_genre_xref_v1 = 1',
    'CRITICAL consistency.label_release_counts = 2',
  ])
  assert.deepEqual(resultNamed(outcome, 'consistency.label_release_counts').sample, [
    { label_norm: 'warp', n_total_releases: 2, n_releases: 1 },
    { label_norm: 'xl', n_total_releases: 1, n_releases: null },
  ])
})

test('values: unexpected values, many NULLs and numbers out of range are told, and never stop a month', async () => {
  const artists = Array.from({ length: 6 }, (_, index) => ({
    artist_id: BigInt(index),
    name: index < 5 ? 'x' : null,
    data_quality: `new ${index}'`,
  }))
  await stage({
    artists_v1_typed: artists,
    releases_v6: [{ release_id: -1n, title: 'x', status: 'accepted', released_month: 13, released_day: 0 }],
  })
  const outcome = await run('values')
  assert.deepEqual(outcome.failed, [
    'WARN values.accepted.artists_v1_typed.data_quality = 6',
    'WARN values.accepted.releases_v6.status = 1',
    'WARN values.nulls.artists_v1_typed.name = 16.67 %',
    'WARN values.range.artists_v1_typed.artist_id = 1',
    'WARN values.range.releases_v6.release_id = 1',
    'INFO values.range.releases_v6.released_month = 1',
    'INFO values.range.releases_v6.released_day = 1',
  ])
  assert.equal(resultNamed(outcome, 'values.accepted.releases_v6.status').details, 'unexpected: "accepted"')
  assert.equal(resultNamed(outcome, 'values.accepted.artists_v1_typed.data_quality').sample.length, 5)
  assert.deepEqual(resultNamed(outcome, 'values.range.releases_v6.released_month').sample, [
    { release_id: -1, released_month: 13 },
  ])
})

test('drift: without a published snapshot there is nothing to compare with', async () => {
  await stage()
  const outcome = await run('drift')
  assert.deepEqual(
    [...new Set(outcome.results.map(({ details, previous }) => `${details} ${previous}`))],
    ['there is no previous snapshot null'],
  )
})

test('drift: fewer rows or smaller ids than the published month has are critical in a record table, a warning elsewhere', async () => {
  const releases = Array.from({ length: 100 }, (_, index) => ({ release_id: BigInt(index + 1) }))
  await publish(olderRun, { ...sound, releases_v6: releases, release_styles_v1: [{ release_id: 10n, position: 1 }] })
  await stage({ releases_v6: releases.slice(0, 98) })
  assert.deepEqual((await run('drift')).failed, ['WARN drift.rows.release_styles_v1 = 0'])
  await stage({ releases_v6: releases.slice(0, 97) })
  const outcome = await run('drift')
  assert.deepEqual(outcome.failed, [
    'CRITICAL drift.rows.releases_v6 = 97',
    'CRITICAL drift.max_id.releases_v6 = 97',
    'WARN drift.rows.release_styles_v1 = 0',
  ])
  const { expected, previous, details } = resultNamed(outcome, 'drift.rows.releases_v6')
  const advice = 'if the smaller month is right, pass --param truncation_percent=3'
  assert.deepEqual([expected, previous, details], ['>= 98 % of previous', '100', `previous snapshot ${olderRun}; ${advice}`])
  assert.ok(outcome.error instanceof PipelineError && outcome.error.hint?.endsWith(`check_drift.csv; ${advice}`))
  assert.deepEqual((await run('drift', { truncation_percent: '3' })).failed, ['WARN drift.rows.release_styles_v1 = 0'])
})

test('drift: a dataset that the published snapshot does not have is no drift', async () => {
  await publish(olderRun, sound)
  await rm(join(runDir(lakeDir, olderRun), 'release_styles_v1'), { recursive: true })
  await stage()
  const outcome = await run('drift')
  assert.deepEqual(outcome.failed, [])
  const { severity, details } = resultNamed(outcome, 'drift.rows.release_styles_v1')
  assert.deepEqual([severity, details], ['INFO', `previous snapshot ${olderRun}: no directory`])
})

test('drift: generated and real dumps are not compared with each other', async () => {
  const releases = Array.from({ length: 100 }, (_, index) => ({ release_id: BigInt(index + 1) }))
  await publish('2099-01__20990120_060000', { ...sound, releases_v6: releases })
  await stage()
  const detailsOf = async (): Promise<unknown> => {
    const { previous, details } = resultNamed(await run('drift'), 'drift.rows.releases_v6')
    return [previous, details]
  }
  assert.deepEqual(await detailsOf(), [null, 'the published 2099-01__20990120_060000 was made from generated dumps'])
  await writeReportedRun(runDir(lakeDir, olderRun), olderRun, sound)
  await symlink(`_runs/${olderRun}`, join(lakeDir, 'active__prev_20260401_000000000'))
  assert.deepEqual(await detailsOf(), ['2', `previous snapshot ${olderRun}`])
  await stage({}, { generated: true })
  assert.deepEqual((await run('drift')).failed, ['WARN drift.rows.releases_v6 = 2', 'WARN drift.max_id.releases_v6 = 11'])
})

test('drift: an older month may be smaller than the published one', async () => {
  await publish(newerRun, { ...sound, artists_v1_typed: [1n, 2n, 3n].map((artist_id) => ({ artist_id })) })
  await stage()
  const outcome = await run('drift')
  assert.deepEqual(outcome.failed, ['WARN drift.rows.artists_v1_typed = 2', 'WARN drift.max_id.artists_v1_typed = 2'])
  assert.match(resultNamed(outcome, 'drift.rows.artists_v1_typed').details, /is of a later month/)
})

test('census: unknown paths, rejected records, unverified dumps and mixed dates are told', async () => {
  await stage(
    {},
    {
      census: [
        { path: 'artists/artist/@new', count: 7, status: 'unknown' },
        { path: 'artists/artist/id', count: 2, status: 'mapped' },
      ],
      quarantined: 2,
      verification: 'unverified',
      dates: { labels: '20260402' },
    },
  )
  const within = await run('census', { quarantine_cap: '2' })
  assert.deepEqual(within.failed, [
    'WARN census.unknown_paths.artists = 1',
    'WARN census.quarantine.artists = 2',
    'INFO census.source_hash.artists = unverified',
    'INFO census.source_hash.labels = unverified',
    'INFO census.source_hash.masters = unverified',
    'INFO census.source_hash.releases = unverified',
    'WARN census.dump_dates = 20260401, 20260402',
  ])
  const unknown = resultNamed(within, 'census.unknown_paths.artists')
  assert.deepEqual([unknown.details, unknown.sample], ['artists/artist/@new (7)', [{ path: 'artists/artist/@new', count: 7 }]])
  assert.ok((await run('census', { quarantine_cap: '1' })).failed.includes('CRITICAL census.quarantine.artists = 2'))
})

test('census: a dump of which nothing is known fails its checks', async () => {
  const directory = await stage()
  await unlink(join(directory, '_reports/ingest_masters.json'))
  assert.deepEqual((await run('census')).failed, [
    'WARN census.unknown_paths.masters = null',
    'CRITICAL census.quarantine.masters = null',
    'INFO census.source_hash.masters = null',
    'WARN census.dump_dates = null',
  ])
})

test('a task that is told to stop records no failed checks', async () => {
  await stage()
  const controller = new AbortController()
  const context = taskContext({
    lakeDir,
    runId,
    args: ['keys'],
    signal: controller.signal,
    progress: ({ done }) => done === 3 && controller.abort(),
  })
  await assert.rejects(check(context), /aborted/)
  assert.deepEqual(context.heard.checks, [])
})

test('every check that asks with SQL works on tables without rows', async () => {
  await stage(Object.fromEntries(Object.keys(sound).map((name) => [name, []])))
  for (const group of ['keys', 'references', 'values', 'drift'] as const) assert.deepEqual((await run(group)).failed, [])
})
