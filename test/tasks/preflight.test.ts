import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { dumps } from '../../src/discogs/catalogue.ts'
import { PipelineError } from '../../src/errors.ts'
import { runDir, stagingDir } from '../../src/lake/layout.ts'
import { preflight } from '../../src/tasks/preflight.ts'
import { DumpSite, nameOf } from '../download/support/dump-site.ts'
import { withFileSystem } from '../support/file-system.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'

const root = mkdtempSync(join(tmpdir(), 'preflight-'))
after(() => rmSync(root, { recursive: true }))
const runId = '2026-04__20260420_060000'
const lakeDir = join(root, 'lake')
const rawDir = join(root, 'raw')
const month = join(rawDir, '2026-04')
mkdirSync(month, { recursive: true })

const attempt = (params: Record<string, string> = {}): ReturnType<typeof preflight> =>
  preflight(taskContext({ runId, lakeDir, rawDir, params: { dump_month: '2026-04', ...params } }))

test('everything wrong is listed at once', async () => {
  writeFileSync(join(month, 'discogs_20260401_artists.xml.gz'), '')
  writeFileSync(join(month, 'discogs_20260301_labels.xml.gz'), 'x')
  writeFileSync(join(month, 'discogs_20260401_masters.xml.gz'), 'x')
  writeFileSync(join(month, 'discogs_20260402_masters.xml.gz'), 'x')
  await assert.rejects(attempt(), (error: Error) => {
    const lines = error.message.split('\n')
    assert.match(lines[0] ?? '', /found 4 problem\(s\):$/)
    assert.match(lines[1] ?? '', /artists\.xml\.gz is empty/)
    assert.match(lines[2] ?? '', /labels.*found discogs_20260301_labels\.xml\.gz, which is of another month/)
    assert.match(lines[3] ?? '', /masters.*holds 2 of them/)
    assert.match(lines[4] ?? '', /releases.*found none/)
    assert.ok(error instanceof PipelineError)
    assert.match(error.hint ?? '', /^`dag download --month 2026-04` fetches .* param do_download=true/)
    return true
  })
})

test('four readable dumps of one day pass; of two days they do, with a warning that names the days', async () => {
  rmSync(month, { recursive: true })
  mkdirSync(month)
  for (const { name } of dumps) writeFileSync(join(month, `discogs_20260401_${name}.xml.gz`), 'x')
  assert.deepEqual(await attempt(), {})
  rmSync(join(month, 'discogs_20260401_labels.xml.gz'))
  writeFileSync(join(month, 'discogs_20260402_labels.xml.gz'), 'x')
  const context = taskContext({ runId, lakeDir, rawDir, params: { dump_month: '2026-04' } })
  assert.deepEqual(await preflight(context), {})
  const details = 'artists, masters, releases of 20260401; labels of 20260402'
  assert.deepEqual(
    context.heard.checks.map((check) => [check.checkName, check.severity, check.ok, check.details]),
    [['preflight.one_day', 'WARN', false, details]],
  )
  assert.ok(context.heard.logs.includes(`warning: the dumps are of different days: ${details}`))
})

test('a month before November 2011 whose artists and labels have no ids is refused by name, before anything is ingested', async () => {
  const old = join(rawDir, '2010-01')
  mkdirSync(old)
  const put = (dump: string, xml: string): void => writeFileSync(join(old, `discogs_20100101_${dump}.xml.gz`), gzipSync(xml))
  put('artists', '<artist><name>Björk</name></artist>\n')
  put('labels', '<label><id>7</id><name>Svek</name></label>\n')
  put('masters', '<master id="1"></master>\n')
  put('releases', '<release id="1"></release>\n')
  await assert.rejects(attempt({ dump_month: '2010-01' }), {
    message: new RegExp(
      'found 1 problem\\(s\\):\n  - artists of 2010-01: records have no ids, as in all dumps before November 2011: this month ' +
        'cannot be loaded; choose a month from November 2011 on: docs/months.md lists which load$',
    ),
  })
})

test('a file system that cannot do what a lake needs is found before anything is ingested', async (t) => {
  rmSync(month, { recursive: true })
  mkdirSync(month)
  for (const { name } of dumps) writeFileSync(join(month, `discogs_20260401_${name}.xml.gz`), 'x')
  withFileSystem(t, 'exfat')
  await assert.rejects(attempt(), {
    hint: undefined,
    message: new RegExp(`found 3 problem\\(s\\):\n  - the file system of ${lakeDir} cannot make a symbolic link: EPERM`),
  })
})

test('a run that downloads needs no dumps, but a directory to put them into', async () => {
  await using site = await DumpSite.start(100)
  const settings = {
    sqlEngine: 'duckdb',
    trinoUrl: null,
    trino: null,
    download: { ...standardDownload, baseUrl: site.url },
  } as const
  const empty = join(root, 'empty')
  const downloading = (raw: string): ReturnType<typeof preflight> =>
    preflight(taskContext({ runId, lakeDir, rawDir: raw, settings, params: { dump_month: '2026-04', do_download: 'true' } }))
  assert.deepEqual(await downloading(empty), {})
  writeFileSync(join(root, 'file'), '')
  await assert.rejects(downloading(join(root, 'file')), /do_download needs to write to \S+file, the directory of the dumps/)
})

test('a run that downloads a month of two days is warned of them before anything is fetched', async () => {
  await using site = await DumpSite.start(100)
  const later = 'discogs_20260410_labels.xml.gz'
  site.put(later, site.bytesOf(nameOf('labels')))
  site.files.delete(nameOf('labels'))
  const names = [nameOf('artists'), later, nameOf('masters'), nameOf('releases')]
  site.put('discogs_20260410_CHECKSUM.txt', Buffer.from(names.map((name) => `${site.sha256(name)} ${name}\n`).join('')))
  const download = { ...standardDownload, baseUrl: site.url }
  const settings = { sqlEngine: 'duckdb', trinoUrl: null, trino: null, download } as const
  const params = { dump_month: '2026-04', do_download: 'true' }
  const context = taskContext({ runId: '2026-04__20260421_060000', lakeDir, rawDir: join(root, 'spread'), settings, params })
  await preflight(context)
  const [check] = context.heard.checks
  assert.deepEqual([check?.ok, check?.value], [false, '2'])
  assert.match(check?.details ?? '', /labels of 20260410/)
  assert.equal(site.sentBytes, 0)
})

test('a run that is sealed already is refused, and no staging directory is made beside it', async () => {
  rmSync(stagingDir(lakeDir, runId), { recursive: true, force: true })
  mkdirSync(runDir(lakeDir, runId), { recursive: true })
  await assert.rejects(attempt(), /is sealed already/)
  assert.equal(existsSync(stagingDir(lakeDir, runId)), false)
})
