import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'

/** Unicode's simple lower case by way of ICU: İ is the one letter whose full lower case is longer than one code point. */
function simpleLowerCase(codePoint: number): number {
  return codePoint === 0x130 ? 0x69 : (String.fromCodePoint(codePoint).toLowerCase().codePointAt(0) ?? 0)
}

test('the lower case of every code point is that of Unicode 17', async () => {
  assert.equal(process.versions.unicode, '17.0')
  await using engine = await DuckDbEngine.open({ threads: 2 })
  const { rows } = await engine.table(`
    SELECT i::INT, unicode(simple_lower(chr(i::INT))), length(simple_lower(chr(i::INT)))::INT
    FROM range(1, 1114112) AS t(i) WHERE i NOT BETWEEN 55296 AND 57343 ORDER BY i`)
  assert.equal(rows.length, 1_114_111 - 2_048)
  const wrong = rows.filter(([codePoint, lower, length]) => lower !== simpleLowerCase(Number(codePoint)) || length !== 1)
  assert.deepEqual(wrong.slice(0, 20), [])
})

test('only İ has a lower case of several code points, so ICU can stand for the simple one', () => {
  const longer: string[] = []
  for (let codePoint = 1; codePoint < 0x110000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue
    const letter = String.fromCodePoint(codePoint)
    if (Array.from(letter.toLowerCase()).length !== 1) longer.push(letter)
  }
  assert.deepEqual(longer, ['İ'])
})

test('the norms change nothing at the end of any code point but the four blanks', async () => {
  await using engine = await DuckDbEngine.open({ threads: 2 })
  const { rows } = await engine.table(`
    SELECT i::INT FROM range(1, 1114112) AS t(i) WHERE i NOT BETWEEN 55296 AND 57343
      AND (norm(chr(i::INT)) <> simple_lower(chr(i::INT)) OR norm_name('x' || chr(i::INT) || 'y') <> 'x' || simple_lower(chr(i::INT)) || 'y')
    ORDER BY i`)
  // A blank alone is trimmed away; inside a name TAB, LF and CR become a space.
  assert.deepEqual(rows.flat(), [9, 10, 13, 32])
})

test('norms follow the rules', async () => {
  await using engine = await DuckDbEngine.open()
  const cases: readonly [text: string, norm: string, name: string][] = [
    ['\t Folk, World, & Country \r\n', 'folk, world, & country', 'folk, world, & country'],
    ['İSTANBUL', 'istanbul', 'istanbul'],
    ['ΟΔΟΣ', 'οδοσ', 'οδοσ'],
    ['STRASSE ẞ', 'strasse ß', 'strasse ß'],
    ['\u00A0Name\u3000', '\u00A0name\u3000', '\u00A0name\u3000'],
    ['Name (2)', 'name (2)', 'name'],
    ['Name(2)', 'name(2)', 'name'],
    ['Name (2) (3)', 'name (2) (3)', 'name (2)'],
    ['Name (2) ', 'name (2)', 'name'],
    ['Name (2)\u00A0', 'name (2)\u00A0', 'name (2)\u00A0'],
    ['Name (2a)', 'name (2a)', 'name (2a)'],
    ['Name (٢)', 'name (٢)', 'name (٢)'],
    ['(3)', '(3)', ''],
    ['A\t\n B', 'a\t\n b', 'a b'],
    ['A\u000BB', 'a\u000Bb', 'a\u000Bb'],
    [' \t', '', ''],
    ['\u{16EA0}X', '\u{16EBB}x', '\u{16EBB}x'],
  ]
  for (const [text, norm, name] of cases) {
    assert.deepEqual(await engine.query('SELECT norm(?) AS norm, norm_name(?) AS name', [text, text]), [{ norm, name }])
  }
  assert.deepEqual(await engine.query('SELECT norm(NULL) AS norm, norm_name(NULL) AS name'), [{ norm: null, name: null }])
})
