import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from '../../src/xml/parse-element.ts'
import { XmlError } from '../../src/xml/xml-error.ts'

test('text is decoded and kept verbatim, raw line ends aside', () => {
  const element = parseElement(Buffer.from('<a>\r\n x&#13;\r\r\n<![CDATA[\r\n<&]]>&#x1F600;&apos;\u0001<b>inside</b></a>'))
  assert.equal(element.text, "\n x\r\n\n\n<&😀'\u0001")
})

test('attributes keep their white space and come in any quotes', () => {
  const element = parseElement(Buffer.from('<a x=" 1\t\n2 " y=\'"&lt;&#10;"\'/>'))
  assert.deepEqual(
    [...element.attributes],
    [
      ['x', ' 1\t\n2 '],
      ['y', '"<\n"'],
    ],
  )
})

test('an attribute of 200 KB and a text of 20 MB are whole', () => {
  const element = parseElement(Buffer.from(`<a x="${'v'.repeat(200_000)}">${'ä'.repeat(10_000_000)}</a>`))
  assert.deepEqual([element.attributes.get('x')?.length, element.text.length], [200_000, 10_000_000])
})

test('a byte that is not UTF-8 is named by its offset', () => {
  const bytes = Buffer.from('<a>\ufffd é x</a>')
  bytes[bytes.indexOf('x')] = 0xe9
  assert.throws(
    () => parseElement(bytes),
    (error) => error instanceof XmlError && error.message === 'not UTF-8' && error.offset === bytes.indexOf(0xe9),
  )
})

test('surrogates and overlong forms are not UTF-8', () => {
  for (const bad of [[0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80], [0xc3]]) {
    assert.throws(() => parseElement(Buffer.concat([Buffer.from('<a>'), Buffer.from(bad), Buffer.from('</a>')])), /not UTF-8/)
  }
})
