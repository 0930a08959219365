/** Months as they really come, through the whole of `main` and the history: of two days, without root elements, and a quick look at one. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { dumps } from '../../src/discogs/catalogue.ts'
import { generatedMark } from '../../src/discogs/generated-mark.ts'
import { readManifest } from '../../src/lake/manifest.ts'
import { month as fullMonth, outcomeShape, Place, releases } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

const oldMonth = '2026-05'
const [full, old, look] = ['2026-04__20260420_060000', '2026-05__20260520_060000', '2026-05__20260520_070000'] as const
const limit = 20
const publishing = ['--param', 'run_mode=prod', '--param', 'allow_promote=true']

/** The dumps of the full month again, real ones by their look, and without roots; two of them are a week older than the others. */
function makeMonths(): void {
  mkdirSync(join(place.rawDir, oldMonth))
  rmSync(join(place.rawDir, fullMonth, 'discogs_20260401_CHECKSUM.txt'))
  for (const dump of dumps) {
    const file = place.dumpFile(dump.name)
    const xml = gunzipSync(readFileSync(file)).toString().replace(generatedMark, '')
    writeFileSync(file, gzipSync(xml))
    const day = ['masters', 'releases'].includes(dump.name) ? '03' : '10'
    const rootless = xml.replaceAll(new RegExp(`</?${dump.root}>`, 'g'), '').replace(/^<\?xml.*?\?>/, '')
    assert.match(rootless, new RegExp(`^\\s*<${dump.record}[ >]`))
    writeFileSync(join(place.rawDir, oldMonth, `discogs_202605${day}_${dump.name}.xml.gz`), gzipSync(rootless))
  }
}

before(async () => {
  await place.generate()
  makeMonths()
  const { code, stdout } = await place.dag('backfill', 'main', '--from', fullMonth, '--to', oldMonth, ...publishing)
  assert.equal(code, 0, stdout)
})

test('a month of two days without root elements loads as any other, and a warning names the days', async () => {
  const checks = z.array(z.object({ checkName: z.string(), severity: z.string(), ok: z.boolean(), details: z.string() }))
  const status = await place.json(z.object({ state: z.string(), active: z.boolean(), checks }), 'status', old)
  assert.deepEqual([status.state, status.active], ['success', true])
  assert.deepEqual(
    status.checks.filter(({ checkName }) => checkName === 'preflight.one_day'),
    [
      {
        checkName: 'preflight.one_day',
        severity: 'WARN',
        ok: false,
        details: 'artists, labels of 20260510; masters, releases of 20260503',
      },
    ],
  )
  assert.deepEqual(
    readManifest(place.runDir(old)).inputs.map(({ file }) => file),
    ['20260510_artists', '20260510_labels', '20260503_masters', '20260503_releases'].map((name) => `discogs_${name}.xml.gz`),
  )
  assert.equal(await place.releases('--run', old), releases)
  const differences = await place.json(diffShape, 'diff', full, old)
  assert.ok(differences.datasets.length > 30)
  for (const { dataset, added, removed, changed } of differences.datasets)
    assert.deepEqual([added ?? 0, removed ?? 0, changed ?? 0], [0, 0, 0], dataset)
})

const counted = z.coerce.number().nullable()
const diffShape = z.object({
  datasets: z.array(z.object({ dataset: z.string(), rowsAfter: counted, added: counted, removed: counted, changed: counted })),
})

test('limit=N takes the first records; such a run is never published unasked, and answers only by its name', async () => {
  const session = ['--session', '2026-05-20 07:00:00', '--param', `dump_month=${oldMonth}`]
  const outcome = await place.json(outcomeShape, 'trigger', 'main', ...session, ...publishing, '--param', `limit=${limit}`)
  assert.equal(outcome.runId, look)
  const promotion = outcome.tasks.find(({ taskId }) => taskId === 'promote')
  assert.equal(promotion?.state, 'skipped')
  assert.match(promotion?.reason ?? '', /^it holds only the first 20 records of each dump; `dag promote .* allow_partial/)
  const { partial, inputs } = readManifest(place.runDir(look))
  assert.deepEqual(partial, { limit })
  // There are fewer masters than that: their file was read to its end.
  for (const { dump, sha256, firstRecords, verification } of inputs) {
    const isWhole = dump === 'masters'
    assert.deepEqual([sha256 !== null, firstRecords, verification], [isWhole, isWhole ? undefined : limit, 'unverified'], dump)
  }
  const counts = [['--run', look], ['--run', 'latest'], ['--as-of', oldMonth], []].map((more) => place.releases(...more))
  assert.deepEqual(await Promise.all(counts), [limit, releases, releases, releases])
  const shape = z.object({ checks: z.array(z.object({ checkName: z.string(), severity: z.string(), details: z.string() })) })
  const { checks } = await place.json(shape, 'status', look)
  const skipped = checks.filter(({ details }) => details === 'skipped: the run holds only the first 20 records of each dump')
  assert.deepEqual([...new Set(skipped.map(({ checkName }) => checkName.split('.', 1).join()))].toSorted(), [
    'drift',
    'duckdb_sanity',
    'references',
  ])
  assert.deepEqual([...new Set(skipped.map(({ severity }) => severity))], ['INFO'])
})

test('compared with a full month, a limited run shows what it lacks, and a note says why', async () => {
  const { code, stdout, stderr } = await place.dag('diff', full, look, '--json')
  assert.equal(code, 0, stderr)
  assert.match(stderr, new RegExp(`note: ${look} holds only the first records of each dump`))
  const { datasets } = diffShape.parse(JSON.parse(stdout))
  const ofReleases = datasets.find(({ dataset }) => dataset === 'releases_v6')
  assert.deepEqual(ofReleases, { dataset: 'releases_v6', rowsAfter: limit, added: 0, removed: releases - limit, changed: 0 })
})

test('the history takes up months of any shape, and leaves a limited run out with the reason', async () => {
  const { code, stdout } = await place.dag('trigger', 'history', '--session', '2026-05-20 18:00:00')
  assert.equal(code, 0, stdout)
  const rows = z.object({ rows: z.array(z.record(z.string(), z.unknown())) })
  const query = (sql: string): Promise<z.output<typeof rows>> => place.json(rows, 'sql', sql)
  const registry = await query('select run_id, state, reason from discogs_history.run_registry_latest order by run_id')
  assert.deepEqual(registry.rows, [
    { run_id: full, state: 'registered', reason: null },
    { run_id: old, state: 'registered', reason: null },
    { run_id: look, state: 'excluded', reason: 'it holds only the first 20 records of each dump' },
  ])
  const measured = await query(
    'select distinct run_id from discogs_history.growth_latest union select distinct run_id from discogs_history.kpi_snapshot_latest order by 1',
  )
  assert.deepEqual(
    measured.rows.map(({ run_id }) => run_id),
    [full, old],
  )
})
