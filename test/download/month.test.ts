/** A month and its manifest: what is asked, what is read, what is kept. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readMonthManifest } from '../../src/download/manifest.ts'
import { askForMonth, latestMonth } from '../../src/download/month.ts'
import type { DumpName } from '../../src/download/names.ts'
import { planMonth } from '../../src/download/plan.ts'
import { Site } from '../../src/download/site.ts'
import { verifyMonth } from '../../src/download/verify-month.ts'
import { PipelineError } from '../../src/errors.ts'
import { checksumName, date, dumps, DumpSite, month, nameOf } from './support/dump-site.ts'
import { allRight, impatience, RawPlace, settingsFor } from './support/place.ts'
import { endOf, startChild } from './support/run-child.ts'

const sizeBytes = 50_000
const { signal } = new AbortController()
const site = await DumpSite.start(sizeBytes)
after(() => site[Symbol.asyncDispose]())

const targets = (): readonly string[] => site.seen.map(({ target, status }) => `${target} ${status}`)

test('a month: page, checksums, four files; the manifest tells where each came from', async () => {
  site.calm()
  using place = new RawPlace()
  const files = await place.download(site, { settings: { contact: 'https://example.org/me' } })
  assert.deepEqual(targets().slice(0, 2), ['page 200', `${checksumName} 200`])
  assert.equal(site.seen.length, 6)
  assert.ok(site.seen.every(({ userAgent }) => userAgent === 'discogs-lakehouse/1 (https://example.org/me)'))
  assert.ok(files.every(({ outcome, receivedBytes }) => outcome === 'fetched' && receivedBytes === sizeBytes))
  const manifest = readMonthManifest(place.directory)
  const name = nameOf('labels')
  const { verifiedAt, mtimeMs, ...labels } = manifest?.files[name] ?? assert.fail('labels are not in the manifest')
  assert.deepEqual(labels, {
    url: `${site.url}?download=data%2F2026%2F${name}`,
    bytes: sizeBytes,
    sha256: site.sha256(name),
    etag: site.files.get(name)?.etag,
  })
  assert.ok(Math.abs(Date.parse(verifiedAt) - Date.now()) < 60_000)
  assert.equal(mtimeMs, statSync(join(place.directory, name)).mtimeMs)
  assert.deepEqual(readFileSync(join(place.directory, checksumName)), site.bytesOf(checksumName))
})

test('an idle second run of a complete month sends one request and reads no dump', async () => {
  site.calm()
  using place = new RawPlace()
  await place.download(site)
  site.seen.length = 0
  const files = dumps.map((dump) => join(place.directory, nameOf(dump)))
  // The time of the last access tells a read: relatime notes one in a file that was read before it was written.
  for (const file of files) execFileSync('touch', ['-a', '-d', '@0', file])
  const before = files.map((file) => statSync(file, { bigint: true }).atimeNs)
  assert.deepEqual(
    (await place.download(site)).map(({ outcome }) => outcome),
    ['kept', 'kept', 'kept', 'kept'],
  )
  assert.deepEqual(targets(), ['page 200'])
  assert.deepEqual(
    files.map((file) => statSync(file, { bigint: true }).atimeNs),
    before,
  )
})

test('a page that does not say when files were modified costs a conditional request more', async () => {
  site.calm()
  using place = new RawPlace()
  const timeless = async (_: unknown, response: ServerResponse): Promise<void> => {
    const links = [...site.files.keys()].map((name) => `<a href="?download=data%2F2026%2F${name}">${name}</a>`)
    response.end(links.join('\n'))
  }
  site.misbehave('page', timeless, timeless)
  await place.download(site)
  site.seen.length = 0
  await place.download(site)
  assert.deepEqual(targets(), ['page 200', `${checksumName} 304`])
})

test('a file that is touched, damaged or copied here is read again, and fetched only when it is wrong', async () => {
  site.calm()
  using place = new RawPlace()
  await place.download(site)
  const [touched, damaged] = [nameOf('labels'), nameOf('masters')]
  utimesSync(join(place.directory, touched), 1, 1)
  writeFileSync(join(place.directory, damaged), 'damaged')
  site.calm()
  const outcomes = Object.fromEntries((await place.download(site)).map(({ name, outcome }) => [name, outcome]))
  assert.deepEqual(outcomes, {
    [nameOf('artists')]: 'kept',
    [touched]: 'verified',
    [damaged]: 'fetched',
    [nameOf('releases')]: 'kept',
  })
  assert.equal(site.sentBytes, sizeBytes)
  assert.deepEqual(place.contents(site), allRight)

  using other = new RawPlace()
  mkdirSync(other.directory)
  copyFileSync(join(place.directory, touched), join(other.directory, touched))
  const [copied] = await other.download(site, { dumps: ['labels'] })
  assert.deepEqual([copied?.outcome, copied?.receivedBytes, copied?.url], ['verified', 0, null])
})

test('a month that is published anew is noticed; old files stay until the new ones are verified', async () => {
  site.calm()
  await using old = await DumpSite.start(sizeBytes)
  for (const [name, file] of site.files) old.files.set(name, file)
  using place = new RawPlace()
  await place.download(site)
  site.put(nameOf('labels'), Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(sizeBytes, 7)]))
  site.putChecksums()
  place.watchFor(old, site)
  site.calm()
  site.misbehave(
    nameOf('labels'),
    ...Array.from({ length: 500 }, () => (request: { socket: { destroy(): void } }) => request.socket.destroy()),
  )
  await assert.rejects(place.download(site))
  site.calm()
  assert.equal(place.contents(old)[nameOf('labels')], 'right')
  // What a run without downloads would read is the old file, and it still has its own hash.
  assert.equal(readMonthManifest(place.directory)?.files[nameOf('labels')]?.sha256, old.sha256(nameOf('labels')))
  const outcomes = (await place.download(site)).map(({ name, outcome }) => [name, outcome])
  assert.deepEqual(Object.fromEntries(outcomes)[nameOf('labels')], 'fetched')
  assert.equal(outcomes.filter(([, outcome]) => outcome === 'kept').length, 3)
  assert.deepEqual(place.contents(site), allRight)
  assert.deepEqual(place.violations, [])
})

test('a file that changes between two resumes is fetched from the start, whichever of file and checksum changes first', async () => {
  site.calm()
  using place = new RawPlace()
  const name = nameOf('releases')
  const stop = new AbortController()
  site.bytesPerSecond = 100_000
  await assert.rejects(
    place.download(site, {
      signal: stop.signal,
      dumps: ['releases'],
      onProgress: ({ phase, done }) => void (phase === 'fetch' && done > 20_000 && stop.abort(new Error('enough'))),
    }),
    /enough/,
  )
  site.calm()
  site.put(name, Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(sizeBytes, 9)]))
  await assert.rejects(place.download(site, { dumps: ['releases'] }), /so it was twice, and nothing was kept/)
  assert.ok(
    site.seen.some(
      ({ target, range, ifRange, status }) => target === name && range !== undefined && ifRange !== undefined && status === 200,
    ),
  )
  assert.deepEqual(place.contents(site), {})
  site.putChecksums()
  await place.download(site, { dumps: ['releases'] })
  assert.deepEqual(place.contents(site), { [name]: 'right' })
})

test('a month that comes out again under another day takes the place of the first', async () => {
  await using twice = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  await place.download(twice)
  for (const dump of dumps) twice.files.delete(nameOf(dump))
  twice.files.delete(checksumName)
  twice.publish(sizeBytes, '20260405')
  for (const left of ['.part', '.part.json']) writeFileSync(join(place.directory, `${nameOf('labels')}${left}`), 'x')
  await place.download(twice)
  assert.deepEqual(place.contents(twice), Object.fromEntries(dumps.map((dump) => [nameOf(dump, '20260405'), 'right'])))
})

test('a later day is noticed while the first one is still there, once its checksum file names all four dumps', async () => {
  await using twice = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  const [later, ofLater] = ['20260403', (dump: string): string => nameOf(dump, '20260403')]
  await place.download(twice)
  const outcomes = async (): Promise<unknown> => [...new Set((await place.download(twice)).map(({ outcome }) => outcome))]
  twice.publish(sizeBytes, later)
  twice.files.delete(ofLater('releases'))
  assert.deepEqual(await outcomes(), ['kept'])
  twice.publish(sizeBytes, later)
  twice.putChecksums(later, (lines) => `${lines.slice(0, 2).join('\n')}\n`)
  assert.deepEqual(await outcomes(), ['kept'])
  assert.match(place.said.join('\n'), /discogs_20260403_CHECKSUM\.txt does not name all four dumps/)
  twice.putChecksums(later)
  await place.download(twice, { dumps: ['labels'] })
  const mixed = [nameOf('artists'), ofLater('labels'), nameOf('masters'), nameOf('releases')]
  assert.deepEqual(place.contents(twice), Object.fromEntries(mixed.map((name) => [name, 'right'])))
  await place.download(twice)
  assert.deepEqual(place.contents(twice), Object.fromEntries(dumps.map((dump) => [ofLater(dump), 'right'])))
  assert.equal(existsSync(join(place.directory, checksumName)), false)
  twice.seen.length = 0
  assert.deepEqual(await outcomes(), ['kept'])
  assert.deepEqual(
    twice.seen.map(({ target }) => target),
    ['page'],
  )
})

test('a month of two days is complete when checksum files, of one day or of both, name all four dumps', async () => {
  const [early, late] = ['20260403', '20260410']
  const names = { artists: late, labels: late, masters: early, releases: early }
  const ofMonth = Object.entries(names).map(([dump, day]) => nameOf(dump, day))
  for (const checksums of [
    { [late]: ofMonth },
    { [early]: ofMonth.slice(2), [late]: ofMonth.slice(0, 2) },
    { [early]: ofMonth },
  ]) {
    await using site = await DumpSite.start(sizeBytes)
    using place = new RawPlace()
    site.files.clear()
    for (const name of ofMonth) site.put(name, Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(sizeBytes)]))
    for (const [day, named] of Object.entries(checksums))
      site.put(`discogs_${day}_CHECKSUM.txt`, Buffer.from(named.map((name) => `${site.sha256(name)} ${name}\n`).join('')))
    place.watchFor(site)
    // The later day first: nothing gives way to it.
    await place.download(site, { dumps: ['artists'] })
    const files = await place.download(site)
    assert.deepEqual(files.map(({ name }) => name).toSorted(), ofMonth.toSorted())
    assert.deepEqual(place.contents(site), Object.fromEntries(ofMonth.map((name) => [name, 'right'])))
    assert.deepEqual(place.violations, [])
    assert.match(place.said.join('\n'), /the dumps are of several days: discogs_20260410_artists\.xml\.gz, /)
    using client = new Site(settingsFor(site.url), impatience)
    const asking = { rawDir: place.rawDir, signal: new AbortController().signal, say: () => {} }
    assert.equal(await latestMonth(client, asking), month)
    site.seen.length = 0
    const again = await place.download(site)
    assert.deepEqual([...new Set(again.map(({ outcome }) => outcome))], ['kept'])
    assert.equal(site.sentBytes, 0)
  }
})

test('a month of two days waits for a dump that no checksum file names; once a day has all, that day counts', async () => {
  await using site = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  const later = '20260410'
  site.files.delete(nameOf('labels'))
  site.put(nameOf('labels', later), Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(sizeBytes)]))
  await assert.rejects(place.download(site), /does not name discogs_\d+_labels\.xml\.gz/)
  site.publish(sizeBytes, later)
  const files = await place.download(site)
  assert.deepEqual(
    files.map(({ name }) => name).toSorted(),
    dumps.map((dump) => nameOf(dump, later)),
  )
})

test('of two processes the one with the day that is no longer published gives up and says so', async () => {
  await using twice = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  const other = Promise.withResolvers<void>()
  twice.misbehave(nameOf('labels'), async (_, response) => {
    const bytes = twice.bytesOf(nameOf('labels'))
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10_000))
    await other.promise
    response.end(bytes.subarray(10_000))
  })
  const slow = place.download(twice, { dumps: ['labels'], patience: { idleMs: 10_000 } }).catch((error: unknown) => error)
  while (!existsSync(join(place.directory, `${nameOf('labels')}.part.json`))) await sleep(5)
  twice.publish(sizeBytes, '20260403')
  await place.download(twice, { dumps: ['labels'] })
  other.resolve()
  const error = await slow
  assert.ok(error instanceof PipelineError, String(error))
  assert.match(error.message, /^discogs_20260401_labels\.xml\.gz: its month has come out again under a later day/)
  assert.match(error.hint ?? '', /run the same command again/)
  assert.deepEqual(place.contents(twice), { [nameOf('labels', '20260403')]: 'right' })
})

test('a directory that is removed under a download is said as such', async () => {
  site.calm()
  using place = new RawPlace()
  site.bytesPerSecond = 100_000
  const running = place.download(site, { dumps: ['labels'] })
  const failed = assert.rejects(running, /labels\.xml\.gz or its part has gone while it was being fetched: was it removed\?/)
  while (!existsSync(join(place.directory, `${nameOf('labels')}.part.json`))) await sleep(5)
  rmSync(place.directory, { recursive: true })
  site.bytesPerSecond = null
  await failed
  await place.download(site, { dumps: ['labels'] })
  assert.deepEqual(place.contents(site), { [nameOf('labels')]: 'right' })
})

test('checksum files: missing, late, incomplete, with other names, CRLF and upper case, a page instead', async () => {
  await using other = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  other.files.delete(checksumName)
  await assert.rejects(place.download(other), /2026-04 is not complete: .* lists discogs_20260401_artists.*, no checksum file/)
  other.putChecksums(date, (lines) => `${lines.slice(0, 2).join('\n')}\n`)
  await assert.rejects(
    place.download(other),
    /does not name discogs_20260401_masters\.xml\.gz, discogs_20260401_releases\.xml\.gz: it names discogs/,
  )
  other.putChecksums(date, (lines) => lines.map((line) => line.replace('discogs_', 'dump_')).join('\n'))
  await assert.rejects(place.download(other), /it names dump_20260401_artists/)
  other.put(checksumName, Buffer.from('<html><title>Just a moment...</title>'))
  await assert.rejects(place.download(other), /holds no "<sha256> <name>" line: it begins with "<html>/)
  other.putChecksums(date, (lines) => lines.map((line) => `${line.slice(0, 64).toUpperCase()}  *${line.slice(65)}\r\n`).join(''))
  await place.download(other)
  assert.deepEqual(place.contents(other), allRight)
})

test('a month that the site does not list is not found (exit 4)', async () => {
  await using empty = await DumpSite.start(sizeBytes)
  using client = new Site(settingsFor(empty.url), impatience)
  using place = new RawPlace()
  await assert.rejects(askForMonth(client, '2026-03', { rawDir: place.rawDir, signal, say: () => {} }), {
    exitCode: 4,
    message: /lists no file of 2026-03/,
  })
})

test('the latest month is the newest one whose checksum file names all four dumps', async () => {
  await using several = await DumpSite.start(sizeBytes)
  using client = new Site(settingsFor(several.url), impatience)
  using place = new RawPlace()
  const latest = (): Promise<string> => latestMonth(client, { rawDir: place.rawDir, signal, say: () => {} })
  several.publish(sizeBytes, '20251201')
  assert.equal(await latest(), '2026-04')
  several.publish(sizeBytes, '20260501')
  several.putChecksums('20260501', (lines) => `${lines.slice(0, 3).join('\n')}\n`)
  several.publish(sizeBytes, '20260601')
  several.files.delete('discogs_20260601_CHECKSUM.txt')
  assert.equal(await latest(), '2026-04')
  for (const name of several.files.keys()) if (name.startsWith('discogs_2026')) several.files.delete(name)
  assert.equal(await latest(), '2025-12')
})

test('a dry run writes nothing and tells what would be done', async () => {
  site.calm()
  using place = new RawPlace()
  using client = new Site(settingsFor(site.url), impatience)
  const options = { rawDir: place.rawDir, signal, say: () => {}, isDryRun: true }
  const manifest = await askForMonth(client, month, options)
  assert.deepEqual(
    planMonth(place.directory, manifest, ['labels']).map(({ name, state, aboutBytes }) => ({ name, state, aboutBytes })),
    [{ name: nameOf('labels'), state: 'missing', aboutBytes: site.bytesOf(nameOf('labels')).length }],
  )
  assert.equal(existsSync(place.directory), false)
})

test('four processes at once: each file is brought by one, two at a time; those that start together ask together', async () => {
  site.calm()
  using place = new RawPlace()
  site.bytesPerSecond = 400_000
  let most = 0
  for (const dump of dumps)
    site.misbehave(nameOf(dump), async (_, __, serve) => {
      const running = site.seen.filter(
        ({ target, bodyBytes }) => target.endsWith('.gz') && bodyBytes < site.bytesOf(target).length,
      )
      most = Math.max(most, running.length)
      await serve()
    })
  const ends = await Promise.all([1, 2, 3, 4].map(() => endOf(startChild(site.url, place.rawDir))))
  assert.deepEqual(
    ends.map(({ code }) => code),
    [0, 0, 0, 0],
    ends.map(({ stderr }) => stderr).join(''),
  )
  assert.equal(
    site.sentBytes,
    [...dumps].reduce((sum, dump) => sum + site.bytesOf(nameOf(dump)).length, 0),
  )
  assert.equal(most, 2)
  assert.deepEqual(place.contents(site), allRight)
})

test('a limit on the rate holds for all transfers together, and a lone one may use it alone', async () => {
  await using large = await DumpSite.start(300_000)
  const seconds = async (dumps: readonly DumpName[]): Promise<number> => {
    using place = new RawPlace()
    const started = performance.now()
    await place.download(large, { dumps, settings: { maxBytesPerSecond: 200_000 } })
    return (performance.now() - started) / 1000
  }
  const [alone, together] = await Promise.all([seconds(['artists']), seconds(['artists', 'labels'])])
  // 300 kB alone take 1.5 s; of 600 kB the first second may bring twice the rate, before the transfers have seen each other.
  assert.ok(alone > 1.4 && alone < 2.4, `${alone} s`)
  assert.ok(together > 1.9, `${together} s`)
})

test('a checksum file with a wrong hash is asked for again before anything is fetched twice', async () => {
  site.calm()
  using place = new RawPlace()
  const right = site.bytesOf(checksumName)
  const victim = nameOf('labels')
  site.put(checksumName, Buffer.from(right.toString().replace(site.sha256(victim), 'a'.repeat(64))))
  site.misbehave(victim, async (_request, _response, serve) => {
    // Mended while the file was on its way; the page shows the month as before.
    site.files.set(checksumName, { ...site.files.get(checksumName)!, bytes: right })
    await serve()
  })
  await place.download(site)
  assert.deepEqual(place.contents(site), allRight)
  const published = dumps.reduce((sum, dump) => sum + site.bytesOf(nameOf(dump)).length, 0)
  assert.equal(site.sentBytes, published)
})

for (const [kind, broken] of [
  ['names three dumps', (text: string) => text.split('\n').slice(1).join('\n')],
  ['is cut', (text: string) => text.slice(0, 90)],
  ['has one wrong hash', (text: string) => text.replace(/^[0-9a-f]{64}/, 'b'.repeat(64))],
] as const)
  test(`a checksum file that ${kind} is not remembered once it has been mended`, async () => {
    site.calm()
    using place = new RawPlace()
    const right = site.bytesOf(checksumName)
    const mended = site.files.get(checksumName)!
    site.files.set(checksumName, { ...mended, bytes: Buffer.from(broken(right.toString())) })
    await assert.rejects(place.download(site))
    // Neither ETag nor time tells that it was mended.
    site.files.set(checksumName, { ...mended, bytes: right })
    await place.download(site, { freshMs: 60_000 })
    assert.deepEqual(place.contents(site), allRight)
  })

test('a file that another program has begun under its final name is resumed', async () => {
  site.calm()
  using place = new RawPlace()
  const victim = nameOf('labels')
  mkdirSync(place.directory)
  writeFileSync(join(place.directory, victim), site.bytesOf(victim).subarray(0, 30_000))
  await place.download(site, { dumps: ['labels'] })
  assert.deepEqual(place.contents(site), { [victim]: 'right' })
  assert.equal(site.sentBytes, site.bytesOf(victim).length - 30_000)
})

test('a flipped bit that verify finds is fetched again although size and time are as recorded', async () => {
  site.calm()
  using place = new RawPlace()
  await place.download(site)
  const file = join(place.directory, nameOf('labels'))
  const { atime, mtime } = statSync(file)
  const bytes = Buffer.from(site.bytesOf(nameOf('labels')))
  bytes[100] = (bytes[100] ?? 0) ^ 1
  writeFileSync(file, bytes)
  utimesSync(file, atime, mtime)
  const verified = await verifyMonth(month, { rawDir: place.rawDir, signal: new AbortController().signal })
  assert.deepEqual(verified.map(({ verdict }) => verdict).toSorted(), ['ok', 'ok', 'ok', 'wrong'])
  await place.download(site)
  assert.deepEqual(place.contents(site), allRight)
})

test('files and directories in the way are one sentence with the path', async () => {
  site.calm()
  const failing = async (prepare: (place: RawPlace) => void, message: RegExp): Promise<void> => {
    using place = new RawPlace()
    prepare(place)
    await assert.rejects(place.download(site), (error) => error instanceof PipelineError && message.test(error.message))
  }
  await failing(({ directory }) => writeFileSync(directory, ''), /2026-04: a file is in the way of a directory$/)
  await failing(({ rawDir }) => writeFileSync(join(rawDir, '.locks'), ''), /\.locks/)
  for (const name of [
    nameOf('labels'),
    `${nameOf('labels')}.part`,
    `${nameOf('labels')}.part.json`,
    '_download.json',
    checksumName,
  ])
    await failing(({ directory }) => mkdirSync(join(directory, name, 'x'), { recursive: true }), /: a directory is in the way$/)
})

test('verify reads what lies on the disk: right, damaged, missing, unknown; with and without a manifest', async () => {
  site.calm()
  using place = new RawPlace()
  await place.download(site)
  const verdicts = async (): Promise<unknown> =>
    Object.fromEntries(
      (await verifyMonth(month, { rawDir: place.rawDir, signal })).map(({ name, verdict }) => [name.slice(17, -7), verdict]),
    )
  assert.deepEqual(await verdicts(), { artists: 'ok', labels: 'ok', masters: 'ok', releases: 'ok' })
  const damaged = join(place.directory, nameOf('labels'))
  const { mtime, atime } = statSync(damaged)
  const bytes = readFileSync(damaged)
  bytes[1000] = (bytes[1000] ?? 0) ^ 1
  writeFileSync(damaged, bytes)
  utimesSync(damaged, atime, mtime)
  rmSync(join(place.directory, nameOf('masters')))
  const found = { artists: 'ok', labels: 'wrong', masters: 'missing', releases: 'ok' }
  assert.deepEqual(await verdicts(), found)
  rmSync(join(place.directory, '_download.json'))
  assert.deepEqual(await verdicts(), found)
  rmSync(join(place.directory, checksumName))
  assert.deepEqual(await verdicts(), { artists: 'unknown', labels: 'unknown', releases: 'unknown' })
  await assert.rejects(verifyMonth('2026-03', { rawDir: place.rawDir, signal }), { exitCode: 4 })
})

test('a manifest that makes no sense is as good as none: everything is verified again, nothing is fetched', async () => {
  site.calm()
  using place = new RawPlace()
  await place.download(site)
  for (const text of [
    '',
    '{',
    '{"format_version": 1}',
    '{"format_version": 2}',
    '[]',
    '{"format_version":1,"published":{"sha256":{"x":1}}}',
  ]) {
    writeFileSync(join(place.directory, '_download.json'), text)
    site.calm()
    assert.deepEqual(
      (await place.download(site)).map(({ outcome }) => outcome),
      ['verified', 'verified', 'verified', 'verified'],
    )
    assert.equal(site.sentBytes, 0)
  }
})
