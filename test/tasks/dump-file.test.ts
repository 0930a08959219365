import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findDumpFile } from '../../src/tasks/dump-file.ts'

const rawDir = mkdtempSync(join(tmpdir(), 'dump-file-'))
after(() => rmSync(rawDir, { recursive: true }))
const month = '2026-04'
const name = 'discogs_20260401_labels.xml.gz'
const sha256 = 'ab'.repeat(32)
mkdirSync(join(rawDir, month))
writeFileSync(join(rawDir, month, name), '')

function expectedBy(checksums: string): string | null {
  writeFileSync(join(rawDir, month, 'discogs_20260401_CHECKSUM.txt'), checksums)
  return findDumpFile(rawDir, month, 'labels').expectedSha256
}

test('a checksum file beside a dump is read as a download reads it: CRLF, upper case, marks, other spacing', () => {
  assert.equal(findDumpFile(rawDir, month, 'labels').expectedSha256, null)
  for (const text of [
    `${sha256} ${name}\n`,
    `${sha256.toUpperCase()} *${name}\r\n`,
    `\uFEFF${sha256}  ./${name}`,
    `  ${sha256}\t${name}  \r${'0'.repeat(64)} another`,
  ])
    assert.equal(expectedBy(text), sha256, JSON.stringify(text))
  assert.equal(expectedBy(`${sha256} discogs_20260401_artists.xml.gz\n`), null)
})

test('a checksum file that is none stops the dump from being loaded, and says what to do', () => {
  for (const [text, message] of [
    ['', /looking for the hash of discogs_20260401_labels\.xml\.gz: the checksum file \S+ holds no/],
    [`${sha256} ${name}\n${'0'.repeat(64)} ${name}\n`, /has two hashes of discogs_20260401_labels/],
  ] as const)
    assert.throws(() => expectedBy(text), { message, hint: /put the published file there, or remove it/, retryable: false })
})
