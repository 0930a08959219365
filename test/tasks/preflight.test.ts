import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dumps } from '../../src/discogs/catalogue.ts'
import { PipelineError } from '../../src/errors.ts'
import { runDir, stagingDir } from '../../src/lake/layout.ts'
import { preflight } from '../../src/tasks/preflight.ts'
import { DumpSite } from '../download/support/dump-site.ts'
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

test('four readable dumps of one day pass; of two days they do not', async () => {
  rmSync(month, { recursive: true })
  mkdirSync(month)
  for (const { name } of dumps) writeFileSync(join(month, `discogs_20260401_${name}.xml.gz`), 'x')
  assert.deepEqual(await attempt(), {})
  rmSync(join(month, 'discogs_20260401_labels.xml.gz'))
  writeFileSync(join(month, 'discogs_20260402_labels.xml.gz'), 'x')
  await assert.rejects(attempt(), /the dumps are of different days/)
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

test('a run that is sealed already is refused, and no staging directory is made beside it', async () => {
  rmSync(stagingDir(lakeDir, runId), { recursive: true, force: true })
  mkdirSync(runDir(lakeDir, runId), { recursive: true })
  await assert.rejects(attempt(), /is sealed already/)
  assert.equal(existsSync(stagingDir(lakeDir, runId)), false)
})
