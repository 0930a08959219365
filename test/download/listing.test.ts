import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daysOf, listYear, parseYear, parseYears } from '../../src/download/listing.ts'
import { Site } from '../../src/download/site.ts'
import { DumpSite, fileLine, page } from './support/dump-site.ts'
import { impatience, settingsFor } from './support/place.ts'

const url = 'https://data.example.org/?prefix=data%2F2026%2F'
const up = '<a href="?prefix=data%2F">../</a>'
const sizes = {
  'CHECKSUM.txt': '388 B',
  'artists.xml.gz': '462.8 MB',
  'labels.xml.gz': '83.9 MB',
  'masters.xml.gz': '578.4 MB',
  'releases.xml.gz': '10.2 GB',
}
const day = (date: string, sizeOf: Readonly<Record<string, string>> = sizes): string[] =>
  Object.entries(sizeOf).map(([name, size]) => fileLine(`discogs_${date}_${name}`, size))

/** What a page with these lines is refused with. */
const refusal = (...lines: readonly string[]): string => {
  try {
    parseYear(page(lines), url)
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing'
}

test('a year page gives its files by day, newest first, with what it says of size and time', () => {
  const partial = { 'labels.xml.gz': '83.1 MB', 'artists.xml.gz': '460.3 MB' }
  const days = daysOf(parseYear(page([up, ...day('20260401'), ...day('20260501', partial)]), url))
  assert.deepEqual(
    days.map(({ month, date, isWhole, files }) => [month, date, isWhole, files.map(({ dump }) => dump)]),
    [
      ['2026-05', '20260501', false, ['artists', 'labels']],
      ['2026-04', '20260401', true, [null, 'artists', 'labels', 'masters', 'releases']],
    ],
  )
  assert.deepEqual(days[1]?.files[4], {
    name: 'discogs_20260401_releases.xml.gz',
    date: '20260401',
    dump: 'releases',
    modified: '2026-04-01 19:22:20',
    aboutBytes: Math.round(10.2 * 2 ** 30),
  })
  assert.equal(days[1]?.files[0]?.aboutBytes, 388)
})

test('files of other names, other years and other folders are left out', () => {
  const files = parseYear(
    page([
      ...day('20260401'),
      fileLine('discogs_20260401_notes.txt', '1 B'),
      fileLine('discogs_20250401_labels.xml.gz', '1 B', '2026'),
    ]),
    url,
  )
  assert.equal(files.length, 5)
})

test('the root page gives the years from 2008 on', () => {
  const links = ['2008', '2026', '2007', 'x', '20261'].map((year) => `<a href="?prefix=data%2F${year}%2F">${year}/</a>`)
  assert.deepEqual(parseYears(page(links), url), ['2008', '2026'])
  assert.throws(() => parseYears(page([]), url), /has no links to years: it has \d+ bytes, the title "Discogs Data", 0 links/)
})

test('a page without dumps is an error that says what was seen, and where', () => {
  assert.match(refusal(), /^the page https:\S+ has no links to dumps: .*0 links, the text "Download Discogs Data/)
  assert.throws(() => parseYear('', url), { message: `the page ${url} has no links to dumps: it has 0 bytes, 0 links, no text` })
  const challenge =
    '<html><head><title>Just a moment...</title></head><body>Checking your browser<script>let x = "<a href=y>"</script></body></html>'
  assert.throws(() => parseYear(challenge, url), /the title "Just a moment\.\.\.", 0 links, the text "Checking your browser"/)
  assert.throws(() => parseYear('{"files": []}', url), /the text "\{\\"files\\": \[\]\}"/)
  const changed = page(day('20260401')).replaceAll('?download=data%2F2026%2F', '/files/')
  assert.throws(() => parseYear(changed, url), /has no links to dumps/)
})

test('the page of a year without dumps yet has none, and is no error', () => {
  assert.deepEqual(parseYear(page([up]), url), [])
})

test('links to anything but a dump in the folder of its year are ignored', () => {
  const name = 'discogs_20260401_labels.xml.gz'
  for (const href of [
    '?download=data%2F2026%2F..%2F..%2Fetc%2Fpasswd',
    `?download=data%2F2026%2F%2Fetc%2F${name}`,
    `?download=..%2F${name}`,
    `?download=%2Fetc%2Fpasswd`,
    `?download=data%2F2026%2F..%5C${name}`,
    `?download=data%2F2026%2F${name}%00`,
    `?download=data%2F2026%2F${name}%20`,
    `?download=data%2F2026%2Fold%2F${name}`,
    `?download=data%2F2025%2F${name}`,
    `?download=data%2F2026%2F.ssh`,
    `https://evil.example/?download=data%2F2026%2F${name}`,
    `//evil.example/${name}`,
    `http://data.example.org/?download=data%2F2026%2F${name}`,
    'https://www.discogs.com/developers',
    'javascript:alert(1)',
  ])
    assert.deepEqual(
      parseYear(page([...day('20260401'), `<a href="${href}">x</a>`]), url),
      parseYear(page(day('20260401')), url),
      href,
    )
})

test('a page of nested elements is refused at once', () => {
  const started = performance.now()
  assert.match(refusal('<i>'.repeat(600_000)), /refused: its elements are nested more than 200 deep/)
  assert.ok(performance.now() - started < 1000)
})

test('100,000 links are refused at once', () => {
  const started = performance.now()
  assert.match(refusal(...Array.from({ length: 100_000 }, () => up)), /refused: it has more than 5000 links/)
  assert.ok(performance.now() - started < 1000)
})

test('100 MB of HTML are refused after the first 2', async () => {
  await using server = await DumpSite.start(100)
  using site = new Site(settingsFor(server.url), impatience)
  const html = Buffer.alloc(100_000_000, '<p>more</p>')
  server.misbehave('page', async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    await server.send(response, html)
    response.end()
  })
  await assert.rejects(
    listYear(site, '2026', { signal: new AbortController().signal, say: () => {} }),
    /sends more than 2000000 bytes of text.*refused/,
  )
  // What the sockets hold on the way comes on top.
  assert.ok((server.seen[0]?.bodyBytes ?? 0) < 20_000_000, String(server.seen[0]?.bodyBytes))
})
