import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as byteReaders from '../../src/discogs/byte-readers.ts'
import { readers } from '../../src/discogs/readers.ts'

const texts = [
  '',
  ' ',
  '\t\r\n',
  '\u00a0',
  'x',
  '0',
  '00',
  '1',
  '007',
  '-1',
  '+1',
  '1.5',
  '1e3',
  ' 5',
  '5 ',
  '１２',
  '12a',
  '999999999',
  '1000000000',
  '2147483647',
  '2147483648',
  '0000000000000002147483647',
  '00000000000000000000',
  '999999999999999',
  '1000000000000000',
  '9007199254740991',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '99999999999999999999',
  '00009223372036854775807',
  '123456789x',
  '123456789012345x',
  '1234567890123456x',
  'true',
  'false',
  'True',
  'TRUE',
  'truee',
  'falsy',
  '1:2',
  '4:45',
  '1:02:03',
  '61:61',
  '1:2:3:4',
  ':1',
  '1:',
  '1::2',
  '4:4x',
  '99999999999:00',
  '596523:14:07',
  '596523:14:08',
  '2147483647:0',
  '0:0',
  '1999',
  '1999-03',
  '1999-03-00',
  '1999-13-40',
  '1999-12-31',
  '0000-05-06',
  '1999-3-1',
  '199',
  '19990',
  '1999-',
  '1999-03-',
  '1999/03/04',
  '1999-00-32',
  '1999-12-32',
  'abcd-ef-gh',
]

function bytesOf(text: string): [Buffer, number, number] {
  const bytes = Buffer.from(`9${text}9`)
  return [bytes, 1, bytes.length - 1]
}

const present = (value: number): number | null => (value === byteReaders.noNumber ? null : value)

function digits(text: string): bigint | null {
  const value = byteReaders.digits(...bytesOf(text))
  if (Number.isNaN(value)) return byteReaders.longDigits(...bytesOf(text))
  return value === byteReaders.noNumber ? null : BigInt(value)
}

for (const text of texts) {
  test(`bytes and text of ${JSON.stringify(text)} are read alike`, () => {
    assert.equal(byteReaders.isBlank(...bytesOf(text)), readers.text(text) === null)
    assert.equal(digits(text), readers.digits(text))
    assert.equal(present(byteReaders.int(...bytesOf(text))), readers.int(text))
    assert.equal(present(byteReaders.clock(...bytesOf(text))), readers.clock(text))
    const boolean = present(byteReaders.boolean(...bytesOf(text)))
    assert.equal(boolean === null ? null : boolean === 1, readers.boolean(text))
    for (const [part, reader] of [
      [1, 'date-year'],
      [2, 'date-month'],
      [3, 'date-day'],
    ] as const)
      assert.equal(present(byteReaders.datePart(...bytesOf(text), part)), readers[reader](text), reader)
  })
}
