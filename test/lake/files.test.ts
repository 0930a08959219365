import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { replaceDirectory, writeJson } from '../../src/lake/atomic-file.ts'
import { readCodeVersion } from '../../src/lake/code-version.ts'
import { readStageReports } from '../../src/lake/read-stage-reports.ts'
import { writeStageReport } from '../../src/lake/stage-report.ts'
import { layoutOf } from './lake-lab.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'files-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function write(path: string, content: string): void {
  mkdirSync(join(dir, path, '..'), { recursive: true })
  writeFileSync(join(dir, path), content)
}

test('a JSON file is replaced whole, and nothing stays beside it, also when writing it fails', () => {
  const file = join(dir, 'x.json')
  writeJson(file, { b: 1, a: [] })
  assert.equal(readFileSync(file, 'utf8'), '{\n  "b": 1,\n  "a": []\n}\n')
  mkdirSync(join(dir, 'taken/in the way'), { recursive: true })
  assert.throws(() => writeJson(join(dir, 'taken'), 2), { code: /EISDIR|ENOTEMPTY/ })
  assert.deepEqual(readdirSync(dir).sort(), ['taken', 'x.json'])
})

test('a directory takes the place of an older one, also after a kill in the middle of the exchange', () => {
  write('.tmp-songs/a', 'one')
  replaceDirectory(join(dir, '.tmp-songs'), join(dir, 'songs'))
  assert.deepEqual(layoutOf(dir), ['755 songs/', '644 songs/a 3'])
  write('.tmp-songs/b', 'second')
  replaceDirectory(join(dir, '.tmp-songs'), join(dir, 'songs'))
  assert.deepEqual(layoutOf(dir), ['755 songs/', '644 songs/b 6'])
  // Killed after the old one was moved away, and before it was removed.
  for (const old of ['.tmp-songs-replaced/b', '.tmp-songs/c']) write(old, 'x')
  rmSync(join(dir, 'songs'), { recursive: true })
  replaceDirectory(join(dir, '.tmp-songs'), join(dir, 'songs'))
  assert.deepEqual(layoutOf(dir), ['755 songs/', '644 songs/c 1'])
})

const report = { datasets: { songs: { rows: 3, files: [{ path: 'songs/r-00000.parquet', rows: 3, bytes: 20 }] } } }

test('stage reports are read back by name with keys of their own, and other reports are left out', () => {
  assert.deepEqual(readStageReports(dir), [])
  const source = { file: 'x.xml.gz', bytes: 1, sha256: '0'.repeat(64), verification: 'unverified' } as const
  const ingest = { ...report, dump: 'artists', source, quarantined: 0, extra: { mine: [1] } }
  writeStageReport(dir, 'ingest_artists', ingest)
  writeStageReport(dir, 'build_warehouse', report)
  writeFileSync(join(dir, '_reports/checks.json'), 'not ours')
  assert.deepEqual(readStageReports(dir), [
    { ...report, name: 'build_warehouse' },
    { ...ingest, name: 'ingest_artists' },
  ])
})

for (const [what, broken, message] of [
  [
    'a path that leaves the run',
    { datasets: { s: { rows: 0, files: [{ path: '../s', rows: 0, bytes: 0 }] } } },
    /expected <dataset>\/<file>|another directory than s/,
  ],
  [
    'a path of another dataset',
    { datasets: { s: { rows: 0, files: [{ path: 't/x', rows: 0, bytes: 0 }] } } },
    /t\/x lies in another/,
  ],
  [
    'rows that do not add up',
    { datasets: { s: { rows: 2, files: [{ path: 's/x', rows: 1, bytes: 0 }] } } },
    /2 rows, but its files have 1/,
  ],
  ['a dump without its source', { ...report, dump: 'artists' }, /dump and source come together/],
] as const) {
  test(`a stage report with ${what} is neither written nor read`, () => {
    assert.throws(() => writeStageReport(dir, 'ingest_x', broken), { name: 'PipelineError', message })
    write('_reports/ingest_x.json', JSON.stringify(broken))
    assert.throws(() => readStageReports(dir), { name: 'PipelineError', retryable: false, message })
  })
}

test('a stage report that is cut is an error that names it', () => {
  write('_reports/build_warehouse.json', '{"datasets": ')
  assert.throws(() => readStageReports(dir), /reading the stage report .*_reports\/build_warehouse.json: /)
})

const commit = '0123456789abcdef0123456789abcdef01234567'

test('the version of the code comes from package.json and from git, wherever it keeps HEAD', () => {
  write('package.json', '{"version": "4.5.6"}')
  const version = (project = dir) => readCodeVersion(project)
  assert.deepEqual(version(), { version: '4.5.6', commit: null })
  write('.git/HEAD', `${commit}\n`)
  assert.deepEqual(version(), { version: '4.5.6', commit })
  write('.git/HEAD', 'ref: refs/heads/main\n')
  assert.deepEqual(version(), { version: '4.5.6', commit: null })
  write('.git/packed-refs', `# pack-refs\n${'f'.repeat(40)} refs/heads/not/main\n${commit} refs/heads/main\n`)
  assert.deepEqual(version(), { version: '4.5.6', commit })
  const newer = commit.replace('0', '9')
  write('.git/refs/heads/main', `${newer}\n`)
  assert.deepEqual(version(), { version: '4.5.6', commit: newer })
  write('tree/package.json', '{"version": "7.0.0"}')
  write('tree/.git', 'gitdir: ../.git/worktrees/tree\n')
  write('.git/worktrees/tree/HEAD', 'ref: refs/heads/side\n')
  write('.git/worktrees/tree/commondir', '../..\n')
  write('.git/refs/heads/side', `${commit}\n`)
  assert.deepEqual(version(join(dir, 'tree')), { version: '7.0.0', commit })
  assert.throws(() => version(join(dir, 'nowhere')), /nowhere\/package.json has none/)
})
