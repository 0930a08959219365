/** What `dag doctor` says of a real Trino server. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Finding, Findings, type Verdict } from '../../src/cli/doctor/finding.ts'
import { examineClock, examineTrino } from '../../src/cli/doctor/trino.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import { runSchema, syncTrino } from '../../src/serving/trino-lake.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { dropSchema } from '../../src/sql/trino-sync.ts'
import { publishedSchemas } from '../support/published-schemas.ts'
import { skipTrino, trinoServer } from '../support/trino-server.ts'
import { publish, removeRun, sealSmallRun } from './small-lake.ts'
import { Place } from './support.ts'

// Only the test that takes its turn publishes something: the schema of what is published is shared by all tests of the server.
const place = new Place()
const only = ['releases_v6', 'labels_v10']
const [runId, otherId] = [`2026-01__doctor_${process.pid}_${Date.now()}`, `2026-02__doctor_${process.pid}_${Date.now()}`]
let trino: TrinoSettings
let engine: TrinoEngine

before(async () => {
  if (skipTrino !== false) return
  trino = await trinoServer()
  engine = await TrinoEngine.open(trino)
  await sealSmallRun(place.lakeDir, { runId, dumpMonth: '2026-01', releases: 3, only })
})
after(async () => {
  if (skipTrino === false)
    for (const one of [runId, otherId]) await engine.execute(`DROP SCHEMA IF EXISTS ${runSchema(one)} CASCADE`)
  place[Symbol.dispose]()
})

function configWith(more: Partial<TrinoSettings> = {}): Config {
  return { ...loadConfig({ environment: place.env }), trino: { ...trino, ...more } }
}

function assertFinding(findings: readonly Finding[], check: string, verdict: Verdict, found: RegExp, advice?: RegExp): void {
  const one = findings.find((finding) => finding.check === check)
  assert.ok(one !== undefined, `${check} in ${JSON.stringify(findings)}`)
  assert.equal(one.verdict, verdict, JSON.stringify(one))
  assert.match(one.found, found)
  if (advice !== undefined) assert.match(one.advice ?? '', advice)
}

describe('a server', { skip: skipTrino }, () => {
  test('that answers, sees this lake, and does not know its runs yet; the probe leaves nothing', async () => {
    const findings = await examineTrino(configWith())
    assertFinding(findings, 'server', 'ok', /^http:\/\/.*, version \d+$/)
    assertFinding(findings, 'catalog', 'ok', /connector hive/)
    assertFinding(findings, 'clock', 'ok', /same as here|\d s (behind|ahead)/)
    assertFinding(findings, 'same lake', 'ok', /a file written here was read at local:\/\//)
    assertFinding(findings, 'registered', 'none', new RegExp(`0 schemas of 1; missing: ${runSchema(runId)}`), /dag trino sync/)
    const left = await engine.query(
      "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'discogs_doctor_%'",
    )
    assert.deepEqual([left, readdirSync(join(place.lakeDir, '_meta'))], [[], []])
  })

  test('on which the runs are registered where they lie', async () => {
    await syncTrino({ lakeDir: place.lakeDir, trino, runs: 'all', active: false })
    const findings = await examineTrino(configWith())
    assertFinding(findings, 'registered', 'ok', /1 schema of 1/)
    assertFinding(findings, 'locations', 'ok', /2 tables where the lake is/)
    assertFinding(findings, 'rows', 'ok', /2 tables with the rows of the manifests/)
  })

  test('for which the lake has another URI: it would answer without a row and without an error', async () => {
    const findings = await examineTrino(configWith({ lakeUri: `file://${place.lakeDir}` }))
    assertFinding(findings, 'same lake', 'wrong', /sees no row of a file written to file:\/\//, /TRINO_LAKE_URI must be/)
  })

  test('on which another directory is the lake', async () => {
    const findings = await examineTrino(configWith({ lakeUri: `local://${place.dir}/elsewhere` }))
    assertFinding(findings, 'same lake', 'wrong', /cannot be read at local:\/\/.*elsewhere/, /TRINO_LAKE_URI must be/)
    assert.deepEqual(readdirSync(join(place.lakeDir, '_meta')), [])
  })

  test('with a table at a wrong place: its location and its rows give it away', async () => {
    const table = `${runSchema(runId)}.releases_v6`
    const wrong = `local://${place.lakeDir}/_runs/${runId}/labels_v10`
    await engine.execute(`DROP TABLE ${table}`)
    await engine.execute(`CREATE TABLE ${table} (release_id bigint) WITH (external_location = '${wrong}', format = 'PARQUET')`)
    const findings = await examineTrino(configWith())
    assertFinding(findings, 'locations', 'wrong', /releases_v6 lies at .*labels_v10, expected .*releases_v6/, /dag trino sync/)
    assertFinding(findings, 'rows', 'wrong', /releases_v6: 0 rows instead of 3/, /dag trino sync/)
  })

  test('with the schema of a run that the lake has not any more', async () => {
    await sealSmallRun(place.lakeDir, { runId: otherId, dumpMonth: '2026-02', releases: 1, only })
    await syncTrino({ lakeDir: place.lakeDir, trino, runs: [otherId], active: false })
    removeRun(place.lakeDir, otherId)
    const findings = await examineTrino(configWith())
    assertFinding(findings, 'orphans', 'wrong', new RegExp(`no sealed run is behind ${runSchema(otherId)}`), /trino sync --drop/)
  })

  test('on which a killed doctor left its probe: the next one removes it', async () => {
    const directory = join(place.lakeDir, '_meta', 'doctor-1600000000000_dead')
    mkdirSync(directory)
    utimesSync(directory, 1.6e9, 1.6e9)
    const schema = `discogs_doctor_1600000000000_${process.pid}`
    await engine.execute(`CREATE SCHEMA ${schema}`)
    await examineTrino(configWith())
    const left = await engine.query('SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?', [schema])
    assert.deepEqual([existsSync(directory), left], [false, []])
  })

  test('whose clock is ahead or behind', async () => {
    for (const [offsetMs, verdict, found] of [
      [0, 'ok', /the same as here/],
      [2_000, 'ok', /[12]\.\d s behind this machine/],
      [60_000, 'wrong', /the server is (59|60)\.\d s behind this machine/],
      [-60_000, 'wrong', /the server is (59|60)\.\d s ahead of this machine/],
    ] as const) {
      const findings = new Findings('trino')
      await examineClock(findings, engine, () => Date.now() + offsetMs)
      assertFinding(findings.list, 'clock', verdict, found, verdict === 'ok' ? undefined : /NTP/)
    }
  })

  test('on which discogs_stable shows another run than the published one, or lacks a view', async () => {
    const endTurn = await publishedSchemas()
    try {
      await sealSmallRun(place.lakeDir, { runId: otherId, dumpMonth: '2026-02', releases: 1, only })
      publish(place.lakeDir, otherId)
      await syncTrino({ lakeDir: place.lakeDir, trino, runs: [runId], active: true })
      assertFinding(await examineTrino(configWith()), 'discogs_stable', 'ok', new RegExp(`4 views of ${otherId}`))
      await engine.execute('DROP VIEW discogs_stable.labels_ref_v10')
      publish(place.lakeDir, runId)
      const findings = await examineTrino(configWith())
      const shows = `the view releases_v6 shows ${runSchema(otherId)}, not ${runSchema(runId)}`
      assertFinding(findings, 'discogs_stable', 'wrong', new RegExp(shows), /dag trino sync --active/)
      assertFinding(findings, 'discogs_stable', 'wrong', /the view labels_ref_v10 is missing/)
    } finally {
      for (const schema of ['discogs', 'discogs_stable']) await dropSchema(engine, schema)
      endTurn()
    }
  })

  test('without such a catalog', async () => {
    assertFinding(
      await examineTrino(configWith({ catalog: 'nowhere' })),
      'server',
      'wrong',
      /no catalog nowhere/,
      /TRINO_CATALOG/,
    )
  })
})

test('a server that is not there', async () => {
  const settings = {
    url: 'http://127.0.0.1:9',
    catalog: 'hive',
    user: 'discogs',
    password: null,
    jwt: null,
    caFile: null,
    lakeUri: null,
  }
  const findings = await examineTrino({ ...loadConfig({ environment: place.env }), trino: settings })
  assertFinding(findings, 'server', 'wrong', /127\.0\.0\.1:9 cannot be asked|ECONNREFUSED/, /./)
})
