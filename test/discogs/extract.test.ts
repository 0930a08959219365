import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { datasets, dumps } from '../../src/discogs/catalogue.ts'
import { Census } from '../../src/discogs/census.ts'
import type { Dump } from '../../src/discogs/dataset.ts'
import { recordIdOf, rowsOf, viewRecord } from '../../src/discogs/extract.ts'
import type { Element } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { RecordSplitter } from '../../src/xml/record-splitter.ts'
import { expected, expectedCensus } from '../fixtures/odd/expected.ts'

/** The records of one of the odd dumps. */
function elementsOf(dump: Dump): Element[] {
  const splitter = new RecordSplitter(dump)
  const bytes = readFileSync(new URL(`../fixtures/odd/${dump.name}.xml`, import.meta.url))
  return [...splitter.push(bytes), ...splitter.end()].map((piece) => {
    if (piece.kind !== 'record') throw new Error(`unexpected ${JSON.stringify(piece)}`)
    return parseElement(piece.bytes)
  })
}

for (const dump of dumps) {
  for (const dataset of dump.datasets) {
    test(`${dataset.name}: every value of the odd ${dump.name}`, () => {
      const extract = rowsOf(dataset)
      const rows = elementsOf(dump).flatMap((element) => extract(viewRecord(dump, element, recordIdOf(dump, element) ?? 0n)))
      const shown = rows.map((row) => row.map((value) => (typeof value === 'bigint' ? value.toString() : value)))
      assert.deepEqual(shown, expected[dataset.name])
    })
  }

  test(`census of the odd ${dump.name}: nothing unknown is passed over`, () => {
    const census = new Census(dump)
    for (const element of elementsOf(dump)) census.count(element)
    const lines = census.lines().filter((line) => line.status !== 'mapped')
    assert.deepEqual(
      lines.map(({ path, count, status }) => `${path} ${count} ${status}`),
      expectedCensus[dump.name],
    )
  })
}

test('the expected rows cover every dataset that is read from XML', () => {
  const names = datasets.filter((dataset) => dataset.dump !== null).map((dataset) => dataset.name)
  assert.equal(names.length, 25)
  assert.deepEqual(Object.keys(expected).sort(), names.sort())
})

test('a track in a track counts under one path, and stray text is told', () => {
  const [, , , releases] = dumps
  assert.ok(releases)
  const census = new Census(releases)
  census.count(
    parseElement(
      Buffer.from(
        '<release id="1"><tracklist>?<track><sub_tracks><track><sub_tracks><track/></sub_tracks></track></sub_tracks></track></tracklist></release>',
      ),
    ),
  )
  assert.deepEqual(
    census.lines().map(({ path, count, status }) => `${path} ${count} ${status}`),
    [
      'releases/release 1 mapped',
      'releases/release/@id 1 mapped',
      'releases/release/tracklist 1 mapped',
      'releases/release/tracklist/text() 1 unknown',
      'releases/release/tracklist/track 3 mapped',
      'releases/release/tracklist/track/sub_tracks 2 mapped',
    ],
  )
})
