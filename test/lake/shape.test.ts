import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, fields, list, matching, nullable, oneOf, record, text } from '../../src/lake/shape.ts'

const shape = fields(
  {
    version: oneOf(1),
    sha: matching(/^[0-9a-f]+$/),
    by: nullable(text),
    params: record(text),
    files: list(fields({ bytes: count })),
  },
  { note: text },
)
const sound = { version: 1, sha: 'ab', by: null, params: { month: '2026-01' }, files: [{ bytes: 0 }] }

test('what is as expected comes out with the fields that were asked for', () => {
  assert.deepEqual(shape({ ...sound, more: true }, ''), sound)
  assert.deepEqual(shape({ ...sound, note: 'x' }, ''), { ...sound, note: 'x' })
})

test('what is not is refused with the place, what was expected and what was found', () => {
  const refused = (change: object): string => {
    try {
      return JSON.stringify(shape({ ...sound, ...change }, ''))
    } catch (error) {
      return String(error)
    }
  }
  assert.deepEqual(
    [
      { version: 2 },
      { sha: 'xy' },
      { by: undefined },
      { params: { month: 5 } },
      { params: [] },
      { files: {} },
      { files: [{ bytes: 1 }, { bytes: -1 }] },
      { files: [{ bytes: 0.5 }] },
      { note: null },
    ].map(refused),
    [
      'TypeError: version: 1 is expected, not 2',
      'TypeError: sha: /^[0-9a-f]+$/ is expected, not "xy"',
      'TypeError: by: a text is expected, not nothing',
      'TypeError: params.month: a text is expected, not 5',
      'TypeError: params: an object is expected, not []',
      'TypeError: files: a list is expected, not {}',
      'TypeError: files[1].bytes: a whole number is expected, not -1',
      'TypeError: files[0].bytes: a whole number is expected, not 0.5',
      'TypeError: note: a text is expected, not null',
    ],
  )
})
