import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isGeneratedRun } from '../../src/lake/generated.ts'
import { runDir, runsDir, stagingDir } from '../../src/lake/layout.ts'
import { readManifest } from '../../src/lake/manifest.ts'
import { readStageReports } from '../../src/lake/read-stage-reports.ts'
import { verifyManifest } from '../../src/lake/run-files.ts'
import { sealRun, sealSteps } from '../../src/lake/seal.ts'
import { writeStageReport } from '../../src/lake/stage-report.ts'
import { runChild } from './child.ts'
import { LakeLab, layoutOf, parts } from './lake-lab.ts'

/** sha256 of `PAR1 r1 albums PAR1` and `PAR1 r1 songs PAR1`, by sha256sum(1). */
const albums = 'b532f2e720eefca5715b2f9e940828efb508e1a65cc05dd4689c26758059d020'
const songs = '50183985a6cc71f20bd827996e01c8bb35c63e2e72e27e131383f3cfd590d21d'

const manifest = `{
  "format_version": 1,
  "run_id": "r1",
  "dag": "main",
  "session": "2026-01-20 20:55:49",
  "params": {
    "dump_month": "2026-01",
    "run_mode": "prod"
  },
  "code": {
    "version": "1.2.3",
    "commit": null
  },
  "inputs": [
    {
      "dump": "artists",
      "file": "discogs_20260101_artists.xml.gz",
      "bytes": 7,
      "sha256": "abababababababababababababababababababababababababababababababab",
      "verification": "verified"
    }
  ],
  "datasets": [
    {
      "name": "albums",
      "rows": 1,
      "files": [
        {
          "path": "albums/r1-00000.parquet",
          "bytes": 19,
          "rows": 1,
          "sha256": "${albums}"
        }
      ]
    },
    {
      "name": "songs",
      "rows": 1,
      "files": [
        {
          "path": "songs/r1-00000.parquet",
          "bytes": 18,
          "rows": 1,
          "sha256": "${songs}"
        }
      ]
    }
  ]
}
`

/** A sealed run, whole: nothing but the reports may be written. */
function sealedLayout(lab: LakeLab): string[] {
  const report = readFileSync(join(runDir(lab.lakeDir, 'r1'), '_reports/ingest_artists.json')).length
  return [
    '555 r1/',
    `444 r1/_manifest.json ${manifest.length}`,
    '755 r1/_reports/',
    `644 r1/_reports/ingest_artists.json ${report}`,
    '644 r1/_reports/notes.csv 4',
    '555 r1/albums/',
    '444 r1/albums/r1-00000.parquet 19',
    '555 r1/songs/',
    '444 r1/songs/r1-00000.parquet 18',
  ]
}

test('a sealed run is its data, read-only, with a manifest that names every file, and writable reports', async () => {
  using lab = new LakeLab()
  lab.stage('r1')
  const sealed = await sealRun(lab.lakeDir, 'r1', parts)
  assert.deepEqual(layoutOf(runsDir(lab.lakeDir)), sealedLayout(lab))
  assert.equal(readFileSync(join(sealed.directory, '_manifest.json'), 'utf8'), manifest)
  assert.deepEqual([sealed.directory, sealed.sealedNow], [runDir(lab.lakeDir, 'r1'), true])
  assert.deepEqual(sealed.manifest, readManifest(sealed.directory))
  assert.deepEqual(await verifyManifest(sealed.directory), [])
})

test('the same run sealed in another lake has the same manifest, byte for byte', async () => {
  using one = new LakeLab()
  using other = new LakeLab()
  for (const [lab, datasets] of [
    [one, ['songs', 'albums']],
    [other, ['albums', 'songs']],
  ] as const) {
    lab.stage('r1', datasets)
    const params = { dump_month: '2026-01', run_mode: 'prod' }
    await sealRun(lab.lakeDir, 'r1', { ...parts, params })
    assert.equal(readFileSync(join(runDir(lab.lakeDir, 'r1'), '_manifest.json'), 'utf8'), manifest)
  }
})

test('the manifest of a run with a generated dump says so', async () => {
  using lab = new LakeLab()
  const staging = lab.stage('r1')
  const report = join(staging, '_reports/ingest_artists.json')
  writeFileSync(report, JSON.stringify({ ...JSON.parse(readFileSync(report, 'utf8')), generated: true }))
  const sealed = await sealRun(lab.lakeDir, 'r1', parts)
  assert.equal(sealed.manifest.generated, true)
  assert.equal(isGeneratedRun(lab.lakeDir, 'r1'), true)
})

for (const step of sealSteps) {
  test(`a seal killed ${step} is finished by the next try`, async () => {
    using lab = new LakeLab()
    lab.stage('r1')
    const { signal, stderr } = await runChild('seal-child.ts', [lab.lakeDir, 'r1', step])
    assert.deepEqual([signal, stderr], ['SIGKILL', ''])
    // Under its final name a run is complete at any instant.
    const renamed = existsSync(runDir(lab.lakeDir, 'r1'))
    assert.equal(renamed, sealSteps.indexOf(step) >= sealSteps.indexOf('after-rename'))
    if (renamed) assert.deepEqual(await verifyManifest(runDir(lab.lakeDir, 'r1')), [])
    const { sealedNow } = await sealRun(lab.lakeDir, 'r1', parts)
    assert.equal(sealedNow, !renamed)
    assert.deepEqual(layoutOf(runsDir(lab.lakeDir)), sealedLayout(lab))
    assert.equal(readFileSync(join(runDir(lab.lakeDir, 'r1'), '_manifest.json'), 'utf8'), manifest)
  })
}

test('what a killed manifest writer left in the staging directory does not hinder the seal', async () => {
  using lab = new LakeLab()
  writeFileSync(join(lab.stage('r1'), '._manifest.json.tmp-4711'), '{"half')
  await sealRun(lab.lakeDir, 'r1', parts)
  assert.deepEqual(layoutOf(runsDir(lab.lakeDir)), sealedLayout(lab))
})

/** What was put into a staging directory, and what the seal says of it. */
const foreign: readonly (readonly [string, (staging: string) => void, string])[] = [
  [
    'an empty file',
    (at) => writeFileSync(join(at, 'albums/r1-00001.parquet'), ''),
    'albums/r1-00001.parquet: an unexpected file of 0 bytes',
  ],
  ['a temporary file', (at) => writeFileSync(join(at, 'songs/.tmp-x'), 'abc'), 'songs/.tmp-x: an unexpected file of 3 bytes'],
  ['a file beside the datasets', (at) => writeFileSync(join(at, 'core'), 'x'), 'core: an unexpected file of 1 bytes'],
  ['an unreported directory', (at) => mkdirSync(join(at, '.tmp-songs')), '.tmp-songs: a directory that no stage reported'],
  ['a directory in a dataset', (at) => mkdirSync(join(at, 'songs/more')), 'songs/more: a directory that no stage reported'],
  ['a link', (at) => symlinkSync('songs', join(at, 'link')), 'link: neither a file nor a directory'],
  [
    'a data file cut to nothing',
    (at) => writeFileSync(join(at, 'songs/r1-00000.parquet'), ''),
    'songs/r1-00000.parquet: 0 bytes are no Parquet file',
  ],
  [
    'a data file of another size',
    (at) => writeFileSync(join(at, 'songs/r1-00000.parquet'), 'PAR1 something PAR1'),
    'songs/r1-00000.parquet: 19 bytes, 18 were reported',
  ],
  ['a data file gone', (at) => rmSync(join(at, 'songs/r1-00000.parquet')), 'songs/r1-00000.parquet: reported, but missing'],
]

for (const [what, plant, problem] of foreign) {
  test(`${what} in the staging directory is refused by name, and nothing is sealed`, async () => {
    using lab = new LakeLab()
    const staging = lab.stage('r1')
    plant(staging)
    await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), {
      retryable: false,
      message: `sealing ${staging}: it cannot become a snapshot:\n  ${problem}`,
    })
    assert.equal(existsSync(runDir(lab.lakeDir, 'r1')), false)
    assert.equal(existsSync(join(staging, '_manifest.json')), false)
  })
}

test('a data file whose name is of another run is refused', async () => {
  using lab = new LakeLab()
  renameSync(lab.stage('r2'), stagingDir(lab.lakeDir, 'r1'))
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), /albums\/r2-00000.parquet: expected a name like r1-00000.parquet/)
})

test('a run without stage reports, and a run that nobody staged, are refused', async () => {
  using lab = new LakeLab()
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), { exitCode: 4, message: /sealing run r1: there is no / })
  mkdirSync(stagingDir(lab.lakeDir, 'r1'), { recursive: true })
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), /no stage has reported a dataset$/)
})

test('a sealed run is never replaced by a new staging directory', async () => {
  using lab = new LakeLab()
  await lab.seal('r1')
  lab.stage('r1')
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), {
    exitCode: 3,
    message: /r1 is sealed, yet .*\.staging-r1 exists too$/,
  })
  assert.deepEqual(await verifyManifest(runDir(lab.lakeDir, 'r1')), [])
})

test('sealing a sealed run that was changed names every difference and repairs none', async () => {
  using lab = new LakeLab()
  lab.stage('r1', ['albums', 'more', 'songs'])
  const { directory } = await sealRun(lab.lakeDir, 'r1', parts)
  for (const path of ['', 'albums', 'more', 'songs', 'songs/r1-00000.parquet']) chmodSync(join(directory, path), 0o755)
  writeFileSync(join(directory, 'songs/r1-00000.parquet'), 'PAR1 r1 SONGS PAR1')
  writeFileSync(join(directory, 'songs/extra'), '')
  rmSync(join(directory, 'albums/r1-00000.parquet'))
  const found = (await verifyManifest(directory)).map(({ path, problem }) => `${problem} ${path}`)
  assert.deepEqual(found, ['missing albums/r1-00000.parquet', 'extra songs/extra', 'changed songs/r1-00000.parquet'])
  const before = layoutOf(directory)
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), /is not what its manifest says:\n {2}missing albums/)
  assert.deepEqual(layoutOf(directory), before)
})

test('a seal that is aborted leaves the staging directory for the next try', async () => {
  using lab = new LakeLab()
  lab.stage('r1')
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts, { signal: AbortSignal.abort(new Error('stopped')) }), /stopped/)
  assert.equal(existsSync(runDir(lab.lakeDir, 'r1')), false)
  assert.equal((await sealRun(lab.lakeDir, 'r1', parts)).sealedNow, true)
})

test('record hashes are sealed, listed and verified like data, but are no dataset', async () => {
  using lab = new LakeLab()
  const staging = lab.stage('r1', ['albums'])
  const path = '_record_hashes/artists/r1-00000.parquet'
  mkdirSync(join(staging, '_record_hashes/artists'), { recursive: true })
  writeFileSync(join(staging, path), 'PAR1 hashes PAR1')
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), /_record_hashes\/artists: a directory that no stage reported/)
  const [report] = readStageReports(staging)
  const recordHashes = { version: '1-abc', rows: 2, files: [{ path, rows: 2, bytes: 16 }] }
  const ofStage = { ...report, datasets: report?.datasets ?? {}, recordHashes }
  assert.throws(
    () => writeStageReport(staging, 'ingest_artists', { ...ofStage, records: 3, quarantined: 0 }),
    /recordHashes: 2 rows for 3 accepted records/,
  )
  writeStageReport(staging, 'ingest_artists', { ...ofStage, records: 3, quarantined: 1 })
  const { directory, manifest: sealed } = await sealRun(lab.lakeDir, 'r1', parts)
  assert.deepEqual(
    sealed.datasets.map(({ name }) => name),
    ['albums'],
  )
  assert.equal(sealed.recordHashVersion, '1-abc')
  const sha256 = createHash('sha256').update('PAR1 hashes PAR1').digest('hex')
  assert.deepEqual(sealed.recordHashes, [{ name: 'artists', rows: 2, files: [{ path, bytes: 16, rows: 2, sha256 }] }])
  assert.deepEqual(await verifyManifest(directory), [])
  chmodSync(join(directory, path), 0o644)
  writeFileSync(join(directory, path), 'PAR1 HASHES PAR1')
  assert.deepEqual(
    (await verifyManifest(directory)).map((difference) => [difference.path, difference.problem]),
    [[path, 'changed']],
  )
  chmodSync(join(directory, '_record_hashes/artists'), 0o755)
  rmSync(join(directory, path))
  await assert.rejects(sealRun(lab.lakeDir, 'r1', parts), /missing _record_hashes\/artists\/r1-00000\.parquet/)
})
