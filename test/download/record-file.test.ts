import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readMonthManifest, type VerifiedFile, writeMonthManifest } from '../../src/download/manifest.ts'
import { recordFile } from '../../src/download/record-file.ts'
import { nameOf } from './support/dump-site.ts'
import { RawPlace } from './support/place.ts'

const file = (url: string | null): VerifiedFile => ({ url, bytes: 0, sha256: '', etag: null, verifiedAt: '', mtimeMs: 0 })
const [earlier, later] = [nameOf('labels', '20260401'), nameOf('labels', '20260403')]

/** A month in which the labels of the later day are recorded, and those of the earlier one lie beside them. */
function monthOf(place: RawPlace): void {
  mkdirSync(place.directory)
  const published = { date: '20260403', url: '', etag: null, lastModified: null, sha256: {}, aboutBytes: {}, modified: {} }
  writeMonthManifest(place.directory, { baseUrl: '', askedAt: '', published, files: { [later]: file('url') } })
  for (const name of [earlier, later]) writeFileSync(join(place.directory, name), '')
}

const dumpsIn = (place: RawPlace): readonly string[] => readdirSync(place.directory).filter((name) => name.endsWith('.gz'))

test('a file of an earlier day that is ready last does not stay beside the later one; one that nobody fetched does', () => {
  using place = new RawPlace()
  monthOf(place)
  assert.throws(() => recordFile(place.directory, earlier, file(null)), /come out again under a later day/)
  assert.deepEqual(dumpsIn(place), [earlier, later])
  assert.throws(() => recordFile(place.directory, earlier, file('url')), /come out again under a later day/)
  assert.deepEqual(dumpsIn(place), [later])
  assert.deepEqual(Object.keys(readMonthManifest(place.directory)?.files ?? {}), [later])
})

test('what a kill between naming a file and recording it leaves goes when it is recorded; the state of a part stays', () => {
  using place = new RawPlace()
  monthOf(place)
  const [part, state] = [`${later}.part`, `${later}.part.json`]
  for (const name of [part, state]) writeFileSync(join(place.directory, name), '')
  recordFile(place.directory, later, file('url'))
  assert.ok(readdirSync(place.directory).includes(state))
  rmSync(join(place.directory, part))
  recordFile(place.directory, later, file('url'))
  assert.ok(!readdirSync(place.directory).includes(state))
})
