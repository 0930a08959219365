/** The whole of `main`, a run after another in one lake, as an operator would see them: every step builds on the one before. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { generateDumps } from '../../src/demo/generate.ts'
import { activeShape, dag, listing, month, outcomeShape, Place, releases, taskShape } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

const publishing = ['--param', `dump_month=${month}`, '--param', 'run_mode=prod', '--param', 'allow_promote=true']
const session = (hour: string): readonly string[] => ['--session', `${month}-20 ${hour}:00:00`]
const runOf = (hour: string): string => `${month}__${month.replace('-', '')}20_${hour}0000`
const [first, second, third] = [runOf('06'), runOf('07'), runOf('08')]
const target = (): string => readlinkSync(join(place.lakeDir, 'active'))

test('a run in prod that may promote publishes what it ingested', async () => {
  await place.generate()
  const { code, stdout, stderr } = await place.dag('trigger', 'main', ...session('06'), ...publishing)
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, new RegExp(`run ${first} . success\n$`))
  assert.equal(target(), `_runs/${first}`)
})

test('active, sql, status, tasks, runs and logs answer for the published run', async () => {
  const promotion = z.object({ promotion: z.object({ kind: z.string(), fromRunId: z.null(), verdict: z.string() }) })
  const runs = z.array(z.object({ runId: z.string(), state: z.string(), active: z.boolean() }))
  const [active, n, status, tasks, listed, log, missing] = await Promise.all([
    place.json(activeShape.extend(promotion.shape), 'active'),
    place.releases(),
    place.json(z.object({ state: z.string(), active: z.boolean(), checks: z.array(z.unknown()) }), 'status', 'latest'),
    place.json(z.array(taskShape), 'tasks', first),
    place.json(runs, 'runs'),
    place.dag('logs', first, 'ingest.releases', '--follow'),
    place.dag('logs', first, 'ingest.release'),
  ])
  assert.deepEqual([active.runId, active.dir, active.previous], [first, place.runDir(first), []])
  assert.match(
    active.promotion.verdict,
    new RegExp(`^${status.checks.length - checksBesideGate(status.checks)} checks, 0 critical`),
  )
  assert.equal(n, releases)
  assert.equal(tasks.find((task) => task.taskId === 'ingest.releases')?.rows?.['releases_v6'], n)
  const datasets = tasks.flatMap((task) => Object.keys(task.rows ?? {}))
  assert.equal(new Set(datasets).size, datasets.length, 'each dataset is written by one task')
  assert.deepEqual([status.state, status.active], ['success', true])
  assert.deepEqual([...new Set(tasks.map((task) => task.state))], ['success'])
  assert.deepEqual(listed, [{ runId: first, state: 'success', active: true }])
  assert.match(
    log.stdout,
    new RegExp(
      `reading .*_releases\\.xml\\.gz, \\d+ bytes\n.*first records \\d+ ms after the process began\n.*read ${releases} records, 0 of them quarantined`,
    ),
  )
  assert.deepEqual([missing.code, missing.stderr.includes('did you mean "ingest.releases"?')], [4, true])
})

test('the same session again is a conflict that names the run, and a finished run cannot be retried', async () => {
  const [again, retried] = await Promise.all([
    place.dag('trigger', 'main', ...session('06'), '--param', `dump_month=${month}`),
    place.dag('retry', first),
  ])
  assert.equal(again.code, 3)
  assert.match(again.stderr, new RegExp(`has a run for session ${month}-20 06:00:00 already: ${first}`))
  assert.equal(retried.code, 3)
  assert.match(retried.stderr, /there is nothing to retry/)
})

test('a bad query fails with the words of the engine, an unknown run with the nearest one', async () => {
  const [bad, unknown] = await Promise.all([place.dag('sql', 'select nope'), place.dag('status', first.slice(0, -1))])
  assert.deepEqual([bad.code, bad.stdout], [1, ''])
  assert.match(bad.stderr, /duckdb: select nope: .*"nope" was not found/)
  assert.equal(unknown.code, 4)
  assert.match(unknown.stderr, new RegExp(`did you mean "${first}"\\?`))
})

test('a dev run is sealed and can be asked, and publishes nothing', async () => {
  const before = listing(place.runDir(first))
  const outcome = await place.json(outcomeShape, 'trigger', 'main', ...session('07'), '--param', `dump_month=${month}`)
  assert.equal(outcome.state, 'success')
  assert.deepEqual(
    outcome.tasks.filter((task) => task.state !== 'success').map(({ taskId, state, reason }) => [taskId, state, reason]),
    [
      ['promote', 'skipped', 'guardrail: allow_promote is false, not true; run_mode is dev, not prod'],
      ['report', 'skipped', 'promote was skipped'],
    ],
  )
  assert.equal(target(), `_runs/${first}`)
  assert.deepEqual(listing(place.runDir(first)), before)
  assert.deepEqual(writable(second), [])
  assert.equal(await place.releases('--run', second), releases)
})

test('no command makes a sealed run worse: its data cannot be made again, and it stays promotable', async () => {
  const before = listing(place.runDir(second))
  const refused = await Promise.all([
    place.dag('retry', second, '--task', 'build', '--downstream'),
    place.dag('retry', second, '--task', 'ingest.labels', '--downstream'),
    place.dag('retry', second, '--task', 'preflight', '--downstream'),
    place.dag('mark', second, 'build', 'failed', '--reason', 'a test'),
  ])
  assert.deepEqual(
    refused.map(({ code }) => code),
    [3, 3, 3, 3],
  )
  assert.match(
    refused[0].stderr,
    new RegExp(`^dag: run ${second} is sealed and its data never changes: build cannot run again\nhint: `),
  )
  assert.match(refused[3].stderr, /task build of run .* cannot be marked: the run is sealed/)
  const state = z.object({ state: z.string(), attempt: z.number() })
  assert.deepEqual(await place.json(state, 'status', second), { state: 'success', attempt: 1 })
  assert.deepEqual(listing(place.runDir(second)), before)
  assert.ok(!existsSync(join(place.lakeDir, '_runs', `.staging-${second}`)))
})

test('the example of `dag retry --help` runs the report of the latest run again', async () => {
  const help = await place.dag('retry', '--help')
  const example = /^ {2}dag (retry latest --task .*)$/m.exec(help.stdout)?.[1] ?? ''
  const { code, stdout, stderr } = await place.dag(...example.split(' '))
  assert.equal(code, 0, stdout + stderr)
})

test('promote by hand publishes the dev run, rollback brings the first one back, and both are in the audit trail', async () => {
  const promoted = await place.dag('promote', second, '--reason', 'reviewed')
  assert.deepEqual(promoted, { code: 0, stdout: `active moved from ${first} to ${second}\n`, stderr: '' })
  const audit = activeShape.extend({ promotion: z.object({ kind: z.string(), reason: z.string() }) })
  const active = await place.json(audit, 'active')
  assert.deepEqual(
    [active.runId, active.previous.map((link) => link.runId), active.promotion],
    [second, [first], { kind: 'promote', reason: 'reviewed' }],
  )
  const back = await place.dag('rollback', '--reason', 'wrong genres')
  assert.deepEqual(back, { code: 0, stdout: `active moved from ${second} to ${first}\n`, stderr: '' })
  assert.equal(target(), `_runs/${first}`)
  assert.deepEqual((await place.json(audit, 'active')).promotion, { kind: 'rollback', reason: 'wrong genres' })
  const twice = await place.dag('rollback')
  assert.deepEqual([twice.code, target()], [4, `_runs/${first}`])
  assert.match(twice.stderr, /there is no snapshot before/)
})

test('commands on a run look into its own lake: another one is refused, and none is needed', async () => {
  const elsewhere = { ...place.env, DISCOGS_DATA_LAKE: join(place.dir, 'lake2') }
  const { DISCOGS_DATA_LAKE: _lake, DISCOGS_RAW: _raw, ...unset } = place.env
  const query = ['sql', 'select count(*) as n from releases_v6', '--run', first, '--json']
  const [status, found, ...refused] = await Promise.all([
    dag(['status', first, '--json'], elsewhere),
    dag(query, unset),
    dag(query, elsewhere),
    dag(['promote', first], elsewhere),
    dag(['retry', first, '--task', 'report'], elsewhere),
    dag(['diff', first, second], elsewhere),
  ])
  const shape = z.object({ active: z.boolean(), lakeDir: z.string(), rawDir: z.string() })
  assert.deepEqual(shape.parse(JSON.parse(status.stdout)), { active: true, lakeDir: place.lakeDir, rawDir: place.rawDir })
  assert.equal(found.code, 0, found.stderr)
  for (const { code, stderr } of refused)
    assert.deepEqual(
      [code, stderr.split('\n')[0]],
      [3, `dag: run ${first} belongs to the lake ${place.lakeDir}, but DISCOGS_DATA_LAKE is ${elsewhere.DISCOGS_DATA_LAKE}`],
    )
  assert.ok(!existsSync(elsewhere.DISCOGS_DATA_LAKE))
})

test('a dump that is cut short fails its ingest by name and offset, and what is published stays byte for byte', async () => {
  const published = { first: listing(place.runDir(first)), second: listing(place.runDir(second)) }
  const dump = place.dumpFile('releases')
  const whole = readFileSync(dump)
  truncateSync(dump, Math.floor(whole.length / 2))
  const failed = await place.dag('trigger', 'main', ...session('08'), ...publishing)
  assert.equal(failed.code, 1, failed.stdout)
  const [log, tasks] = await Promise.all([
    place.dag('logs', third, 'ingest.releases'),
    place.json(z.array(taskShape), 'tasks', third),
  ])
  for (const text of [log.stdout, failed.stdout]) {
    assert.ok(text.includes(dump), text)
    assert.match(text, /cut short near byte \d+ of the gzip file/)
  }
  assert.match(failed.stdout, new RegExp(`bin/dag retry ${third}`))
  assert.equal(target(), `_runs/${first}`)
  assert.deepEqual({ first: listing(place.runDir(first)), second: listing(place.runDir(second)) }, published)

  writeFileSync(dump, whole)
  const retried = await place.json(outcomeShape, 'retry', third)
  assert.equal(retried.state, 'success')
  const succeeded = tasks.filter((task) => task.state === 'success')
  assert.ok(succeeded.length >= 3, 'preflight, download and another ingest at least')
  assert.deepEqual(
    retried.tasks.filter((task) => task.carriedFrom !== null).map(({ taskId, startedAt }) => [taskId, startedAt]),
    succeeded.map(({ taskId, startedAt }) => [taskId, startedAt]),
  )
  assert.equal(target(), `_runs/${third}`)
  assert.equal(await place.releases(), releases)
  assert.deepEqual({ first: listing(place.runDir(first)), second: listing(place.runDir(second)) }, published)
})

test('an older month is not published unless it is forced, and its run succeeds with a report on its own snapshot', async () => {
  const [older, olderRun] = ['2026-03', '2026-03__20260320_060000']
  await generateDumps({ directory: join(place.rawDir, older), month: older, releases })
  const params = ['--param', `dump_month=${older}`, ...publishing.slice(2)]
  const outcome = await place.json(outcomeShape, 'trigger', 'main', '--session', `${older}-20 06:00:00`, ...params)
  const stateOf = (id: string): string | undefined => outcome.tasks.find((task) => task.taskId === id)?.state
  assert.deepEqual([outcome.state, stateOf('promote'), stateOf('report')], ['success', 'skipped', 'success'])
  const held = `its month ${older} is older than ${month}, the month of the published run ${third}`
  assert.ok(outcome.tasks.find((task) => task.taskId === 'promote')?.reason?.startsWith(`${held}; `))
  const { stdout: log } = await place.dag('logs', olderRun, 'report')
  assert.ok(log.includes(`run ${olderRun} is not published (active is ${third}): this report is on its own snapshot`), log)
  const refused = await place.dag('promote', olderRun)
  const hint = `hint: \`dag promote ${olderRun} --force\` publishes it all the same`
  assert.deepEqual([refused.code, refused.stderr], [3, `dag: run ${olderRun} was not published: ${held}\n${hint}\n`])
  assert.equal(target(), `_runs/${third}`)
  assert.equal((await place.dag('promote', olderRun, '--force')).code, 0)
  assert.equal(target(), `_runs/${olderRun}`)
  assert.equal((await place.dag('rollback')).code, 0)
  assert.equal(target(), `_runs/${third}`)
})

test('when the site replaces the dumps between two attempts, the retry ingests the new ones and never mixes both', async () => {
  const fourth = runOf('09')
  const dump = place.dumpFile('releases')
  const whole = readFileSync(dump)
  truncateSync(dump, Math.floor(whole.length / 2))
  assert.equal((await place.dag('trigger', 'main', ...session('09'), '--param', `dump_month=${month}`)).code, 1)
  writeFileSync(dump, whole)
  const artists = place.dumpFile('artists')
  writeFileSync(artists, gzipSync(gunzipSync(readFileSync(artists)).toString().replaceAll('<name>', '<name>X')))
  const hashes = (['artists', 'labels', 'masters', 'releases'] as const).map((name) => {
    const path = place.dumpFile(name)
    return `${createHash('sha256').update(readFileSync(path)).digest('hex')} ${basename(path)}\n`
  })
  writeFileSync(join(dirname(artists), `${basename(artists).slice(0, 17)}CHECKSUM.txt`), hashes.join(''))
  const retried = await place.dag('retry', fourth, '--replan', '--param', 'quarantine_cap=3', '--json')
  const { state, tasks } = outcomeShape.parse(JSON.parse(retried.stdout))
  assert.equal(
    retried.stderr,
    `the definition has not changed\ningest.artists runs again: ${artists} has been replaced since it was read\n`,
  )
  const isKept = (id: string): boolean => tasks.some(({ taskId, carriedFrom }) => taskId === id && carriedFrom !== null)
  assert.equal(state, 'success', JSON.stringify(tasks))
  assert.deepEqual(
    ['artists', 'labels', 'masters', 'releases'].map((one) => isKept(`ingest.${one}`)),
    [false, true, true, false],
  )
  const { params } = await place.json(z.object({ params: z.record(z.string(), z.string()) }), 'status', fourth)
  assert.equal(params['quarantine_cap'], '3')
  const names = await place.dag(
    'sql',
    "select count(*) as n from artists_v1_typed where name not like 'X%'",
    '--run',
    fourth,
    '--format',
    'csv',
  )
  assert.equal(names.stdout.trim().split(/\s+/).at(-1), '0', names.stdout)
})

/** What of a sealed run its owner may still write to, the reports apart. */
function writable(runId: string): readonly string[] {
  const directory = place.runDir(runId)
  const names = Object.keys(listing(directory)).filter((name) => !name.startsWith('_reports'))
  return names.filter((name) => (lstatSync(join(directory, name)).mode & 0o222) !== 0)
}

/** Checks that came after the verdict: those of the published snapshot. */
function checksBesideGate(checks: readonly unknown[]): number {
  const names = z.array(z.object({ checkName: z.string() })).parse(checks)
  return names.filter(({ checkName }) => checkName.includes('_sanity.') || checkName.startsWith('preflight.')).length
}
