import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reader } from '../../src/discogs/dataset.ts'
import { readers, type Value } from '../../src/discogs/readers.ts'

const cases: Readonly<Record<Reader, Readonly<Record<string, Value | null>>>> = {
  text: { '': null, ' \t\r\n': null, '\u00a0': '\u00a0', ' x ': ' x ', '0': '0' },
  id: {
    '': null,
    '0': null,
    '00': null,
    '1': 1n,
    '0012': 12n,
    '9223372036854775807': 2n ** 63n - 1n,
    '9223372036854775808': null,
    '-1': null,
    ' 1': null,
    '1.0': null,
    '１': null,
  },
  digits: { '0': 0n, '2': 2n, '1e3': null, '+1': null, '99999999999999999999': null, '': null },
  year: { '0': null, '0000': null, '1999': 1999n, '-5': null },
  int: { '0': 0, '2147483647': 2147483647, '2147483648': null, x: null, '': null },
  boolean: { true: true, false: false, TRUE: null, '1': null, '': null, ' true': null },
  clock: {
    '4:45': 285,
    '1:02:03': 3723,
    '0:00': 0,
    '90:00': 5400,
    '1:2:3': 3723,
    '45': null,
    ':45': null,
    '4:': null,
    '4:4x': null,
    '1:1:1:1': null,
    '-1:00': null,
    '99999999:00:00': null,
  },
  'date-year': {
    '1999': 1999,
    '1999-03': 1999,
    '1999-03-00': 1999,
    '0000-05': null,
    '999': null,
    '1999-3': null,
    '1999-03-00 ': null,
    '': null,
    '１９９９': null,
  },
  'date-month': { '1999': null, '1999-03': 3, '1999-00-05': null, '1999-13-01': null, '1999-12-31': 12 },
  'date-day': { '1999-03': null, '1999-03-31': 31, '1999-03-32': null, '1999-03-00': null, '1999-13-05': 5 },
}

for (const [reader, values] of Object.entries(cases) as [Reader, Record<string, Value | null>][]) {
  test(`reader ${reader}`, () => {
    const read = Object.fromEntries(Object.keys(values).map((text) => [text, readers[reader](text)]))
    assert.deepEqual(read, values)
  })
}
