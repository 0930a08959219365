import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { complete } from '../../src/cli/sql/completion.ts'
import { History, historyLines } from '../../src/cli/sql/history.ts'
import { cutStatements } from '../../src/cli/sql/statements.ts'

const column = (name: string): { name: string; type: string; about: string } => ({ name, type: 'BIGINT', about: '' })
const vocabulary = {
  tables: [
    { name: 'labels', about: '', columns: [column('label_id'), column('name')] },
    { name: 'releases', about: '', columns: [column('release_id'), column('country')] },
  ],
  commands: ['.quit', '.schema', '.tables'],
}

/** Candidates at `|`. */
function at(text: string, before = ''): [string[], string] {
  const [line = '', after = ''] = text.split('|')
  return complete(line, { before, after }, vocabulary)
}

test('a word is completed to tables, columns and keywords', () => {
  assert.deepEqual(at('sel|'), [['select'], 'sel'])
  assert.deepEqual(at('SEL|'), [['SELECT'], 'SEL'])
  assert.deepEqual(at('select * from rel|'), [['release_id', 'releases'], 'rel'])
  assert.deepEqual(at('select |'), [[], ''])
})

test('columns are those of the tables that the statement names, before, behind or lines above', () => {
  assert.deepEqual(at('select na| from labels'), [['name'], 'na'])
  assert.deepEqual(at('select na| from releases'), [[], 'na'])
  assert.deepEqual(at('where coun|', 'select 1 from releases'), [['country', 'count', 'count_if'], 'coun'])
})

test('behind a dot stand the columns of the table or of its alias', () => {
  assert.deepEqual(at('select r.| from releases as r'), [['country', 'release_id'], ''])
  assert.deepEqual(at('select labels.la|'), [['label_id'], 'la'])
  assert.deepEqual(at('select x.| from releases'), [[], ''])
})

test('commands of the prompt, and tables behind them', () => {
  assert.deepEqual(at('.s|'), [['.schema'], '.s'])
  assert.deepEqual(at('.schema la|'), [['labels'], 'la'])
})

test('statements end at semicolons outside of quotes and comments', () => {
  assert.deepEqual(cutStatements('select 1; select 2;\n'), { statements: ['select 1', 'select 2'], rest: '' })
  assert.deepEqual(cutStatements(`select ';', ";" -- ; no\n, 3 /* ; */; rest`), {
    statements: [`select ';', ";" -- ; no\n, 3 /* ; */`],
    rest: ' rest',
  })
  assert.deepEqual(cutStatements("select 'it''s;"), { statements: [], rest: "select 'it''s;" })
  assert.deepEqual(cutStatements(';; -- only a comment\n;'), { statements: [], rest: '' })
  assert.deepEqual(cutStatements('select /* open ;'), { statements: [], rest: 'select /* open ;' })
  assert.deepEqual(cutStatements('select 7 / 2 - 1;'), { statements: ['select 7 / 2 - 1'], rest: '' })
})

test('a statement of several lines is one line of the history, unless a comment would swallow the rest', () => {
  assert.deepEqual(historyLines(['select 1', '', '  from x;']), ['select 1 from x;'])
  assert.deepEqual(historyLines(['select 1 -- one', 'from x;']), ['select 1 -- one', 'from x;'])
})

test('the history is kept for its owner alone, the newest first, and does not grow for ever', () => {
  const directory = mkdtempSync(join(tmpdir(), 'history-'))
  try {
    const history = new History(join(directory, 'state'))
    assert.deepEqual(history.load(), [])
    history.add('one')
    history.add('two')
    const file = join(directory, 'state', 'sql_history')
    assert.deepEqual([history.load(), statSync(file).mode & 0o777], [['two', 'one'], 0o600])
    writeFileSync(file, Array.from({ length: 2001 }, (_, index) => `line ${index}\n`).join(''))
    assert.equal(history.load()[0], 'line 2000')
    assert.equal(readFileSync(file, 'utf8').split('\n').length, 1001)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
