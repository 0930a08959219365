import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { dumps } from '../../../src/discogs/catalogue.ts'
import { Engine } from '../../support/differential.ts'
import { compareUntil, describeDifference, isSame, type Tally } from '../../support/differential-run.ts'
import { generatedRecords } from '../../support/mutations.ts'

/** Of each dump: four times this many are read. */
const mutatedRecords = 50_000

for (const dump of dumps) {
  const odd = readFileSync(new URL(`../../fixtures/odd/${dump.name}.xml`, import.meta.url))

  test(`${dump.name}: scanner and sax agree on the odd fixture at every chunk size, and in slices of every size`, async () => {
    const expected = await new Engine(dump, false).read(odd)
    const scanner = new Engine(dump, true)
    assert.ok(expected.records > 1)
    assert.equal(expected.failure, null)
    for (let bytes = 1; bytes <= odd.length; bytes += bytes < 300 ? 1 : 97) {
      const actual = await scanner.read(odd, { sliceBytes: bytes, chunkBytes: bytes })
      assert.ok(isSame(expected, actual), `cut into pieces of ${bytes} bytes`)
    }
    for (let chunk = 1; chunk < 64; chunk++)
      assert.ok(isSame(expected, await scanner.read(odd, { sliceBytes: 100, chunkBytes: chunk })), `chunks of ${chunk} bytes`)
  })

  test(`${dump.name}: without a root, both read the same records at the same places, in slices of every size`, async () => {
    const rootless = Buffer.from(odd.toString().replaceAll(new RegExp(`</?${dump.root}>`, 'g'), (tag) => ' '.repeat(tag.length)))
    const expected = await new Engine(dump, false).read(odd)
    assert.ok(isSame(expected, await new Engine(dump, false).read(rootless)))
    const scanner = new Engine(dump, true)
    for (let bytes = 1; bytes <= odd.length; bytes += bytes < 30 ? 1 : 97)
      assert.ok(
        isSame(expected, await scanner.read(rootless, { sliceBytes: bytes, chunkBytes: bytes })),
        `pieces of ${bytes} bytes`,
      )
  })

  test(`${dump.name}: generated records of both shapes are all taken by the scanner`, async () => {
    const records = await generatedRecords(dump)
    const xml = Buffer.concat([
      Buffer.from(`<${dump.root}>\n`),
      ...records.flatMap((record) => [record, Buffer.from('\n')]),
      Buffer.from(`</${dump.root}>`),
    ])
    const actual = await new Engine(dump, true).read(xml, { sliceBytes: 5000, chunkBytes: 7777 })
    assert.ok(isSame(await new Engine(dump, false).read(xml), actual))
    assert.deepEqual([actual.records, actual.rejected.length, actual.failure], [records.length, 0, null])
    assert.equal(actual.unusual, 0)
  })

  test(`${dump.name}: scanner and sax agree on ${mutatedRecords} mutated records`, async (context) => {
    const tally: Tally = { documents: 0, records: 0, unusual: 0, rejected: 0, failures: 0 }
    const difference = await compareUntil(dump, 1, tally, () => tally.records >= mutatedRecords)
    context.diagnostic(JSON.stringify(tally))
    assert.equal(difference === null ? null : describeDifference(difference), null)
    // The mutations reach every way a record can go.
    for (const count of [tally.unusual, tally.rejected, tally.failures]) assert.ok(count > 100)
    assert.ok(tally.records - tally.unusual - tally.rejected > mutatedRecords / 4)
  })
}
