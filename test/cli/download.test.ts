/** `dag download` as a person meets it, against a local site. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Transfer, transferDisplay, transferLine } from '../../src/cli/transfer-lines.ts'
import { type dumps, DumpSite, type Fault, nameOf, page } from '../download/support/dump-site.ts'
import { dag, month, outcomeOf, type Outcome, Place, startDag } from './support.ts'
import { Terminal } from './terminal.ts'

const site = await DumpSite.start(100_000)
const place = new Place()
after(async () => {
  place[Symbol.dispose]()
  await site[Symbol.asyncDispose]()
})
const env = { ...place.env, DISCOGS_SOURCE_URL: site.url, DISCOGS_CONTACT: 'me@example.org', NO_COLOR: '1' }
const download = (...args: readonly string[]): Promise<Outcome> => dag(['download', ...args], env)
const fileOf = (dump: (typeof dumps)[number]): string => join(place.rawDir, month, nameOf(dump))

const answer = z.object({
  month: z.string(),
  requests: z.number(),
  files: z.array(
    z.object({ name: z.string(), outcome: z.string(), bytes: z.number(), receivedBytes: z.number(), sha256: z.string() }),
  ),
})
const verdicts = z.object({ ok: z.boolean(), files: z.array(z.object({ name: z.string(), verdict: z.string() })) })

test('options that make no sense end with 2 and say why', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /which month\? --month YYYY-MM, --latest or --url\nhint: `dag download --list`/],
    [['--month', '2026-13'], /"2026-13": YYYY-MM from 2008-01 on is expected/],
    [['--month', '../2026-04'], /YYYY-MM from 2008-01 on is expected/],
    [['--month', month, '--latest'], /--month and --latest exclude each other/],
    [['--month', month, '--only', 'users'], /--only users: one of artists, labels, masters, releases is expected/],
    [['--verify', '--dry-run'], /--verify goes with --month and --only alone/],
    [['--list', '--only', 'labels'], /--list goes with --month and --latest alone/],
  ]
  const outcomes = await Promise.all(cases.map(([args]) => download(...args)))
  for (const [index, [, message]] of cases.entries()) {
    assert.equal(outcomes[index]?.code, 2)
    assert.match(outcomes[index]?.stderr ?? '', message)
  }
  assert.equal(site.seen.length, 0)
})

test('list, dry run, download, again, verify', async () => {
  const list = await download('--list')
  assert.equal(list.code, 0, list.stderr)
  assert.match(list.stdout, /^month +day +size +published +here\n2026-04 +20260401 +400\.\d kB +whole$/m)
  assert.match(
    (await download('--list', '--month', month)).stdout,
    /discogs_20260401_labels\.xml\.gz +100\.0 kB +2026-04-01 19:22:20/,
  )
  assert.equal((await download('--list', '--month', '2026-03')).code, 4)

  const plan = await download('--latest', '--dry-run')
  assert.match(plan.stdout, /discogs_20260401_releases\.xml\.gz +100\.0 kB +will be fetched/)
  assert.equal(existsSync(join(place.rawDir, month)), false)

  const first = await download('--month', month, '--only', 'labels')
  assert.match(first.stdout, /^✔ discogs_20260401_labels\.xml\.gz {2}100\.0 kB {2}fetched, verified$/m)
  const rest = answer.parse(JSON.parse((await download('--month', month, '--json')).stdout))
  assert.deepEqual(
    Object.fromEntries(rest.files.map(({ name, outcome, receivedBytes }) => [name, `${outcome} ${receivedBytes}`])),
    {
      [nameOf('artists')]: 'fetched 100000',
      [nameOf('labels')]: 'kept 0',
      [nameOf('masters')]: 'fetched 100000',
      [nameOf('releases')]: 'fetched 100000',
    },
  )
  site.calm()
  const idle = answer.parse(JSON.parse((await download('--month', month, '--json')).stdout))
  assert.deepEqual([idle.requests, site.seen.map(({ target }) => target)], [1, ['page']])
  assert.ok(site.seen.every(({ userAgent }) => userAgent === 'discogs-lakehouse/1 (me@example.org)'))
  assert.match((await download('--list')).stdout, /whole +verified$/m)

  assert.equal(verdicts.parse(JSON.parse((await download('--verify', '--json')).stdout)).ok, true)
  writeFileSync(fileOf('masters'), 'damaged')
  const damaged = await download('--verify')
  assert.equal(damaged.code, 1)
  assert.match(damaged.stdout, /discogs_20260401_masters\.xml\.gz +7 B +not what is published: `dag download` fetches it again/)
  assert.equal((await download('--month', month)).code, 0)
  assert.equal((await download('--verify')).code, 0)
})

test('--url fetches one dump although the page cannot be read; its checksum file lies beside it, or --sha256 names the hash', async () => {
  using other = new Place()
  site.calm()
  const url = `${site.url.replace('//', '//me:secret@')}?download=data%2F2026%2F${nameOf('labels')}`
  const one = (...args: readonly string[]): Promise<Outcome> => dag(['download', ...args], { ...env, ...other.env })
  const first = await one('--url', url)
  assert.deepEqual([first.code, first.stdout], [0, `✔ ${nameOf('labels')}  100.0 kB  fetched, verified\n`], first.stderr)
  assert.equal(
    site.seen.every(({ target }) => target !== 'page'),
    true,
  )
  assert.equal((await one('--verify', '--month', month, '--only', 'labels')).code, 0)
  const second = await one('--url', url.replace('labels', 'masters'), '--sha256', site.sha256(nameOf('masters')))
  assert.equal(second.code, 0, second.stderr)
  const wrong = await one('--url', url.replace('labels', 'artists'), '--sha256', 'a'.repeat(64))
  assert.deepEqual([wrong.code, /sha256 of the 100000 bytes .* so it was twice/.test(wrong.stderr)], [1, true], wrong.stderr)
  assert.doesNotMatch(
    `${first.stderr}${wrong.stderr}${readFileSync(join(other.rawDir, month, '_download.json'), 'utf8')}`,
    /secret/,
  )
  assert.equal((await one('--url', `${site.url}x`)).code, 2)
})

test('a password in DISCOGS_SOURCE_URL is sent and never shown; headers and User-Agent are those that were asked for', async () => {
  using other = new Place()
  site.calm()
  const withPassword = {
    ...env,
    ...other.env,
    DISCOGS_SOURCE_URL: site.url.replace('//', '//me:secret@'),
    DISCOGS_HEADERS: 'X-One: 1',
  }
  const requests: IncomingHttpHeaders[] = []
  site.misbehave('page', async ({ headers }, _, serve) => {
    requests.push(headers)
    await serve()
  })
  const outcome = await dag(
    ['download', '--month', month, '--only', 'labels', '--header', 'x-two: 2', '--user-agent', 'me/2'],
    withPassword,
  )
  assert.equal(outcome.code, 0, outcome.stderr)
  const [{ authorization, 'user-agent': userAgent, 'x-one': one, 'x-two': two } = {}] = requests
  assert.deepEqual([authorization, userAgent, one, two], [`Basic ${btoa('me:secret')}`, 'me/2', '1', '2'])
  site.misbehave('page', (_, response) => void response.writeHead(404).end())
  const failed = await dag(['download', '--month', month], withPassword)
  assert.match(failed.stderr, /is not there \(404\)/)
  const manifest = readFileSync(join(other.rawDir, month, '_download.json'), 'utf8')
  assert.doesNotMatch(`${outcome.stdout}${outcome.stderr}${failed.stderr}${manifest}`, /secret/)
})

test('an outage ends a download after --retry-for', async () => {
  using other = new Place()
  const gone = { ...env, ...other.env, DISCOGS_SOURCE_URL: 'http://127.0.0.1:1/' }
  const outcome = await dag(['download', '--month', month, '--retry-for', '2s', '--max-pause', '1s'], gone)
  assert.equal(outcome.code, 1)
  assert.match(outcome.stdout + outcome.stderr, /trying again in .* s \(failing for \d s, giving up after 2 s\)/)
  assert.match(outcome.stderr, /ECONNREFUSED/)
})

test('--wait looks again until the month is published', async () => {
  await using late = await DumpSite.start(1_000)
  using other = new Place()
  const current = new Date().toISOString().slice(0, 7)
  const asked = { ...env, ...other.env, DISCOGS_SOURCE_URL: late.url }
  const early = await dag(['download', '--month', current, '--wait', '1s'], asked)
  assert.equal(early.code, 4, early.stderr)
  assert.match(early.stdout + early.stderr, /lists no file of .*; it looks again at 20/)
  const waiting = dag(['download', '--month', current, '--wait', '2s'], asked)
  while (late.seen.length < 3) await sleep(10)
  late.publish(1_000, `${current.replace('-', '')}01`)
  const { code, stdout, stderr } = await waiting
  assert.equal(code, 0, stderr)
  assert.match(stdout, /fetched, verified/)
})

test('--list and --latest go on while the page of the newest year is empty', async () => {
  await using january = await DumpSite.start(1_000)
  january.misbehave('root', ...Array.from({ length: 2 }, () => withEmptyYear))
  january.misbehave('page', withoutFiles)
  const asked = { ...env, ...place.env, DISCOGS_SOURCE_URL: january.url }
  assert.match((await dag(['download', '--list'], asked)).stdout, /^2026-04 +20260401/m)
  january.misbehave('page', withoutFiles)
  assert.match((await dag(['download', '--latest', '--dry-run'], asked)).stdout, /2026-04 of http/)
})

const withEmptyYear: Fault = (_, response) =>
  void response.end(page(['2027', '2026'].map((year) => `<a href="?prefix=data%2F${year}%2F">${year}/</a>`)))
const withoutFiles: Fault = (_, response) => void response.end(page(['<a href="?prefix=data%2F">../</a>']))

test('a refusal and an absent month are told apart', async () => {
  site.misbehave('page', (_, response) => void response.writeHead(403).end())
  const refused = await download('--month', '2026-03')
  assert.deepEqual([refused.code, /answered 403: the site refuses/.test(refused.stderr)], [1, true], refused.stderr)
  const absent = await download('--month', '2026-03')
  assert.deepEqual([absent.code, /lists no file of 2026-03/.test(absent.stderr)], [4, true], absent.stderr)
})

test('SIGTERM stops within a second with 143, Ctrl-C with 130; what has arrived is gone on with', async () => {
  using other = new Place()
  site.calm()
  site.bytesPerSecond = 40_000
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const child = startDag(['download', '--month', month], { ...env, ...other.env })
    const ended = outcomeOf(child)
    const asked = site.seen.length
    while (!site.seen.slice(asked).some(({ target, bodyBytes }) => target.endsWith('.gz') && bodyBytes > 8_000)) await sleep(10)
    const signalled = performance.now()
    child.kill(signal)
    await once(child, 'exit')
    assert.ok(performance.now() - signalled < 1000)
    assert.equal(child.exitCode, code)
    assert.match((await ended).stderr, /interrupted/)
  }
  site.bytesPerSecond = null
  const done = await dag(['download', '--month', month, '--json'], { ...env, ...other.env })
  const received = answer.parse(JSON.parse(done.stdout)).files.reduce((sum, file) => sum + file.receivedBytes, 0)
  assert.ok(received < 400_000, `${received} bytes`)
})

test('two files at once take 100 MB at most, 115 when nothing is compiled yet', async () => {
  await using large = await DumpSite.start(50_000_000)
  using other = new Place()
  const more = { ...env, ...other.env, DISCOGS_SOURCE_URL: large.url }
  // The first run finds no compile cache, the last one may not have any.
  for (const [variables, mostKb] of [
    [more, 115_000],
    [more, 100_000],
    [{ ...more, NODE_DISABLE_COMPILE_CACHE: '1' }, 115_000],
  ] as const) {
    rmSync(other.rawDir, { recursive: true, force: true })
    const child = startDag(['download', '--month', month, '--only', 'labels', '--only', 'masters'], variables)
    const ended = outcomeOf(child)
    let peakKb = 0
    while (child.exitCode === null) {
      peakKb = Math.max(peakKb, peakKbOf(child.pid ?? 0))
      await sleep(20)
    }
    assert.equal(child.exitCode, 0, (await ended).stderr)
    assert.ok(peakKb > 50_000 && peakKb <= mostKb, `${peakKb} kB`)
  }
})

/** 0 when the process has ended. */
function peakKbOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

test('elsewhere every file that is on its way has a line every ten seconds', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const display = await transferDisplay(false)
  const lines = context.mock.method(process.stdout, 'write', () => true)
  const said = (): unknown => lines.mock.calls.map(({ arguments: [text] }) => text)
  const [labels, masters] = ['discogs_20260401_labels.xml.gz', 'discogs_20260401_masters.xml.gz']
  display.onProgress({ name: labels, phase: 'fetch', done: 50, total: 100 })
  display.onProgress({ name: masters, phase: 'fetch', done: 100, total: 100 })
  context.mock.timers.tick(9_999)
  assert.deepEqual(said(), [])
  context.mock.timers.tick(1)
  context.mock.timers.tick(10_000)
  display.end()
  context.mock.timers.tick(10_000)
  lines.mock.restore()
  const line = `${labels}    ████████░░░░░░░░  50 %  50 B of 100 B\n`
  assert.deepEqual(said(), [line, line])
})

test('on a terminal every file has a bar', async () => {
  using other = new Place()
  site.calm()
  site.bytesPerSecond = 100_000
  await using terminal = new Terminal(['download', '--month', month], { ...env, ...other.env })
  await terminal.waitFor(
    /discogs_20260401_\w+\.xml\.gz {2}█+░+ +\d+ % {2}\d+\.\d kB of 100\.0 kB {2}\d+\.\d kB\/s {2}\d+\.\d s left/,
  )
  await terminal.waitFor(/fetched, verified/)
  assert.equal(await terminal.exitCode(), 0)
})

test('a line tells bytes, rate over the last seconds and time left; it is never longer than the terminal is wide', () => {
  const progress = { name: 'discogs_20260401_labels.xml.gz', phase: 'fetch', done: 50_000_000, total: 100_000_000 } as const
  const transfer = new Transfer({ ...progress, done: 40_000_000 }, 0)
  transfer.tell(progress, 2_000)
  const line = 'discogs_20260401_labels.xml.gz    ████████░░░░░░░░  50 %  50.0 MB of 100.0 MB  5.0 MB/s  10.0 s left'
  assert.equal(transferLine(transfer, 2_000, 120), line)
  assert.equal(transferLine(transfer, 2_000, 80), 'labels    ████░░░░  50 %  50.0 MB of 100.0 MB  5.0 MB/s  10.0 s left')
  assert.equal(transferLine(transfer, 2_000, 60).length, 60)
  const longest = { name: 'discogs_20260401_releases.xml.gz', phase: 'fetch', done: 999_900_000, total: 10_200_000_000 } as const
  const slow = new Transfer({ ...longest, done: 998_000_000 }, 0)
  slow.tell(longest, 10)
  for (const [width, least] of [
    [80, 70],
    [106, 96],
  ] as const) {
    const text = transferLine(slow, 1_000, width)
    assert.ok(text.endsWith(' left') && text.length >= least && text.length <= width, text)
  }
  const waiting = new Transfer({ ...progress, phase: 'wait', done: 0, total: null }, 0)
  assert.equal(transferLine(waiting, 5_000, 120), 'discogs_20260401_labels.xml.gz    ░░░░░░░░░░░░░░░░   0 %  0 B  waiting')
})
