import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChecksums } from '../../src/lake/checksums.ts'
import { networkFailure } from '../../src/download/failure.ts'
import { assertMonth, parseFileName } from '../../src/download/names.ts'
import { Limiter } from '../../src/download/pace.ts'
import { pauseMs, retryAfterMs } from '../../src/download/retry.ts'
import { defaultPatience } from '../../src/download/patience.ts'

const a = 'a'.repeat(64)
const b = 'b'.repeat(64)

test('checksum files: CRLF, upper case, binary marks, a byte order mark, lines of another kind', () => {
  const text = `\uFEFF# sha256\r\n${a.toUpperCase()}  discogs_20260401_artists.xml.gz\r\n${b} *./discogs_20260401_labels.xml.gz\r\n\r\n`
  assert.deepEqual(
    [...parseChecksums(text, 'url')],
    [
      ['discogs_20260401_artists.xml.gz', a],
      ['discogs_20260401_labels.xml.gz', b],
    ],
  )
})

test('a checksum file that is none is an error that says how it begins; two hashes of one name are one too', () => {
  assert.throws(
    () => parseChecksums('<html>\n<title>Just a moment...</title>', 'the-url'),
    /the-url holds no .* begins with "<html> <title>Just a moment/,
  )
  assert.throws(() => parseChecksums('', 'the-url'), /begins with ""/)
  assert.throws(() => parseChecksums(`${a} x\n${b} x\n`, 'the-url'), /two hashes of x/)
  assert.equal(parseChecksums(`${a} x\n${a} x\n`, 'the-url').size, 1)
})

test('only the exact names of dumps are names', () => {
  assert.deepEqual(parseFileName('discogs_20260401_labels.xml.gz'), { date: '20260401', dump: 'labels' })
  assert.deepEqual(parseFileName('discogs_20260401_CHECKSUM.txt'), { date: '20260401', dump: null })
  for (const name of [
    'discogs_20261301_labels.xml.gz',
    'discogs_20260432_labels.xml.gz',
    'discogs_20260401_users.xml.gz',
    '../discogs_20260401_labels.xml.gz',
    'discogs_20260401_labels.xml.gz\n',
    'discogs_20260401_labels.xml.gz.part',
    'DISCOGS_20260401_labels.xml.gz',
  ])
    assert.equal(parseFileName(name), null, name)
  for (const month of ['2008-01', '2026-12', '2099-01']) assertMonth(month)
  for (const month of ['2007-12', '2026-13', '2026-4', '../2026', '']) assert.throws(() => assertMonth(month), { exitCode: 2 })
})

test('Retry-After in both forms; nonsense is none', () => {
  const now = Date.parse('2026-04-20T06:00:00Z')
  assert.equal(retryAfterMs('120', now), 120_000)
  assert.equal(retryAfterMs('Mon, 20 Apr 2026 06:00:30 GMT', now), 30_000)
  assert.equal(retryAfterMs('Mon, 20 Apr 2026 05:00:00 GMT', now), 0)
  assert.equal(retryAfterMs('9'.repeat(40), now), Number.MAX_SAFE_INTEGER)
  for (const text of [undefined, '', '-1', '1.5', 'soon', '1e9']) assert.equal(retryAfterMs(text, now), null, text)
})

test('pauses double up to the cap, and half of each is chance', () => {
  const least = (failures: number): number => pauseMs(failures, defaultPatience, () => 0)
  assert.deepEqual([1, 2, 3, 6, 7, 50].map(least), [500, 1000, 2000, 16_000, 30_000, 30_000])
  assert.equal(
    pauseMs(1, defaultPatience, () => 1),
    1000,
  )
  assert.equal(
    pauseMs(50, defaultPatience, () => 1),
    60_000,
  )
})

test('a limit holds a transfer back to its rate', async () => {
  const limiter = new Limiter(() => 100_000)
  const { signal } = new AbortController()
  const started = performance.now()
  for (let count = 0; count < 20; count++) await limiter.take(1_000, signal)
  const passed = performance.now() - started
  assert.ok(passed >= 180 && passed < 600, `${passed} ms`)
})

test('a certificate that is not trusted is not tried again, a lost connection is', () => {
  const request = { doing: 'fetching x', url: 'the-url', proxy: null, isAnswered: false }
  const failed = (code: string): boolean => networkFailure(request, Object.assign(new Error('it failed'), { code })).retryable
  assert.deepEqual(
    ['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'].map(
      failed,
    ),
    [false, false, false, false],
  )
  assert.deepEqual(['ECONNRESET', 'ENOTFOUND', 'UND_ERR_SOCKET', 'ETIMEDOUT'].map(failed), [true, true, true, true])
})
