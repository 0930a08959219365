/**
 * What servers, proxies and networks do to a transfer. After each of them a second run against the calm site ends with the right bytes, all
 * runs together cost no more bytes than they must, and no dump ever has its name before it is whole.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { dumps, DumpSite, type Fault, nameOf } from './support/dump-site.ts'
import { allRight, RawPlace } from './support/place.ts'

const sizeBytes = 300_000
/** What a connection that is cut had on its way, and what lay in the client's buffers. */
const onTheWayBytes = 65_536
const total = sizeBytes * dumps.length
const victim = nameOf('labels')

interface Case {
  readonly title: string
  /** Meet the first requests for one file. */
  readonly faults: readonly Fault[]
  /** What the first run fails with; null: it gets over it. */
  readonly fails: RegExp | null
  /** Bytes that are sent for nothing at most. */
  readonly waste?: number
  /** How long an outage may last; default: that of the other tests. */
  readonly outageMs?: number
}

const forever = (fault: Fault): readonly Fault[] => Array.from({ length: 5_000 }, () => fault)
const head = { 'content-type': 'application/octet-stream' }

/** Sends the first bytes of what was asked for, lets them arrive, and cuts the connection. */
const cut =
  (bytes: number): Fault =>
  async (request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
    const rest = site.bytesOf(victim).subarray(from)
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` }
    response.writeHead(from === 0 ? 200 : 206, {
      ...head,
      ...range,
      'content-length': rest.length,
      etag: site.files.get(victim)?.etag ?? '',
    })
    response.flushHeaders()
    if (bytes > 0) await site.send(response, rest.subarray(0, bytes))
    await sleep(20)
    response.destroy()
  }

/** Sends the first bytes, then one more now and then, or none. */
const trickle =
  (bytes: number, everyMs: number): Fault =>
  async (_, response) => {
    response.writeHead(200, { ...head, 'content-length': sizeBytes })
    await site.send(response, site.bytesOf(victim).subarray(0, bytes))
    for (let at = bytes; !response.destroyed; at++) {
      await sleep(everyMs)
      if (everyMs < 1000 && at < sizeBytes) response.write(site.bytesOf(victim).subarray(at, at + 1))
    }
  }

const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}): Fault =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end('no')

const cutInHeaders: Fault = async ({ socket }) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Le')
  await sleep(20)
  socket.destroy()
}

/** Without a Content-Length a body comes in chunks, and ends with an empty one. */
const cutInChunks: Fault = async (_, response) => {
  response.writeHead(200, { ...head, etag: site.files.get(victim)?.etag ?? '' })
  await site.send(response, site.bytesOf(victim).subarray(0, 100_000))
  await sleep(20)
  response.destroy()
}

const whole =
  (headers: Readonly<Record<string, string | number>>, body = (): Buffer => site.bytesOf(victim)): Fault =>
  (_, response) => {
    response.writeHead(200, { ...head, ...headers })
    response.end(body())
  }

/** Answers a resume with another range than the one that was asked for. */
const range =
  (contentRange: string, body: () => Buffer, headers: Readonly<Record<string, string>> = {}): Fault =>
  (_, response) => {
    response.writeHead(206, { ...head, 'content-range': contentRange, ...headers })
    response.end(body())
  }

const html = (type: string): Fault =>
  whole({ 'content-type': type }, () => Buffer.from('<html><title>Just a moment...</title></html>'))
const last = sizeBytes - 1

const cases: readonly Case[] = [
  { title: 'cut before the answer', faults: [(request) => void request.socket.destroy()], fails: null },
  ...[0, 1, 2, 100_000, sizeBytes - 1].map((bytes) => ({ title: `cut after ${bytes} bytes`, faults: [cut(bytes)], fails: null })),
  { title: 'cut within the headers', faults: [cutInHeaders], fails: null },
  { title: 'cut between chunks', faults: [cutInChunks], fails: null },
  { title: 'cut within the headers of a resume', faults: [cut(100_000), cutInHeaders], fails: null },
  { title: 'cut again and again, with progress', faults: [1, 2, 3, 4, 5, 6, 7].map(() => cut(30_000)), fails: null },
  { title: 'cut again and again, without progress', faults: forever(cut(100)), fails: /fetching discogs_20260401_labels/ },
  { title: 'no answer at all', faults: forever(() => {}), fails: /no answer within 0\.3 s/ },
  { title: 'an answer that stops', faults: [trickle(100_000, 5000)], fails: null },
  { title: 'an answer that always stops', faults: forever(trickle(3, 5000)), fails: /nothing has come for 0\.3 s/, waste: 30 },
  { title: 'slow loris in the body', faults: forever(trickle(3, 20)), fails: /bytes per second is too slow/, waste: 1_000 },
  {
    title: 'slow loris in the headers',
    faults: forever(async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ')
      while (!socket.destroyed) {
        socket.write('x')
        await sleep(20)
      }
    }),
    fails: /no answer within 0\.3 s/,
  },
  {
    title: '403',
    faults: [answer(403)],
    fails: /answered 403: the site refuses the request; that does not mean that the file is absent/,
  },
  { title: '404', faults: [answer(404)], fails: /is not there \(404\)/ },
  { title: '410', faults: [answer(410)], fails: /answered 410/ },
  { title: '429 with seconds', faults: [answer(429, { 'retry-after': '1' })], fails: null, outageMs: 10_000 },
  { title: '503 without Retry-After', faults: [answer(503), answer(500), answer(502)], fails: null },
  {
    title: '503 with more patience than we have',
    faults: [answer(503, { 'retry-after': '3600' })],
    fails: /busy, and asks to wait 3600 s/,
  },
  { title: '503 for ever', faults: forever(answer(503)), fails: /answered 503/ },
  { title: 'a Content-Length that is too long', faults: forever(cutAt(sizeBytes + 1000)), fails: null, waste: sizeBytes },
  {
    title: 'a Content-Length that is too short',
    faults: [whole({ 'content-length': 1000 }, () => site.bytesOf(victim).subarray(0, 1000))],
    fails: null,
    waste: 1000,
  },
  { title: 'no Content-Length', faults: [whole({})], fails: null },
  {
    title: 'no Content-Length and no end',
    faults: [whole({}, () => site.bytesOf(victim).subarray(0, 1000))],
    fails: null,
    waste: 1000,
  },
  {
    title: 'a range from the start',
    faults: [cut(100_000), range(`bytes 0-${last}/${sizeBytes}`, () => site.bytesOf(victim))],
    fails: null,
    waste: 100_000 + sizeBytes,
  },
  {
    title: 'a range of another size',
    faults: [cut(100_000), range(`bytes 100000-${last}/${sizeBytes + 1}`, () => site.bytesOf(victim).subarray(100_000))],
    fails: null,
    waste: sizeBytes,
  },
  {
    title: 'a range without saying which',
    faults: [cut(100_000), range('', () => site.bytesOf(victim).subarray(100_000))],
    fails: null,
    waste: sizeBytes,
  },
  {
    title: 'a range of another file',
    faults: [
      cut(100_000),
      range(`bytes 100000-${last}/${sizeBytes}`, () => site.bytesOf(victim).subarray(100_000), { etag: '"other"' }),
    ],
    fails: null,
    waste: sizeBytes,
  },
  {
    title: 'a range nobody asked for',
    faults: [range(`bytes 0-${last}/${sizeBytes}`, () => site.bytesOf(victim))],
    fails: null,
    waste: sizeBytes,
  },
  {
    title: 'a resume that answers with all of it',
    faults: [cut(100_000), whole({ 'content-length': sizeBytes })],
    fails: null,
    waste: 100_000,
  },
  {
    title: 'a resume that is not satisfiable',
    faults: [cut(100_000), answer(416, { 'content-range': 'bytes */5' })],
    fails: null,
    waste: 100_000,
  },
  {
    title: 'gzip that a proxy added',
    faults: [whole({ 'content-encoding': 'gzip' }, () => gzipSync(site.bytesOf(victim)))],
    fails: null,
    waste: sizeBytes + 1000,
  },
  {
    title: 'gzip that a proxy always adds',
    faults: forever(whole({ 'content-encoding': 'gzip' }, () => gzipSync(site.bytesOf(victim)))),
    fails: /a dump that was compressed once more \(content-encoding gzip\)/,
    waste: 4 * sizeBytes + 4000,
  },
  ...['gzip', 'x-gzip', 'br'].map((encoding) => ({
    title: `the right bytes, said to be ${encoding}`,
    faults: [whole({ 'content-encoding': encoding, 'content-length': sizeBytes })],
    fails: null,
  })),
  ...['text/html', 'multipart/byteranges', 'application/json'].map((type) => ({
    title: `the right bytes, said to be ${type}`,
    faults: [whole({ 'content-type': type, 'content-length': sizeBytes })],
    fails: null,
  })),
  {
    title: 'a server without ranges that always breaks off at the same byte',
    faults: forever(cutWithoutRanges(200_000)),
    fails: /fetching discogs_20260401_labels/,
    waste: 5 * 200_000,
  },
  {
    title: 'a server without ranges that gets a little further each time',
    faults: [50_000, 100_000, 150_000, 200_000, 250_000].map(cutWithoutRanges),
    fails: null,
    waste: 750_000,
  },
  { title: 'a connection that is closed after each answer', faults: forever(closing), fails: null },
  { title: 'HTTP/1.0', faults: [oldProtocol], fails: null },
  { title: '40 kB of headers', faults: [whole({ 'x-padding': 'x'.repeat(40_000), 'content-length': sizeBytes })], fails: null },
  { title: 'HTML with status 200', faults: [html('text/html')], fails: null, waste: 100 },
  {
    title: 'HTML for ever',
    faults: forever(html('text/html; charset=utf-8')),
    fails:
      /answered 200 with bytes that are no gzip: "<html>.*\(content of the type text\/html; charset=utf-8, encoding identity\)/,
    waste: 1000,
  },
  {
    title: 'HTML that says it is a file, in the middle of a resume',
    faults: [cut(100_000), html('application/gzip')],
    fails: null,
    waste: 100,
  },
  { title: 'an empty file', faults: [whole({ 'content-length': 0 }, () => Buffer.alloc(0))], fails: null },
  { title: 'the wrong bytes once', faults: [whole({}, wrong)], fails: null, waste: sizeBytes },
  {
    title: 'the wrong bytes twice',
    faults: [whole({}, wrong), whole({}, wrong)],
    fails: /so it was twice, and nothing was kept/,
    waste: 2 * sizeBytes,
  },
  {
    title: 'a redirect to another host',
    faults: [answer(302, { location: 'http://127.0.0.2:1/x' })],
    fails: /redirects to "http:\/\/127\.0\.0\.2:1\/x", which is not on the same site: refused/,
  },
  {
    title: 'a redirect within the site',
    faults: [answer(302, { location: '/?download=data%2F2026%2Fdiscogs_20260401_labels.xml.gz' })],
    fails: null,
  },
  {
    title: 'a redirect in a circle',
    faults: forever(answer(307, { location: '/?download=data%2F2026%2Fdiscogs_20260401_labels.xml.gz' })),
    fails: /redirects more than 5 times/,
  },
]

/** As a server that knows no ranges, and breaks off. */
function cutWithoutRanges(bytes: number): Fault {
  return async (_, response) => {
    response.writeHead(200, { ...head, 'content-length': sizeBytes })
    await site.send(response, site.bytesOf(victim).subarray(0, bytes))
    await sleep(20)
    response.destroy()
  }
}

/** The body is complete when the connection ends. */
function closing(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { ...head, connection: 'close' })
  response.end(site.bytesOf(victim))
}

function oldProtocol({ socket }: IncomingMessage): void {
  socket.write('HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n')
  socket.end(site.bytesOf(victim))
}

/** Announces more bytes than there are. */
function cutAt(announced: number): Fault {
  return async (request, response, serve) => {
    if (request.headers.range !== undefined) return serve()
    response.writeHead(200, { ...head, 'content-length': announced, etag: site.files.get(victim)?.etag ?? '' })
    await site.send(response, site.bytesOf(victim))
    await sleep(20)
    response.destroy()
  }
}

function wrong(): Buffer {
  const bytes = Buffer.from(site.bytesOf(victim))
  bytes[sizeBytes >> 1] = (bytes[sizeBytes >> 1] ?? 0) ^ 1
  return bytes
}

const site = await DumpSite.start(sizeBytes)
after(() => site[Symbol.asyncDispose]())

for (const { title, faults, fails, waste = 0, outageMs } of cases) {
  test(title, async () => {
    site.calm()
    using place = new RawPlace()
    place.watchFor(site)
    site.misbehave(victim, ...faults)
    const first = place.download(site, outageMs === undefined ? {} : { patience: { outageMs } })
    if (fails === null) await first
    else await assert.rejects(first, { message: fails })
    const afterFirst = place.contents(site)
    assert.notEqual(afterFirst[victim], 'wrong')
    if (fails === null) assert.deepEqual(afterFirst, allRight)

    site.faults.clear()
    await place.download(site)
    assert.deepEqual(place.contents(site), allRight)
    assert.ok(
      site.sentBytes <= total + waste + onTheWayBytes,
      `${site.sentBytes - total} bytes more than there are, ${waste} are allowed`,
    )
    const asked = site.seen.length
    await place.download(site)
    assert.deepEqual([site.seen.length - asked, site.seen.at(-1)?.target], [1, 'page'])
    assert.deepEqual(place.violations, [])
  })
}

for (const status of [429, 503])
  test(`${status} with a Retry-After as seconds or as a date: both are waited for`, async () => {
    site.calm()
    using place = new RawPlace()
    const due = Math.ceil((Date.now() + 1000) / 1000) * 1000
    site.misbehave(victim, answer(status, { 'retry-after': new Date(due).toUTCString() }))
    site.misbehave(nameOf('artists'), answer(status, { 'retry-after': '1' }))
    await place.download(site, { patience: { outageMs: 10_000 } })
    assert.ok(Date.now() >= due)
    const waits = place.said
      .join('\n')
      .matchAll(/answered (\d+): the site is busy, and asks to wait \d s; trying again in [12]\.\d s/g)
    assert.deepEqual(
      Array.from(waits, ([, answered]) => answered),
      [`${status}`, `${status}`],
    )
  })

test('page and checksum file meet the same: cut, stopped, busy, empty; each is asked for again', async () => {
  const name = 'discogs_20260401_CHECKSUM.txt'
  const faults: readonly Fault[] = [
    ({ socket }) => void socket.destroy(),
    cutInHeaders,
    (_, response) => void response.writeHead(200, { 'content-length': 1000 }).write('<html>', () => response.destroy()),
    () => {},
    answer(503),
    answer(429, { 'retry-after': '0' }),
  ]
  for (const target of ['page', name])
    for (const fault of faults) {
      site.calm()
      using place = new RawPlace()
      site.misbehave(target, fault)
      await place.download(site, { dumps: ['labels'] })
      assert.equal(site.seen.filter((seen) => seen.target === target).length, 2)
      assert.deepEqual(place.contents(site), { [victim]: 'right' })
    }
})

test('page and checksum file that are refused, missing or no such thing are said as they are', async () => {
  const failing = async (target: string, fault: Fault, message: RegExp): Promise<void> => {
    site.calm()
    using place = new RawPlace()
    site.misbehave(target, ...forever(fault))
    await assert.rejects(place.download(site), { message })
    assert.deepEqual([site.sentBytes, place.contents(site)], [0, {}])
  }
  const name = 'discogs_20260401_CHECKSUM.txt'
  await failing('page', answer(403), /listing 2026: http\S+ answered 403: the site refuses the request/)
  await failing(
    'page',
    html('text/html'),
    /the page http\S+ has no links to dumps: it has \d+ bytes, the title "Just a moment\.\.\."/,
  )
  await failing('page', answer(302, { location: 'http://127.0.0.2:1/' }), /which is not on the same site: refused/)
  await failing(name, answer(403), /fetching discogs_20260401_CHECKSUM\.txt: http\S+ answered 403/)
  await failing(name, answer(404), /discogs_20260401_CHECKSUM\.txt is not there \(404\)/)
  await failing(name, html('text/html'), /holds no "<sha256> <name>" line: it begins with "<html>/)
  const long = whole({}, () => Buffer.alloc(1_000_000, `${'a'.repeat(64)} ../../etc/passwd\n`))
  await failing(name, long, /sends more than 100000 bytes of text/)
  const strange = whole({}, () => Buffer.from(`${'a'.repeat(64)} ../../etc/passwd\n${'b'.repeat(64)} /etc/shadow\n`))
  await failing(name, strange, /does not name discogs_20260401_\w+\.xml\.gz.*: it names \.\.\/\.\.\/etc\/passwd, \/etc\/shadow/)
})

test('an abort stops within a fraction of a second, also in a pause, and keeps what has arrived', async () => {
  site.calm()
  using place = new RawPlace()
  site.bytesPerSecond = 200_000
  site.misbehave(nameOf('artists'), answer(503, { 'retry-after': '2' }))
  const controller = new AbortController()
  const running = place.download(site, { signal: controller.signal, patience: { outageMs: 10_000 } })
  const isPaused = (): boolean => place.said.some((line) => line.includes('trying again'))
  while (!isPaused() || !site.seen.some(({ target, bodyBytes }) => target.endsWith('.gz') && bodyBytes > 20_000)) await sleep(10)
  const stoppedAt = performance.now()
  controller.abort(new Error('enough'))
  await assert.rejects(running, /enough/)
  assert.ok(performance.now() - stoppedAt < 300)
  site.bytesPerSecond = null
  await place.download(site)
  assert.deepEqual(place.contents(site), allRight)
  assert.ok(site.seen.some(({ range, status }) => range !== undefined && status === 206))
})
