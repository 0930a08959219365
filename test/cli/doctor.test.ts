/** `dag doctor`: a sound place is called sound; everything it looks for is broken here once, and named. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import BetterSqlite3 from 'better-sqlite3'
import { z } from 'zod'
import { examineDumps } from '../../src/cli/doctor/dumps.ts'
import { examineDuckDb } from '../../src/cli/doctor/engines.ts'
import type { Finding, Verdict } from '../../src/cli/doctor/finding.ts'
import { examineLake } from '../../src/cli/doctor/lake.ts'
import { examineLink } from '../../src/cli/doctor/link.ts'
import { examineMachine } from '../../src/cli/doctor/machine.ts'
import { examineState } from '../../src/cli/doctor/state.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import { dumps } from '../../src/discogs/catalogue.ts'
import { dataFileName, runDir } from '../../src/lake/layout.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { publish, sealSmallRun, unlock } from './small-lake.ts'
import { Place } from './support.ts'

const now = new Date('2026-04-21T00:00:00Z')
const first = { runId: '2026-01__20260120_060000', dumpMonth: '2026-01', releases: 3 }
const second = { runId: '2026-02__20260220_060000', dumpMonth: '2026-02', releases: 4 }

const report = z.object({
  ok: z.boolean(),
  findings: z.array(
    z.object({
      subject: z.string(),
      check: z.string(),
      verdict: z.enum(['ok', 'wrong', 'none']),
      found: z.string().min(1),
      advice: z.string().min(1).nullable(),
    }),
  ),
})

/** A place with two sealed runs, the second one published, a state and a month of dumps. */
class Sound extends Place {
  readonly config: Config = loadConfig({ environment: this.env })

  async build(): Promise<void> {
    for (const run of [first, second]) await sealSmallRun(this.lakeDir, run)
    publish(this.lakeDir, second.runId, first.runId)
    openStore(this.stateDir).close()
    putMonth(this.rawDir, '2026-02')
  }

  fileOf(runId: string, dataset: string): string {
    return join(runDir(this.lakeDir, runId), dataset, dataFileName(runId, 0))
  }
}

function putMonth(rawDir: string, month: string): void {
  mkdirSync(join(rawDir, month), { recursive: true })
  const day = `discogs_${month.replace('-', '')}01`
  for (const { name } of dumps) writeFileSync(join(rawDir, month, `${day}_${name}.xml.gz`), 'not empty')
  writeFileSync(join(rawDir, month, `${day}_CHECKSUM.txt`), '')
}

/** What is said of one check. */
function of(findings: readonly Finding[], check: string): Pick<Finding, 'verdict' | 'found' | 'advice'> {
  const one = findings.find((finding) => finding.check === check)
  assert.ok(one !== undefined, `${check} in ${JSON.stringify(findings)}`)
  return { verdict: one.verdict, found: one.found, advice: one.advice }
}

function assertFinding(
  findings: readonly Finding[],
  check: string,
  verdict: Verdict,
  found: RegExp,
  advice: RegExp | null,
): void {
  const one = of(findings, check)
  assert.equal(one.verdict, verdict, JSON.stringify(one))
  assert.match(one.found, found)
  if (advice === null) assert.equal(one.advice, null)
  else assert.match(one.advice ?? '', advice)
}

describe('the command', () => {
  const place = new Sound()
  before(() => place.build())
  after(() => place[Symbol.dispose]())

  test('a sound place: exit 0, a line for everything, nothing wrong, nothing changed', async () => {
    const files = readdirSync(place.lakeDir, { recursive: true }).length
    const { code, stdout, stderr } = await place.dag('doctor')
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, stdout)
    assert.match(stdout, /✔ node version +v24/)
    assert.match(stdout, /✔ link active +2026-02__20260220_060000\n/)
    assert.match(stdout, /✔ duckdb rows +31 datasets of .* have the rows of the manifest\n/)
    assert.match(stdout, /– trino server +none is set up\n +→ TRINO_URL/)
    assert.match(stdout, /\nnothing is wrong\n$/)
    assert.equal(readdirSync(place.lakeDir, { recursive: true }).length, files)
  })

  test('something wrong: exit 1, also with --json', async () => {
    rmSync(join(place.lakeDir, 'active'))
    symlinkSync('_runs/2025-01__gone', join(place.lakeDir, 'active'))
    const [text, json] = await Promise.all([place.dag('doctor'), place.dag('doctor', '--json')])
    assert.deepEqual([text.code, json.code], [1, 1])
    assert.match(text.stdout, /✖ link active .*_runs\/2025-01__gone, which does not exist\n +→ .*dag promote/)
    assert.match(text.stdout, /\n1 wrong\n$/)
    const { ok, findings } = report.parse(JSON.parse(json.stdout))
    assert.equal(ok, false)
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict === 'wrong').map(({ subject, check }) => `${subject} ${check}`),
      ['link active'],
    )
  })
})

test('nothing at all is nothing wrong: no lake, no state, no dumps; and none is made', async () => {
  using place = new Place()
  const { code, stdout } = await place.dag('doctor', '--json')
  assert.equal(code, 0, stdout)
  const { ok, findings } = report.parse(JSON.parse(stdout))
  assert.equal(ok, true)
  assert.deepEqual(
    findings.filter(({ verdict }) => verdict === 'none').map(({ subject, check }) => `${subject} ${check}`),
    ['lake layout', 'link active', 'link previous', 'state integrity', 'dumps months', 'duckdb rows', 'trino server'],
  )
  assert.deepEqual(
    readdirSync(place.dir).filter((name) => name !== 'compile-cache'),
    [],
  )
})

describe('what is broken is found', () => {
  const place = new Sound()
  const { config } = place
  before(() => place.build())
  after(() => place[Symbol.dispose]())

  test('an old Node', () => {
    const findings = examineMachine(config, 'v22.1.0')
    assertFinding(findings, 'version', 'wrong', /v22\.1\.0, at least 24/, /bin\/dag/)
  })

  test('too little space for the newest month', () => {
    const file = join(place.rawDir, '2026-02', 'discogs_20260201_releases.xml.gz')
    truncateSync(file, 2 ** 43) // a hole: it takes no space
    try {
      assertFinding(examineMachine(config), 'lake space', 'wrong', /free, a run needs about 17\.6 TB/, /free some space/)
    } finally {
      truncateSync(file, 9)
    }
  })

  test('a lake where a file is', () => {
    const lakeDir = join(place.dir, 'file')
    writeFileSync(lakeDir, '')
    assertFinding(examineLake({ ...config, lakeDir }), 'layout', 'wrong', /is no directory/, /DISCOGS_DATA_LAKE/)
  })

  test('strangers in the lake and among the runs', () => {
    writeFileSync(join(place.lakeDir, 'notes.txt'), '')
    mkdirSync(join(place.lakeDir, '_runs', 'a run'))
    const found = /notes\.txt does not belong there; _runs\/a run does not belong there/
    assertFinding(examineLake(config), 'layout', 'wrong', found, /move it out/)
    rmSync(join(place.lakeDir, 'notes.txt'))
    rmSync(join(place.lakeDir, '_runs', 'a run'), { recursive: true })
  })

  test('staging: unknown to the state, of a failed run, beside the sealed run', () => {
    const staging = join(place.lakeDir, '_runs', '.staging-2026-09__x')
    mkdirSync(staging)
    assertFinding(examineLake(config), 'staging', 'wrong', /a run that this state does not know/, new RegExp(`rm -r ${staging}`))
    renameSync(staging, join(place.lakeDir, '_runs', `.staging-${first.runId}`))
    assertFinding(examineLake(config), 'staging', 'wrong', /beside the sealed run/, /rm -r/)
    rmSync(join(place.lakeDir, '_runs', `.staging-${first.runId}`), { recursive: true })
  })

  test('a sealed run that can be written', () => {
    const directory = join(runDir(place.lakeDir, first.runId), 'releases_v6')
    chmodSync(directory, 0o755)
    assertFinding(examineLake(config), 'permissions', 'wrong', /2026-01__20260120_060000 can be written/, /chmod -R a-w/)
    chmodSync(directory, 0o555)
  })

  test('a data file that is too short, one that is gone, and a manifest that is none', () => {
    const files = ['releases_v6', 'labels_v10'].map((dataset) => place.fileOf(first.runId, dataset))
    const kept = files.map((file) => readFileSync(file))
    unlock(runDir(place.lakeDir, first.runId))
    truncateSync(files[0] ?? '', 5)
    assertFinding(examineLake(config), 'runs', 'wrong', /releases_v6\/.* has 5 bytes, \d+ were sealed/, /must not be published/)
    rmSync(files[1] ?? '')
    assertFinding(examineLake(config), 'runs', 'wrong', /(is missing|5 bytes).* \(and 1 more\)/, /must not be published/)
    for (const [index, file] of files.entries()) writeFileSync(file, kept[index] ?? '')
    const manifest = join(runDir(place.lakeDir, first.runId), '_manifest.json')
    const text = readFileSync(manifest)
    writeFileSync(manifest, '{')
    assertFinding(examineLake(config), 'runs', 'wrong', /_manifest\.json cannot be read/, /must not be published/)
    writeFileSync(manifest, text)
  })

  test('active that is no link, points elsewhere, or at a run without manifest', () => {
    const active = join(place.lakeDir, 'active')
    rmSync(active)
    assertFinding(examineLink(config), 'active', 'none', /nothing is published/, /npm start/)
    mkdirSync(active)
    assertFinding(examineLink(config), 'active', 'wrong', /it is no symbolic link/, /move it away/)
    rmSync(active, { recursive: true })
    symlinkSync('/etc', active)
    assertFinding(examineLink(config), 'active', 'wrong', /points at \/etc, expected _runs/, /move this link away/)
    rmSync(active)
    mkdirSync(join(place.lakeDir, '_runs', '2026-09__empty'))
    symlinkSync('_runs/2026-09__empty', active)
    assertFinding(examineLink(config), 'active', 'wrong', /no sealed run: it has no manifest/, /dag promote/)
    rmSync(join(place.lakeDir, '_runs', '2026-09__empty'), { recursive: true })
    rmSync(active)
    publish(place.lakeDir, second.runId)
  })

  test('previous links that keep nothing', () => {
    const link = join(place.lakeDir, 'active__prev_20250101_000000000')
    symlinkSync('_runs/2025-01__gone', link)
    assertFinding(examineLink(config), 'previous', 'wrong', /_runs\/2025-01__gone, which does not exist/, /remove the link/)
    rmSync(link)
    assertFinding(examineLink(config), 'previous', 'ok', /1 link, all to sealed runs/, null)
  })

  test('a promotion that was never ended', () => {
    {
      using store = openStore(place.stateDir)
      const promotion = {
        kind: 'promote',
        fromRunId: null,
        toRunId: first.runId,
        prevLink: null,
        who: 'ada',
        reason: 'x',
      } as const
      store.promoting.begin(promotion, 'passed')
    }
    assertFinding(examineLink(config), 'promotions', 'wrong', /promote of 2026-01__20260120_060000/, /dag active/)
  })

  test('a scheduler that died', () => {
    {
      using store = openStore(place.stateDir)
      const holder = { owner: 'x', pid: 2 ** 22, pidStarted: 'never', host: 'elsewhere' }
      store.leases.acquire('scheduler', holder, () => false)
    }
    const later = new BetterSqlite3(join(place.stateDir, 'scheduler.db'))
    later.exec("update lease set heartbeat_at = '2020-01-01T00:00:00.000Z'")
    later.close()
    assertFinding(examineState(config), 'scheduler', 'none', /died: pid 4194304 on elsewhere/, /takes over/)
  })

  test('a state of another version is not touched', () => {
    const file = join(place.stateDir, 'scheduler.db')
    setVersion(file, 99)
    assertFinding(examineState(config), 'schema', 'wrong', /version 99, this code knows \d/, /update this checkout/)
    setVersion(file, 0)
    assertFinding(examineState(config), 'schema', 'none', /version 0, this code writes \d/, /next command/)
    assert.equal(versionIn(file), 0)
    setVersion(file, Number(/writes (\d+)/.exec(of(examineState(config), 'schema').found)?.[1]))
  })

  test('a state that is damaged', () => {
    const stateDir = join(place.dir, 'damaged')
    mkdirSync(stateDir)
    const sound = new BetterSqlite3(join(place.stateDir, 'scheduler.db'))
    sound.pragma('wal_checkpoint(TRUNCATE)')
    sound.close()
    const bytes = readFileSync(join(place.stateDir, 'scheduler.db'))
    bytes.fill(0x5a, 3 * 4096, 6 * 4096)
    writeFileSync(join(stateDir, 'scheduler.db'), bytes)
    const damaged = examineState({ ...config, stateDir })
    assertFinding(damaged, 'integrity', 'wrong', /./, /the lake is whole without it/)
    writeFileSync(join(stateDir, 'scheduler.db'), 'this is no database at all')
    assertFinding(examineState({ ...config, stateDir }), 'integrity', 'wrong', /not a database/, /the lake is whole/)
  })

  test('months: whole, with a dump missing or empty, and being downloaded', () => {
    putMonth(place.rawDir, '2026-03')
    const releases = join(place.rawDir, '2026-03', 'discogs_20260301_releases.xml.gz')
    assertFinding(examineDumps(config, now), '2026-03', 'ok', /complete, 36 B, with checksums/, null)
    truncateSync(releases, 0)
    rmSync(join(dirname(releases), 'discogs_20260301_labels.xml.gz'))
    assertFinding(
      examineDumps(config, now),
      '2026-03',
      'wrong',
      /no labels; discogs_20260301_releases\.xml\.gz is empty/,
      /whole month/,
    )
    renameSync(releases, `${releases}.part`)
    const writtenAt = statSync(`${releases}.part`).mtimeMs
    assertFinding(
      examineDumps(config, new Date(writtenAt + 60_000)),
      '2026-03',
      'none',
      /being downloaded: no labels; no releases/,
      null,
    )
    assertFinding(
      examineDumps(config, new Date(writtenAt + 3_600_000)),
      '2026-03',
      'wrong',
      /1 unfinished download/,
      /whole month/,
    )
  })

  test('a published run that DuckDB cannot read', async () => {
    assertFinding(await examineDuckDb(config), 'rows', 'ok', /31 datasets/, null)
    const file = place.fileOf(second.runId, 'releases_v6')
    const bytes = readFileSync(file)
    chmodSync(file, 0o644)
    writeFileSync(file, readFileSync(place.fileOf(first.runId, 'releases_v6')))
    assertFinding(await examineDuckDb(config), 'rows', 'wrong', /releases_v6: 3 rows instead of 4/, /dag rollback/)
    writeFileSync(file, 'PAR1')
    assertFinding(await examineDuckDb(config), 'rows', 'wrong', /releases_v6: /, /dag rollback/)
    writeFileSync(file, bytes)
  })
})

function setVersion(file: string, version: number): void {
  const database = new BetterSqlite3(file)
  database.pragma(`user_version = ${version}`)
  database.close()
}

function versionIn(file: string): unknown {
  const database = new BetterSqlite3(file, { readonly: true })
  const version = database.pragma('user_version', { simple: true })
  database.close()
  return version
}
