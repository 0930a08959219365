/** Records, and what can go wrong with them: a seed gives the same documents every time. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { generateDump } from '../../src/demo/generate.ts'
import type { Dump } from '../../src/discogs/dataset.ts'
import { RecordSplitter } from '../../src/xml/record-splitter.ts'

export type Random = (below: number) => number

/** Whole numbers from 0 to below a bound (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** The short ones of the generated records, and those of the odd fixture. */
export async function baseRecords(dump: Dump): Promise<readonly Buffer[]> {
  const odd = recordsOf(dump, readFileSync(new URL(`../fixtures/odd/${dump.name}.xml`, import.meta.url)))
  const short = (await generatedRecords(dump)).filter(({ length }) => length <= maxBaseBytes)
  return [...short, ...odd]
}

const maxBaseBytes = 900

/** Generated records of both shapes. */
export async function generatedRecords(dump: Dump): Promise<readonly Buffer[]> {
  const directory = mkdtempSync(join(tmpdir(), 'records-'))
  try {
    const records: Buffer[] = []
    for (const shape of ['today', '2020'] as const) {
      const path = join(directory, `${shape}.xml.gz`)
      await generateDump({ path, dump: dump.name, shape, until: { records: 300 } })
      records.push(...recordsOf(dump, gunzipSync(readFileSync(path))))
    }
    return records
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function recordsOf(dump: Dump, xml: Buffer): Buffer[] {
  const splitter = new RecordSplitter(dump)
  const records: Buffer[] = []
  for (const pieces of [splitter.push(xml), splitter.end()])
    for (const piece of pieces) if (piece.kind === 'record') records.push(Buffer.from(piece.bytes))
  return records
}

const snippets: readonly (string | Buffer)[] = [
  '<![CDATA[x<y&z]]>',
  '<![CDATA[]]>',
  '<!-- c -->',
  '<!-- a -- b -->',
  '<?pi x?>',
  '<?xml version="1.0"?>',
  '<!DOCTYPE x>',
  '&uuml;',
  '&#0;',
  '&#13;',
  '&#xD;',
  '&#xd;&#10;',
  '&#x1F600;',
  '&#1114112;',
  '&#55296;',
  '&#00000000065;',
  '&#;',
  '&#x;',
  '&#X41;',
  '&amp;',
  '&lt;&gt;',
  '&quot;&apos;',
  '&amp',
  '&',
  '<',
  '>',
  '/',
  '"',
  "'",
  ']]>',
  '\r\n',
  '\r',
  '\n',
  '\t',
  '   ',
  '\0',
  '\u0001',
  '\u00a0',
  '\ufeff',
  '\u2028',
  'é日𝄞',
  Buffer.from([0xff]),
  Buffer.from([0xc3]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf0, 0x9d, 0x84]),
  '<images><image type="primary" uri="" width="6"/></images>',
  '<resource_url>https://x.example/1</resource_url>',
  '<unknown a="1"><deep>text</deep> tail</unknown>',
  '<b>x</b>',
  '<x/>',
  '<id>0</id>',
  '<id>7</id>',
  '<id>00012</id>',
  '<id>99999999999999999999</id>',
  '<id>9007199254740993</id>',
  '<name>n</name>',
  '<name id="3">m</name>',
  '<title>t</title>',
  '<role>r</role>',
  '<artists><artist><id>5</id><name>A</name></artist></artists>',
  '<extraartists><artist><id>6</id><name>B</name><role>R</role></artist></extraartists>',
  '<tracklist><track><position>1</position><title>T</title></track></tracklist>',
  '<sub_tracks><track><title>S</title><duration>1:02:03</duration></track></sub_tracks>',
  '<genres><genre>Folk, World, &amp; Country</genre></genres>',
  '<urls><url>u</url><url/></urls>',
  '<members><id>4</id><name id="4">M</name></members>',
  '<sublabels><label id="71">Blue</label><label/></sublabels>',
  ' a="1"',
  " b='2'",
  ' id="9"',
  ' id="9" id="10"',
  ' name = "x"',
  ' name="a&amp;b&#13;"',
  ' xml:space="preserve"',
  ' __proto__="x"',
  ' c',
  '</release>\n<release id="5">',
  '</artist>\n<artist>',
  '</label><label>',
  '</label>\n<label>',
  '</master>\n<master id="2">',
]

const numbers = [
  '0',
  '00',
  '007',
  '1',
  '31',
  '12',
  '1999-13-40',
  '1999-02-00',
  '0000-05',
  '2147483648',
  '4294967297',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '１２',
  '1:2:3',
  '61:60',
  '-1',
  '1.5',
  ' 5',
  'true',
  'false',
  'TRUE',
  '',
]

type Mutation = (record: Buffer, random: Random) => Buffer

function spliced(record: Buffer, at: number, removed: number, added: Buffer | string = ''): Buffer {
  return Buffer.concat([record.subarray(0, at), Buffer.from(added), record.subarray(at + removed)])
}

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random(values.length)] as Value
}

/** Where tags begin and where they end. */
function edges(record: Buffer): number[] {
  const found: number[] = []
  for (const [at, byte] of record.entries())
    if (byte === 0x3c) found.push(at)
    else if (byte === 0x3e) found.push(at + 1)
  return found
}

/** Elements without children, as start and end. */
function elements(record: Buffer): { readonly start: number; readonly end: number }[] {
  return Array.from(record.toString('latin1').matchAll(/<([a-z_]+)(?:\s[^<>]*)?(?:\/>|>[^<]*<\/\1>)/g), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }))
}

const mutations: readonly Mutation[] = [
  (record, random) => {
    const copy = Buffer.from(record)
    const at = random(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random(8))
    return copy
  },
  (record, random) => spliced(record, random(record.length), 1 + random(3)),
  (record, random) => spliced(record, random(record.length), 0, Buffer.from([random(256)])),
  (record, random) => spliced(record, random(record.length), 0, pick(random, snippets)),
  (record, random) => spliced(record, pick(random, edges(record)) ?? 0, 0, pick(random, snippets)),
  (record, random) => spliced(record, pick(random, edges(record)) ?? 0, 0, pick(random, snippets)),
  // A snippet inside a start tag, before its end.
  (record, random) => {
    const ends = edges(record).filter((at) => record[at - 1] === 0x3e)
    return spliced(record, (pick(random, ends) ?? 1) - 1, 0, pick(random, snippets))
  },
  // An element twice, gone, or somewhere else.
  (record, random) => {
    const { start, end } = pick(random, elements(record)) ?? { start: 0, end: 0 }
    return spliced(record, end, 0, record.subarray(start, end))
  },
  (record, random) => {
    const { start, end } = pick(random, elements(record)) ?? { start: 0, end: 0 }
    return spliced(record, start, end - start)
  },
  (record, random) => {
    const { start, end } = pick(random, elements(record)) ?? { start: 0, end: 0 }
    const without = spliced(record, start, end - start)
    return spliced(without, pick(random, edges(without)) ?? 0, 0, record.subarray(start, end))
  },
  // Two stretches between tags swapped: containers change places.
  (record, random) => {
    const [a = 0, b = 0, c = 0, d = 0] = Array.from({ length: 4 }, () => pick(random, edges(record)) ?? 0).sort((x, y) => x - y)
    return Buffer.concat([
      record.subarray(0, a),
      record.subarray(c, d),
      record.subarray(b, c),
      record.subarray(a, b),
      record.subarray(d),
    ])
  },
  // A number or a text replaced by an odd one.
  (record, random) => {
    const texts = Array.from(record.toString('latin1').matchAll(/(?<=>|")[^<>"]+(?=<|")/g))
    const text = pick(random, texts)
    return text === undefined ? record : spliced(record, text.index, text[0].length, pick(random, numbers))
  },
  // A character written as a reference.
  (record, random) => {
    const texts = Array.from(record.toString('latin1').matchAll(/(?<=>|")[a-z0-9 ]+(?=<|")/g))
    const text = pick(random, texts)
    if (text === undefined) return record
    const at = text.index + random(text[0].length)
    return spliced(record, at, 1, random(2) === 0 ? `&#${record[at]};` : `&#x${(record[at] ?? 0).toString(16)};`)
  },
  // A quote, a space or a line end of another kind.
  (record, random) => Buffer.from(record.toString('latin1').replace(/"([^"]*)"/, random(2) === 0 ? "'$1'" : ' "$1" '), 'latin1'),
  (record, random) =>
    Buffer.from(record.toString('latin1').replaceAll('><', pick(random, ['>\n<', '>\r\n  <', '> <'])), 'latin1'),
  (record, random) => Buffer.from(record.toString('latin1').replace(/<(\w+)/, random(2) === 0 ? '<$1 ' : '<$1\n'), 'latin1'),
  // Nested deeply.
  (record, random) => {
    const depth = 1 + random(300)
    return spliced(record, pick(random, edges(record)) ?? 0, 0, '<d>'.repeat(depth) + '</d>'.repeat(depth))
  },
]

/** A record as it may come: one in ten as it is. */
export function mutated(record: Buffer, random: Random): Buffer {
  let result = record
  for (let times = random(10) === 0 ? 0 : 1 + (random(4) === 0 ? random(3) : 0); times > 0; times--) {
    result = pick(random, mutations)(result, random)
    if (result.length === 0) return record
  }
  return result
}

const betweens = [
  '\n',
  '\n',
  '\n',
  '\n',
  '',
  ' ',
  '\r\n',
  '\n\n\t',
  '<!-- between -->',
  '\n<?pi?>\n',
  'stray',
  '<![CDATA[stray]]>',
  '<other>x</other>',
  '&amp;',
]

/** A document of mutated records; now and then more than its records is wrong. */
export function mutatedDocument(dump: Dump, records: readonly Buffer[], random: Random): Buffer {
  const parts: (Buffer | string)[] = [
    pick(random, ['', '', '', '<?xml version="1.0" encoding="UTF-8"?>\n', '\ufeff', '<!DOCTYPE x>\n', '<!-- c -->']),
  ]
  // Old dumps have no root element.
  const isRootless = random(4) === 0
  if (!isRootless) parts.push(random(200) === 0 ? '<wrong>' : `<${dump.root}>`, '\n')
  for (const record of records) parts.push(mutated(record, random), random(12) === 0 ? pick(random, betweens) : '\n')
  if (!isRootless || random(100) === 0) parts.push(random(100) === 0 ? '' : `</${dump.root}>`)
  parts.push(random(100) === 0 ? 'after' : '\n')
  const xml = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return random(100) === 0 ? xml.subarray(0, random(xml.length)) : xml
}
