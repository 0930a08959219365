import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dumpNamed } from '../../../src/discogs/catalogue.ts'
import { Engine } from '../../support/differential.ts'
import { isSame } from '../../support/differential-run.ts'

const digits = ['0', '00', '1', '007', '999999999', '1000000000', '2147483647', '2147483648', '00000000002147483647']
const large = ['9007199254740993', '999999999999999999', '1000000000000000000', '9223372036854775807', '9223372036854775808']
const larger = ['18446744073709551616', '99999999999999999999', '0000000000000000000000042', '1'.repeat(400)]
const odd = [
  '',
  ' ',
  '\t\n',
  ' 5',
  '5 ',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '٣',
  '１２',
  'true',
  'false',
  'True',
  'falsey',
  'tru',
  '&#49;',
  '&#x31;2',
]
const clocks = [
  '1:02',
  '1:2:3',
  ':1',
  '1:',
  '1::2',
  '1:2:3:4',
  '99999:59',
  '596523:14:07',
  '596523:14:08',
  `${'9'.repeat(30)}:00`,
  '0:00',
]
const dates = [
  '1999',
  '1999-00-00',
  '1999-13-01',
  '1999-12-31',
  '1999-12-32',
  '0000-01-01',
  '1999-1-1',
  '1999-12',
  '1999/12/31',
  '19991231',
]
const texts = [
  'a',
  '\u00a0',
  '&amp;',
  '&lt;&gt;&quot;&apos;',
  'a&#13;b',
  'a\r\nb',
  'a\rb\r',
  '&#x1F600;',
  '&#32;',
  '&#9;x',
  '😀 ß İ',
  'x'.repeat(300),
]
const values = [...digits, ...large, ...larger, ...odd, ...clocks, ...dates, ...texts]

/** A release with this value wherever a value is read. */
function release(id: number, value: string): string {
  const attribute = value.replaceAll('"', '&quot;')
  return `<release id="${id}" status="${attribute}"><artists><artist><id>${value}</id><name>${value}</name></artist></artists>
<title>${value}</title><labels><label name="${attribute}" catno="" id="${attribute}"/></labels>
<extraartists><artist><id>1</id><name>n</name><role>${value}</role></artist><artist><id>2</id><name>${value}</name><role>r</role></artist></extraartists>
<formats><format name="Vinyl" qty="${attribute}" text="${attribute}"><descriptions><description>${value}</description></descriptions></format></formats>
<genres><genre>${value}</genre><genre>b</genre></genres><released>${value}</released>
<master_id is_main_release="${attribute}">${value}</master_id><tracklist><track><position>A</position><title>t</title><duration>${value}</duration></track></tracklist>
<identifiers><identifier type="${attribute}" description="${attribute}" value="v"/></identifiers><videos><video src="s" duration="${attribute}" embed="${attribute}"><title>v</title></video></videos></release>`
}

test(`${values.length} odd values in every place of a release are read by the scanner as by sax`, async () => {
  const dump = dumpNamed('releases')
  const xml = Buffer.from(`<releases>${values.map((value, index) => release(index + 1, value)).join('\n')}</releases>`)
  const scanner = await new Engine(dump, true).read(xml)
  assert.ok(isSame(await new Engine(dump, false).read(xml), scanner))
  assert.deepEqual([scanner.records, scanner.unusual, scanner.failure], [values.length, 0, null])
})

test('ids of every kind of value are taken or rejected alike, wherever the id stands', async () => {
  for (const [name, record] of [
    ['artists', (value: string) => `<artist><id>${value}</id><name>n</name></artist>`],
    ['masters', (value: string) => `<master id="${value.replaceAll('"', '&quot;')}"><title>t</title></master>`],
  ] as const) {
    const dump = dumpNamed(name)
    const xml = Buffer.from(`<${dump.root}>${values.map(record).join('\n')}</${dump.root}>`)
    const expected = await new Engine(dump, false).read(xml)
    assert.ok(isSame(expected, await new Engine(dump, true).read(xml)))
    assert.ok(expected.rejected.length > 10)
  }
})
