import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unescaper } from '../../src/xml/unescape.ts'

const unescaper = new Unescaper()

function decoded(text: string): string {
  const source = Buffer.from(`<${text}>`)
  const length = unescaper.decode(source, 1, source.length - 1)
  return Buffer.from(unescaper.bytes.subarray(0, length)).toString()
}

const cases: readonly (readonly [string, string])[] = [
  ['', ''],
  ['plain é日𝄞', 'plain é日𝄞'],
  ['&amp;&lt;&gt;&quot;&apos;', '&<>"\''],
  ['a&amp;amp;b', 'a&amp;b'],
  ['&#65;&#x42;&#x063;', 'ABc'],
  ['&#xe9;&#XE9'.slice(0, 6), 'é'],
  ['&#8211;&#x65E5;&#119070;&#x10FFFF;', '–日𝄞\u{10ffff}'],
  ['a\r\nb\rc\nd\r', 'a\nb\nc\nd\n'],
  ['a&#13;&#10;b&#xD;', 'a\r\nb\r'],
  ['\r\r\n\n', '\n\n\n'],
]

for (const [text, expected] of cases) {
  test(`${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => assert.equal(decoded(text), expected))
}

test('texts longer than the memory at hand are decoded', () => {
  assert.equal(decoded('&amp;x'.repeat(50_000)), '&x'.repeat(50_000))
})
