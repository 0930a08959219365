import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dumpNamed, dumps } from '../../src/discogs/catalogue.ts'
import type { Dump } from '../../src/discogs/dataset.ts'
import { recordHashVersion } from '../../src/discogs/record-hash-version.ts'
import { Engine } from '../support/differential.ts'
import { baseRecords, generatedRecords, mutatedDocument, randomFrom } from '../support/mutations.ts'

interface Hashed {
  readonly hashes: readonly bigint[]
  /** The columns of all datasets, without those of the hashes. */
  readonly content: string
}

async function hashed(engine: Engine, xml: Buffer | string, sliceBytes = 1 << 18): Promise<Hashed> {
  const { columns } = await engine.read(Buffer.from(xml), { sliceBytes, chunkBytes: 1 << 18 })
  const [, , values] = columns.at(-1) ?? []
  const data = Buffer.from(typeof values === 'string' ? values : '', 'latin1')
  const hashes = Array.from({ length: data.length / 8 }, (_, index) => data.readBigInt64LE(8 * index))
  return { hashes, content: JSON.stringify(columns.slice(0, -2)) }
}

function documentOf(dump: Dump, ...records: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat([`<${dump.root}>`, ...records, `</${dump.root}>`].map((part) => Buffer.from(part)))
}

for (const dump of dumps) {
  test(`${dump.name}: mutated records have the same hash exactly when all their rows are the same`, async () => {
    const base = await baseRecords(dump)
    const random = randomFrom(7)
    let engine = new Engine(dump, true)
    const byContent = new Map<string, bigint>()
    for (let round = 0; round < 1500; round++) {
      if (round % 150 === 0) engine = new Engine(dump, true)
      const record = base[random(base.length)] ?? Buffer.alloc(0)
      const { hashes, content } = await hashed(engine, mutatedDocument(dump, [record], random))
      const [hash, ...others] = hashes
      if (hash === undefined || others.length > 0) continue
      assert.equal(byContent.get(content) ?? hash, hash)
      byContent.set(content, hash)
    }
    assert.ok(byContent.size > 100, `${byContent.size} different records`)
    assert.equal(new Set(byContent.values()).size, byContent.size)
  })

  test(`${dump.name}: the hash of a record does not depend on the records around it, nor on slices`, async () => {
    const records = (await generatedRecords(dump)).slice(0, 200)
    const engine = new Engine(dump, true)
    const alone: bigint[] = []
    for (const record of records) alone.push(...(await hashed(engine, documentOf(dump, record))).hashes)
    const separated = documentOf(dump, ...records.flatMap((record) => [record, '\n']))
    for (const sliceBytes of [3000, 1 << 18]) assert.deepEqual((await hashed(engine, separated, sliceBytes)).hashes, alone)
    assert.equal(alone.length, records.length)
  })
}

const labels = dumpNamed('labels')
const releases = dumpNamed('releases')

async function labelHash(inside: string, useScanner = true): Promise<bigint | undefined> {
  return (await hashed(new Engine(labels, useScanner), documentOf(labels, `<label><id>7</id>${inside}</label>`))).hashes[0]
}

test('a value counts where it is: in its column, its row and its dataset', async () => {
  const url = (text: string): string => `<url>${text}</url>`
  const variants = [
    '<name>a</name>',
    '<profile>a</profile>',
    '<contactinfo>a</contactinfo>',
    '<name>a\u00a0</name>',
    '<name>ab</name>',
    '<name>a</name><profile>b</profile>',
    '<urls></urls>',
    `<urls>${url('')}</urls>`,
    `<urls>${url('')}${url('')}</urls>`,
    `<urls>${url('')}${url('b')}</urls>`,
    `<urls>${url('b')}${url('')}</urls>`,
    `<urls>${url('ab')}${url('c')}</urls>`,
    `<urls>${url('a')}${url('bc')}</urls>`,
    `<urls>${url('bc')}${url('a')}</urls>`,
    `<urls>${url('a, bc')}</urls>`,
    '<sublabels><label id="1">a</label><label>b</label></sublabels>',
    '<sublabels><label>a</label><label id="1">b</label></sublabels>',
  ]
  const hashes = new Map<unknown, string[]>()
  for (const variant of variants) {
    const hash = await labelHash(variant)
    hashes.set(hash, [...(hashes.get(hash) ?? []), variant])
  }
  // An empty element is as good as none where it is no row.
  assert.deepEqual(
    [...hashes.values()].filter((same) => same.length > 1),
    [],
  )
  assert.equal(await labelHash('<name></name>'), await labelHash(' '))
  assert.equal(await labelHash('<urls/>'), await labelHash(''))
})

test('the way a record is written does not count, whoever reads it', async () => {
  const plain = await labelHash('<name>A &amp; B</name><profile>x</profile>')
  assert.equal(await labelHash('\n  <profile>x</profile>\n<name>A &#38; B</name>'), plain)
  assert.equal(await labelHash('<name><![CDATA[A & B]]></name><!-- c --><profile>x</profile>'), plain)
  assert.equal(await labelHash('<name>A &amp; B</name><profile>x</profile>', false), plain)
})

test('every change of a track, credit or format of a release changes its hash', async () => {
  const record = `<release id="1"><artists><artist><id>1</id><name>N</name><anv>V</anv><join>,</join></artist></artists>
    <formats><format name="CD" qty="1" text=""><descriptions><description>Album</description></descriptions></format></formats>
    <tracklist><track><position>1</position><title>T</title><duration>1:00</duration>
      <extraartists><artist><id>2</id><name>E</name><role>Bass</role></artist></extraartists></track></tracklist></release>`
  const changed = [
    record.replace('<anv>V', '<anv>W'),
    record.replace('<join>,', '<join>&amp;'),
    record.replace('qty="1"', 'qty="2"'),
    record.replace('text=""', 'text="Blue"'),
    record.replace('Album', 'EP'),
    record.replace('<title>T', '<title>U'),
    record.replace('1:00', '1:01'),
    record.replace('Bass', 'Drums'),
    record.replace('<id>2', '<id>3'),
  ]
  const engine = new Engine(releases, true)
  const { hashes } = await hashed(engine, documentOf(releases, record, ...changed))
  assert.equal(new Set(hashes).size, changed.length + 1)
})

test('every bit of the hash is set in half of the records', async () => {
  const records = Array.from({ length: 4096 }, (_, index) => `<label><id>${index + 1}</id></label>`)
  const { hashes } = await hashed(new Engine(labels, true), documentOf(labels, ...records))
  assert.equal(new Set(hashes).size, records.length)
  for (let bit = 0n; bit < 64n; bit++) {
    const set = hashes.filter((hash) => ((hash >> bit) & 1n) === 1n).length
    // Six standard deviations of 32 on either side.
    assert.ok(Math.abs(set - 2048) < 192, `bit ${bit} is set in ${set} of 4096 hashes`)
  }
})

test('the version changes with the columns that are hashed, and stands for one algorithm', async () => {
  const version = recordHashVersion()
  assert.match(version, /^1-[0-9a-f]{12}$/)
  const [first, ...others] = dumps
  assert.ok(first !== undefined)
  const [dataset, ...datasets] = first.datasets
  assert.ok(dataset !== undefined)
  const renamed = dataset.columns.map((column, index) => (index === 1 ? { ...column, name: 'other' } : column))
  const variants = [
    { ...first, datasets: [{ ...dataset, columns: renamed }, ...datasets] },
    { ...first, datasets: [{ ...dataset, columns: dataset.columns.toReversed() }, ...datasets] },
    { ...first, datasets },
  ]
  for (const variant of variants) assert.notEqual(recordHashVersion([variant, ...others]), version)
  // Another hash for the same values needs another algorithmVersion.
  assert.equal(await labelHash('<name>Warp</name><urls><url>a</url><url/></urls>'), 3373893104954981928n)
})
