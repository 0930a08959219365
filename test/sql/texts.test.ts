import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identifiers, literals } from '../../src/sql/quote.ts'
import { fillSql, loadSql } from '../../src/sql/texts.ts'

test('placeholders are filled with quoted names and literals', () => {
  const text = fillSql(
    'SELECT {{columns}} FROM {{table}} WHERE x IN ({{values}})',
    {
      columns: identifiers('a', 'b"c'),
      table: identifiers('select'),
      values: literals("it's", 5n, 2),
    },
    'test',
  )
  assert.equal(text, `SELECT "a", "b""c" FROM "select" WHERE x IN ('it''s', 5, 2)`)
})

test('a placeholder without a value, or a value without a placeholder, is an error', () => {
  assert.throws(() => fillSql('SELECT {{a}}', {}, 'q'), /SQL text q: nothing is given for \{\{a\}\}/)
  assert.throws(() => fillSql('SELECT 1', { a: literals(1) }, 'q'), /SQL text q has no \{\{a\}\}/)
})

test('a text that does not exist is an error that names its file', async () => {
  await assert.rejects(loadSql('checks/no_such_question'), /sql\/checks\/no_such_question\.sql cannot be read/)
})
