import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { createHash } from 'node:crypto'
import { dumps } from '../../src/discogs/catalogue.ts'
import { dataQualities } from '../../src/discogs/declare.ts'
import { type ElementNode, elementTree } from '../../src/discogs/element-tree.ts'
import { dumpFileName, generateDump, generateDumps } from '../../src/demo/generate.ts'
import { generatedMark } from '../../src/discogs/generated-mark.ts'
import type { DumpName } from '../../src/discogs/dataset.ts'
import { type PathValues, pathValues } from './dump-paths.ts'

const month = '2026-04'
const names = dumps.map((dump) => dump.name)
let directory = ''
let values: Readonly<Record<DumpName, PathValues>>

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'generate-'))
  await generateDumps({ directory: join(directory, 'a'), month, releases: 400 })
  values = read(join(directory, 'a'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

function read(from: string): Readonly<Record<DumpName, PathValues>> {
  const of = (name: DumpName) => pathValues(join(from, dumpFileName(month, name)))
  return { artists: of('artists'), labels: of('labels'), masters: of('masters'), releases: of('releases') }
}

function at(dump: DumpName, path: string): readonly string[] {
  return values[dump].get(path) ?? []
}

/** Paths that some column takes, as the catalogue declares them; tracks in tracks two deep. */
function expectedPaths(node: ElementNode, path: string): string[] {
  const own = [...(node.takesText ? [path] : []), ...[...node.attributes].map((attribute) => `${path}/@${attribute}`)]
  const below = [...node.children].flatMap(([name, child]) => {
    const times = path.split('/').filter((step) => step === name).length
    return times > 2 ? [] : expectedPaths(child, `${path}/${name}`)
  })
  return [...own, ...below]
}

describe('generated dumps', () => {
  test('the same options give the same bytes, another seed gives others', async () => {
    await generateDumps({ directory: join(directory, 'b'), month, releases: 400 })
    await generateDumps({ directory: join(directory, 'c'), month, releases: 400, seed: 2 })
    const files = readdirSync(join(directory, 'a'))
    assert.deepEqual(files, readdirSync(join(directory, 'b')))
    assert.equal(files.length, 5)
    for (const file of files) {
      const first = readFileSync(join(directory, 'a', file))
      assert.ok(first.equals(readFileSync(join(directory, 'b', file))), file)
      assert.ok(!first.equals(readFileSync(join(directory, 'c', file))), file)
    }
  })

  test('the dumps are marked before the root, and are the same without the mark when asked', async () => {
    const bare = { path: join(directory, 'bare.xml.gz'), dump: 'labels', until: { records: 80 }, isMarked: false } as const
    await generateDump(bare)
    const without = gunzipSync(readFileSync(bare.path)).toString()
    await generateDump({ ...bare, isMarked: true })
    assert.equal(gunzipSync(readFileSync(bare.path)).toString(), `${generatedMark}\n${without}`)
    assert.match(without, /^<labels>\n/)
  })

  test('a bigger world begins with the smaller one', async () => {
    await generateDumps({ directory: join(directory, 'more'), month, releases: 500 })
    for (const name of names) {
      const [small, big] = ['a', 'more'].map((one) =>
        gunzipSync(readFileSync(join(directory, one, dumpFileName(month, name)))).toString(),
      )
      const records = small?.slice(0, small.lastIndexOf('</')) ?? ''
      assert.equal(big?.startsWith(records), true, name)
    }
  })

  test('every element and attribute that the catalogue takes has a value somewhere', () => {
    for (const dump of dumps) {
      const expected = expectedPaths(elementTree(dump), `${dump.root}/${dump.record}`)
      assert.ok(expected.length >= 9, dump.name)
      const missing = expected.filter((path) => !at(dump.name, path).some((value) => value !== ''))
      assert.deepEqual(missing, [], dump.name)
    }
  })

  test("nothing is there that the catalogue neither takes nor ignores, and nothing of older shapes' images", () => {
    for (const dump of dumps) {
      const known = new Set(expectedPaths(elementTree(dump), `${dump.root}/${dump.record}`))
      const withText = [...values[dump.name]].filter(([path, found]) => path.includes('@') || found.some((value) => value !== ''))
      assert.deepEqual(
        withText.map(([path]) => path).filter((path) => !known.has(path)),
        [],
        dump.name,
      )
    }
  })

  test('ids join across the four dumps, but for a few orphans', () => {
    const ids = {
      artists: new Set(at('artists', 'artists/artist/id')),
      labels: new Set(at('labels', 'labels/label/id')),
      masters: new Set(at('masters', 'masters/master/@id')),
      releases: new Set(at('releases', 'releases/release/@id')),
    }
    const orphans = (dump: DumpName, path: string, to: DumpName): number => {
      const found = at(dump, path).filter((id) => id !== '0')
      assert.ok(found.length > 0, path)
      return found.filter((id) => !ids[to].has(id)).length / found.length
    }
    const whole = [
      orphans('artists', 'artists/artist/aliases/name/@id', 'artists'),
      orphans('artists', 'artists/artist/members/name/@id', 'artists'),
      orphans('artists', 'artists/artist/groups/name/@id', 'artists'),
      orphans('labels', 'labels/label/parentLabel/@id', 'labels'),
      orphans('labels', 'labels/label/sublabels/label/@id', 'labels'),
      orphans('masters', 'masters/master/main_release', 'releases'),
      orphans('releases', 'releases/release/master_id', 'masters'),
      orphans('releases', 'releases/release/companies/company/id', 'labels'),
    ]
    assert.deepEqual(
      whole,
      whole.map(() => 0),
    )
    for (const path of ['artists/artist/id', 'extraartists/artist/id', 'tracklist/track/extraartists/artist/id']) {
      assert.ok(orphans('releases', `releases/release/${path}`, 'artists') < 0.01, path)
    }
    assert.ok(orphans('releases', 'releases/release/labels/label/@id', 'labels') < 0.01)
    assert.equal(ids.masters.size, 120)
    for (const { name, root, record, idPath } of dumps)
      assert.equal(at(name, `${root}/${record}/${idPath}`).length, ids[name].size)
  })

  test('groups name their members as the members name their groups', () => {
    const xml = gunzipSync(readFileSync(join(directory, 'a', dumpFileName(month, 'artists')))).toString()
    const listings = (container: string): string[] =>
      xml.split('<artist>').flatMap((record) => {
        const id = /<id>(\d+)/.exec(record)?.[1]
        const list = new RegExp(`<${container}>(.*?)</${container}>`).exec(record)?.[1] ?? ''
        return [...list.matchAll(/name id="(\d+)"/g)].map(([, other]) =>
          container === 'members' ? `${id}>${other}` : `${other}>${id}`,
        )
      })
    assert.ok(listings('members').length > 10)
    assert.deepEqual(listings('members').toSorted(), listings('groups').toSorted())
  })

  test('texts hold what is awkward: references, four-byte characters, commas in genres, every data quality', () => {
    const xml = names.map((name) => gunzipSync(readFileSync(join(directory, 'a', dumpFileName(month, name)))).toString()).join('')
    for (const piece of [
      '&amp;',
      '&lt;',
      '&gt;',
      '&quot;',
      '&#13;\n',
      '𝄞',
      '<genre>Folk, World, &amp; Country</genre>',
      '<label/>',
      '<url/>',
    ]) {
      assert.ok(xml.includes(piece), piece)
    }
    const qualities = (dump: DumpName) => [...new Set(at(dump, `${dump}/${dump.slice(0, -1)}/data_quality`))].toSorted()
    for (const name of names) assert.deepEqual(qualities(name), [...dataQualities].toSorted())
    const released = new Set(
      at('releases', 'releases/release/released').map((text) => text.replaceAll(/[1-9]/g, '1').replaceAll('0', '1')),
    )
    for (const shape of ['1111', '1111-11', '1111-11-11']) assert.ok(released.has(shape), shape)
  })

  test('the checksum file lists the sha256 of each dump', () => {
    const lines = readFileSync(join(directory, 'a', 'discogs_20260401_CHECKSUM.txt'), 'utf8')
      .trim()
      .split('\n')
    const expected = names.map((name) => {
      const file = dumpFileName(month, name)
      return `${createHash('sha256')
        .update(readFileSync(join(directory, 'a', file)))
        .digest('hex')} ${file}`
    })
    assert.deepEqual(lines, expected)
  })

  test('the shape of 2020 has images, status and empty elements, and is ASCII', async () => {
    const from = join(directory, '2020')
    await generateDumps({ directory: from, month, releases: 100, shape: '2020' })
    const found = read(from)
    assert.equal(found.releases.get('releases/release/@status')?.length, 100)
    assert.ok((found.releases.get('releases/release/images/image/@uri150')?.length ?? 0) > 100)
    assert.ok(found.releases.has('releases/release/companies/company/resource_url'))
    assert.deepEqual(found.artists.get('artists/artist/members/id'), found.artists.get('artists/artist/members/name/@id'))
    for (const name of names) {
      const xml = gunzipSync(readFileSync(join(from, dumpFileName(month, name))))
      assert.ok(
        xml.every((byte) => byte < 128),
        name,
      )
    }
  })

  test('one dump of a wanted size takes constant memory', async () => {
    const path = join(directory, 'big.xml.gz')
    const before = process.memoryUsage().rss
    const written = await generateDump({ path, dump: 'releases', until: { xmlBytes: 40e6 } })
    assert.ok(process.memoryUsage().rss - before < 200e6)
    assert.ok(written.xmlBytes >= 40e6 && written.xmlBytes < 40.1e6, String(written.xmlBytes))
    assert.equal(written.bytes, readFileSync(path).length)
  })
})
