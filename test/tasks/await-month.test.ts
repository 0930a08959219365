/** Preflight while the site has not published the month. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NotYetError, PipelineError } from '../../src/errors.ts'
import type { TaskContext } from '../../src/scheduler/context.ts'
import { preflight } from '../../src/tasks/preflight.ts'
import { dumps, DumpSite, type Fault, nameOf } from '../download/support/dump-site.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'

const now = new Date()
const hoursMs = (hours: number): number => hours * 3_600_000
/** The month under way: it may still come, whenever this test runs. */
const month = now.toISOString().slice(0, 7)
const day = `${month.replace('-', '')}01`

const root = mkdtempSync(join(tmpdir(), 'await-month-'))
after(() => rmSync(root, { recursive: true }))

/** Waits as a run of this month would. */
function waiting(site: DumpSite, given: Partial<TaskContext> = {}, params: Record<string, string> = {}) {
  const rawDir = mkdtempSync(join(root, 'raw-'))
  return preflight(
    taskContext({
      runId: `${month}__x`,
      lakeDir: join(root, 'lake'),
      rawDir,
      params: { dump_month: month, do_download: 'true', wait_days: '14', ...params },
      settings: { sqlEngine: 'duckdb', trinoUrl: null, trino: null, download: { ...standardDownload, baseUrl: site.url } },
      now: () => now,
      ...given,
    }),
  )
}

/** The site as it is before the first dump of a month. */
async function lateSite(): Promise<DumpSite> {
  const site = await DumpSite.start(100)
  site.files.clear()
  return site
}

async function untilOf(waited: Promise<unknown>): Promise<[string, number]> {
  const error = await waited.then(
    () => new Error('it does not wait'),
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof NotYetError, String(error))
  return [error.message, (error.until.getTime() - now.getTime()) / hoursMs(1)]
}

test('a month that is missing, comes dump by dump, or has no complete checksum file is looked for every six hours', async () => {
  await using site = await lateSite()
  assert.deepEqual(await untilOf(waiting(site)), [
    `${site.url}?prefix=data%2F${month.slice(0, 4)}%2F lists no file of ${month}`,
    6,
  ])
  site.publish(100, day)
  const checksums = `discogs_${day}_CHECKSUM.txt`
  const whole = site.bytesOf(checksums)
  site.files.delete(checksums)
  assert.match((await untilOf(waiting(site)))[0], /is not complete: .* no checksum file/)
  site.put(checksums, Buffer.from(whole.toString().split('\n').slice(2).join('\n')))
  assert.match((await untilOf(waiting(site)))[0], /does not name .*artists/)
  site.put(checksums, whole)
  assert.deepEqual(await waiting(site), {})
  assert.equal(site.sentBytes, 0)
  assert.deepEqual(
    dumps.map((dump) => nameOf(dump, day)).filter((name) => !site.files.has(name)),
    [],
  )
})

test('it waits for wait_days since the first look, and for none when that is 0 or a later month is there', async () => {
  await using site = await lateSite()
  const almost = new Date(now.getTime() - hoursMs(14 * 24 - 2))
  assert.deepEqual((await untilOf(waiting(site, { deferredSince: almost })))[1], 2)
  const over = { deferredSince: new Date(now.getTime() - hoursMs(14 * 24)) }
  await assert.rejects(
    waiting(site, over),
    (error) => !(error instanceof NotYetError) && String(error).endsWith('; waited for 14 days'),
  )
  await assert.rejects(waiting(site, {}, { wait_days: '0' }), (error) => !(error instanceof NotYetError))
  await assert.rejects(
    waiting(site, {}, { dump_month: '2020-02' }),
    (error) => !(error instanceof NotYetError) && /lists no file of 2020-02/.test(String(error)),
  )
})

test('pages are asked for conditionally', async () => {
  await using site = await lateSite()
  const rawDir = mkdtempSync(join(root, 'raw-'))
  const conditions: (string | undefined)[] = []
  const tagged: Fault = async ({ headers }, response, serve) => {
    conditions.push(headers['if-none-match'])
    if (headers['if-none-match'] === '"1"') return void response.writeHead(304).end()
    response.setHeader('etag', '"1"')
    await serve()
  }
  site.misbehave('page', tagged, tagged)
  await untilOf(waiting(site, { rawDir }))
  assert.match((await untilOf(waiting(site, { rawDir })))[0], /lists no file of/)
  assert.deepEqual(conditions, [undefined, '"1"'])
  assert.ok(readdirSync(join(rawDir, '.pages')).length === 1)
})

test('a site that asks for an hour gets it, without a process that waits', async () => {
  await using site = await lateSite()
  site.misbehave('page', (_, response) => void response.writeHead(429, { 'retry-after': '3600' }).end())
  assert.deepEqual((await untilOf(waiting(site)))[1], 1)
  site.misbehave('page', (_, response) => void response.writeHead(429, { 'retry-after': '3600' }).end())
  await assert.rejects(
    waiting(site, {}, { wait_days: '0' }),
    (error) => error instanceof PipelineError && error.retryAfterMs === 3_600_000,
  )
})
