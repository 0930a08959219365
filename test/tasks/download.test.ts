/** The download tasks of `main`, alone and in a run. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { z } from 'zod'
import { download } from '../../src/tasks/download.ts'
import { dumps, DumpSite, nameOf } from '../download/support/dump-site.ts'
import { RawPlace } from '../download/support/place.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { dag, eventually, month, outcomeOf, outcomeShape, Place, startDag } from '../cli/support.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'

const site = await DumpSite.start(10_000)
after(() => site[Symbol.asyncDispose]())

const contextOf = (place: RawPlace, dump: string, params: Readonly<Record<string, string>> = { do_download: 'true' }) =>
  taskContext({
    lakeDir: '/nowhere',
    runId: 'r',
    rawDir: place.rawDir,
    args: [dump],
    params: { dump_month: month, ...params },
    settings: { sqlEngine: 'duckdb', trinoUrl: null, trino: null, download: { ...standardDownload, baseUrl: site.url } },
  })

test('without do_download nobody is asked, and the file that will be used is named', async () => {
  using place = new RawPlace()
  await assert.rejects(download(contextOf(place, 'labels', { do_download: 'false' })), /looking for labels of 2026-04/)
  mkdirSync(place.directory)
  copyFileSync(import.meta.filename, join(place.directory, nameOf('labels')))
  const { note } = await download(contextOf(place, 'labels', {}))
  assert.equal(note, `do_download is false: using ${nameOf('labels')} of ${place.directory}`)
  assert.equal(site.seen.length, 0)
})

test('with do_download each task brings its dump; together they ask for the month once', async () => {
  using place = new RawPlace()
  const contexts = dumps.map((dump) => contextOf(place, dump))
  const results = await Promise.all(contexts.map((context) => download(context)))
  assert.deepEqual(
    results.map(({ bytes, inputs }) => [bytes, inputs?.map(({ path, checksums }) => [path, checksums])]),
    dumps.map((dump) => [10_000, [[`2026-04/${nameOf(dump)}`, '2026-04/discogs_20260401_CHECKSUM.txt']]]),
  )
  assert.deepEqual(site.seen.map(({ target }) => target).toSorted(), [
    'discogs_20260401_CHECKSUM.txt',
    ...dumps.map((dump) => nameOf(dump)),
    'page',
  ])
  assert.ok(contexts.every(({ heard }) => heard.steps.some((step) => /^10000\/10000 \d+\.\d MB\/s$/.test(step))))
  assert.equal((await download(contextOf(place, 'labels'))).note, `${nameOf('labels')} was there and is verified`)
})

test('a run that downloads: its manifest says where each dump came from, and refers to the manifest of the month', async () => {
  using source = new Place()
  await source.generate()
  site.calm()
  for (const dump of dumps) site.put(nameOf(dump), readFileSync(source.dumpFile(dump)))
  site.putChecksums()
  using place = new Place()
  const request = [
    'trigger',
    'main',
    '--session',
    '2026-04-20 06:00:00',
    '--param',
    `dump_month=${month}`,
    '--param',
    'do_download=true',
    '--json',
  ]
  const run = outcomeShape.parse(JSON.parse((await dag(request, { ...place.env, DISCOGS_SOURCE_URL: site.url })).stdout))
  assert.equal(run.state, 'success', JSON.stringify(run.tasks.filter(({ reason }) => reason !== null)))
  const manifest = z
    .object({
      inputs: z.array(
        z.object({
          dump: z.string(),
          verification: z.string(),
          download: z.object({ manifest: z.string(), url: z.string(), etag: z.string() }),
        }),
      ),
    })
    .parse(JSON.parse(readFileSync(join(place.runDir(run.runId), '_manifest.json'), 'utf8')))
  assert.deepEqual(
    manifest.inputs,
    dumps.map((dump) => ({
      dump,
      verification: 'verified',
      download: {
        manifest: `${month}/_download.json`,
        url: `${site.url}?download=data%2F2026%2F${nameOf(dump)}`,
        etag: site.files.get(nameOf(dump))?.etag,
      },
    })),
  )
})

test('a site that asks for an hour is left alone for an hour: the next try of the task waits for it', async () => {
  using place = new Place()
  site.calm()
  site.misbehave(
    nameOf('labels'),
    ...Array.from({ length: 20 }, () => (_: unknown, response: ServerResponse) => {
      response.writeHead(429, { 'retry-after': '3600' }).end()
    }),
  )
  const request = [
    'trigger',
    'main',
    '--session',
    '2026-04-20 06:00:00',
    '--param',
    `dump_month=${month}`,
    '--param',
    'do_download=true',
    '--json',
  ]
  const started = Date.now()
  const child = startDag(request, { ...place.env, DISCOGS_SOURCE_URL: site.url, DISCOGS_RETRY_FOR: '10m' })
  const ended = outcomeOf(child)
  try {
    const task = await eventually('the wait of the task', () => {
      if (!existsSync(databaseFile(place.stateDir))) return null
      using store = openStore(place.stateDir, { readonly: true })
      const [run] = store.runs()
      return run === undefined
        ? null
        : (store.tasks(run.runId).find(({ taskId, state }) => taskId === 'download.labels' && state === 'retry_wait') ?? null)
    })
    assert.ok(Date.parse(task.notBefore ?? '') >= started + 3_590_000, String(task.notBefore))
    assert.equal(site.seen.filter(({ target }) => target === nameOf('labels')).length, 1)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
})
