import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordSplitter } from '../../src/xml/record-splitter.ts'
import { XmlError } from '../../src/xml/xml-error.ts'

type Outcome =
  | string
  | { readonly rejected: string; readonly reason: string; readonly at: number }
  | { readonly error: string; readonly at: number }

/** What the splitter makes of a document that comes in chunks of `size` bytes. */
function split(xml: string | Buffer, size = Number.MAX_SAFE_INTEGER, options = { root: 'labels', record: 'label' }): Outcome[] {
  const bytes = Buffer.from(xml)
  const splitter = new RecordSplitter(options)
  const outcomes: Outcome[] = []
  const collect = (pieces: ReturnType<RecordSplitter['push']>): void => {
    for (const piece of pieces) {
      if (piece.kind === 'record') outcomes.push(piece.bytes.toString())
      else if (piece.kind === 'rejected')
        outcomes.push({ rejected: piece.bytes.toString(), reason: piece.reason, at: piece.errorOffset })
      else outcomes.push(`stray text at ${piece.offset}`)
    }
  }
  try {
    for (let at = 0; at < bytes.length; at += size) collect(splitter.push(Buffer.from(bytes.subarray(at, at + size))))
    collect(splitter.end())
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    outcomes.push({ error: error.message, at: error.offset })
  }
  return outcomes
}

test('records are cut by depth: a sublabel is no record', () => {
  const record = '<label><id>1</id><sublabels><label id="2">B</label>\n<label id="3"/></sublabels></label>'
  assert.deepEqual(split(`<labels>\n${record}\n<label><id>4</id></label></labels>`), [record, '<label><id>4</id></label>'])
})

test('legal but rare markup is no reason to reject', () => {
  const record = `<label a='1'  b = "x > y"  ><id >1</id ><!-- </label> <label> --><![CDATA[</label><&]]><?go </label>?><name>&amp;&#65;&#x1F600;</name></label >`
  const prolog =
    '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<!-- a --><?p?><!DOCTYPE labels [<!ENTITY e "<x>"> <!-- ]> -->]>\n'
  assert.deepEqual(split(`${prolog}<labels version="1">${record}</labels>\n<!-- end --><?p ?>\n`), [record])
})

const record = '<label><id>9</id></label>'
const malformed: readonly (readonly [string, string, string, number])[] = [
  ['mismatched tags', '<label><id>1</name></label>', '</name> where </id> was expected', 20],
  ['crossed tags', '<label><a><b></a></b></label>', '</a> where </b> was expected', 21],
  ['an unclosed tag', '<label><id>1</label>', '</label> where </id> was expected', 20],
  ['an end tag with a space', '<label><id>1< /id></label>', 'a name was expected, found byte 0x20', 21],
  ['an attribute without quotes', '<label><a b=1/></label>', 'an attribute value without quotes', 20],
  ['an attribute without a value', '<label><a b/></label>', 'an attribute without a value', 18],
  ['attributes without space between', '<label><a b="1"c="2"/></label>', 'space was expected inside a tag, found "c"', 23],
  ['a bare &', '<label>R & B</label>', 'a bare "&"', 17],
  ['a bare <', '<label>1 < 2</label>', 'a name was expected, found byte 0x20', 18],
  ['an unknown entity', '<label>&nbsp;</label>', 'an unknown entity &nbsp;', 15],
  ['an unknown entity in an attribute', '<label a="&uuml;"></label>', 'an unknown entity &uuml;', 18],
  ['a reference to no character', '<label>&#xD800;</label>', 'an unknown entity &#xD800;', 15],
  ['a reference to a control character', '<label>&#1;</label>', 'an unknown entity &#1;', 15],
  ['two dashes in a comment', '<label><!-- a--b --></label>', '"--" inside a comment', 21],
  ['a doctype inside', '<label><!DOCTYPE x></label>', 'unknown markup, or a doctype after the root began', 15],
  ['an XML declaration inside', '<label><?xml version="1.0"?></label>', 'an XML declaration after the start of the document', 15],
]
for (const [what, bad, reason, at] of malformed) {
  test(`${what} rejects the record, with the offset, and the next record is read`, () => {
    assert.deepEqual(split(`<labels>${bad}\n${record}</labels>`), [{ rejected: bad, reason, at }, record])
  })
}

test('a surplus end tag is rejected on its own', () => {
  assert.deepEqual(split(`<labels>${record}</label>\n${record}</labels>`), [
    record,
    { rejected: '</label>', reason: 'an end tag </label> that nothing opened', at: 33 },
    record,
  ])
})

test('the scan resumes only where white space and a whole record start follow', () => {
  const bad = '<label><a></label><labelx/><label></label>'
  assert.deepEqual(split(`<labels>${bad}\n ${record}</labels>`), [
    { rejected: bad, reason: '</label> where </a> was expected', at: 18 },
    record,
  ])
})

const broken: readonly (readonly [string, string, string])[] = [
  ['nothing', '', 'the XML is empty'],
  ['white space', ' \n ', 'there is no root element <labels>'],
  ['text before the root', 'x<labels/>', 'text before the root element <labels>'],
  ['another root', '<html></html>', 'the root element is <html>, not <labels>'],
  ['an empty root', '<labels/>', 'the root element <labels/> is empty: the XML holds no record'],
  ['no record', '<labels> </labels>', 'the XML holds no record'],
  ['no end tag of the root', `<labels>${record}\n`, 'the XML ends without </labels>'],
  ['a cut record', '<labels><label><id>1</id>', 'the XML ends inside a record'],
  ['text after the root', `<labels>${record}</labels>x`, 'text after </labels>'],
  ['a second root', `<labels>${record}</labels><labels/>`, 'markup or a second root after </labels>'],
  [
    'another encoding',
    `<?xml version="1.0" encoding="ISO-8859-1"?><labels>${record}</labels>`,
    'the encoding is ISO-8859-1, not UTF-8',
  ],
  ['two doctypes', '<!DOCTYPE a><!DOCTYPE b><labels/>', 'a second doctype'],
]
for (const [what, xml, error] of broken) {
  test(`${what}: the document fails`, () => {
    const last = split(xml).at(-1)
    assert.equal(typeof last === 'object' && 'error' in last ? last.error : last, error)
  })
}

test('a document that begins with a record has no root, and ends behind its last record', () => {
  const first = '<label ><id>1</id></label>'
  assert.deepEqual(split(`\ufeff<?xml version="1.0"?>\n<!-- c -->${first}\n<!-- c -->${record}\n`), [first, record])
  assert.deepEqual(split(`${first}\n${record}x`), [
    first,
    record,
    { error: 'text or unfinished markup after the last record', at: 52 },
  ])
  assert.deepEqual(split(`${first}\n<label><id>2</id>`), [first, { error: 'the XML ends inside a record', at: 27 }])
})

test('of a rootless document a malformed record is rejected, be it the first or the last; the end tag of a root is surplus', () => {
  const bad = '<label b=1></label>'
  const reason = 'an attribute value without quotes'
  assert.deepEqual(split(`${bad}\n${record}\n${bad}\n`), [
    { rejected: bad, reason, at: 9 },
    record,
    { rejected: bad, reason, at: 55 },
  ])
  assert.deepEqual(split(`${bad}\n<label/>`), [{ rejected: bad, reason, at: 9 }, '<label/>'])
  assert.deepEqual(split(`${record}\n</labels>`), [
    record,
    { rejected: '</labels>', reason: 'an end tag </labels> that nothing opened', at: 26 },
  ])
})

test('invalid UTF-8 outside records fails the document', () => {
  const xml = Buffer.concat([Buffer.from('<labels><!-- '), Buffer.from([0xff]), Buffer.from(` -->${record}</labels>`)])
  assert.deepEqual(split(xml), [{ error: 'not UTF-8', at: 8 }])
})

test('where the chunks are cut changes nothing, at any size', () => {
  const documents = [
    ...malformed.map(([, bad]) => `<labels>${bad}\n${record}</labels>`),
    ...broken.map(([, xml]) => xml),
    ...malformed.map(([, bad]) => `${bad}\n${record}\n${bad}\n`),
    `<!-- x -->${record}\n${record}`,
    `\ufeff<?xml version="1.0"?><!-- x --><labels>${record}stray &amp; text<foo a="1"/><label a="&lt;"><![CDATA[x]]></label></labels> <!-- y -->`,
  ]
  for (const xml of documents) {
    const whole = split(xml)
    for (let size = 1; size <= Buffer.byteLength(xml); size++)
      assert.deepEqual(split(xml, size), whole, `${xml} in chunks of ${size}`)
  }
  console.log(`${documents.length} documents, every chunk size`)
})

test('a record of 4 MB in small chunks is one record', () => {
  const big = `<label><profile>${'x&amp;'.repeat(800_000)}</profile></label>`
  const started = process.hrtime.bigint()
  assert.deepEqual(split(`<labels>${big}</labels>`, 16_384), [big])
  console.log(`${big.length} bytes in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`)
})
