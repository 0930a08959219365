import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { demoMonth, demoMonths, ensureDumps } from '../../src/demo/month.ts'

const root = mkdtempSync(join(tmpdir(), 'demo-month-'))
const directory = join(root, demoMonth)
after(() => rmSync(root, { recursive: true, force: true }))

function contents(): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]))
}

test('the dumps of the demo are generated once and kept', async () => {
  assert.equal(await ensureDumps(directory), true)
  const first = contents()
  assert.deepEqual(
    Object.keys(first).map((name) => name.replace(/\d{8}/, 'DATE')),
    [
      '.generated.json',
      'discogs_DATE_CHECKSUM.txt',
      ...['artists', 'labels', 'masters', 'releases'].map((dump) => `discogs_DATE_${dump}.xml.gz`),
    ],
  )
  const written = statSync(join(directory, '.generated.json')).mtimeMs
  assert.equal(await ensureDumps(directory), false)
  assert.equal(statSync(join(directory, '.generated.json')).mtimeMs, written)
})

test('a dump that is missing or cut short is made again, the same bytes', async () => {
  const whole = contents()
  const name = Object.keys(whole).find((one) => one.includes('releases')) ?? ''
  for (const damage of [() => writeFileSync(join(directory, name), 'cut'), () => rmSync(join(directory, name))]) {
    damage()
    assert.equal(await ensureDumps(directory), true)
    assert.deepEqual(contents(), whole)
  }
})

test('files that the generator did not make are never touched', async () => {
  const foreign = join(root, 'foreign')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'discogs_20990101_artists.xml.gz'), 'precious')
  await assert.rejects(ensureDumps(foreign), /holds files that the generator did not make/)
  assert.deepEqual(readdirSync(foreign), ['discogs_20990101_artists.xml.gz'])
  assert.equal(readFileSync(join(foreign, 'discogs_20990101_artists.xml.gz'), 'utf8'), 'precious')
})

test('the three months evolve: releases come, go and change, and an element appears', async () => {
  const releasesOf = async (index: 0 | 1 | 2): Promise<ReadonlyMap<string, string>> => {
    const { month } = demoMonths[index]
    await ensureDumps(join(root, month), demoMonths[index])
    const xml = gunzipSync(readFileSync(join(root, month, `discogs_${month.replace('-', '')}01_releases.xml.gz`))).toString()
    return new Map(Array.from(xml.matchAll(/<release id="(\d+)".*/g), ([record, id]) => [id ?? '', record]))
  }
  const [first, second, third] = [await releasesOf(0), await releasesOf(1), await releasesOf(2)]
  const shared = [...first.keys()].filter((id) => second.has(id))
  const changed = shared.filter((id) => first.get(id) !== second.get(id))
  console.log(`${first.size}, ${second.size}, ${third.size} releases; ${changed.length} changed in the second month`)
  assert.deepEqual([first.size, shared.length, second.size], [5000, 4990, 5189])
  assert.ok(changed.length >= 100 && changed.length <= 130, String(changed.length))
  assert.equal([...second.keys()].filter((id) => !third.has(id)).length, 11)
  assert.deepEqual(
    [second, third].map((month) => [...month.values()].some((record) => record.includes('<weight_grams>'))),
    [false, true],
  )
})
