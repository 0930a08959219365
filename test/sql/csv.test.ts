import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCsv } from '../../src/sql/csv.ts'

test('fields with commas, quotes or line ends are quoted, and NULL differs from an empty text', () => {
  const csv = toCsv(
    ['a', 'b,c'],
    [
      ['x "y"', 'two\nlines'],
      [null, ''],
      [12n, true],
      ['cr\r', 1.5],
    ],
  )
  assert.equal(csv, 'a,"b,c"\r\n"x ""y""","two\nlines"\r\n,""\r\n12,true\r\n"cr\r",1.5\r\n')
})
