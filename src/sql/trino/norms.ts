/** The norms of datasets.md ("Warehouse tables") for Trino: the same functions that DuckDB gets as macros. */
import { newerCapital, newerLowerCase } from '../lower-case.ts'
import { quoteText } from '../quote.ts'
import type { Edit } from './rewrite.ts'
import { significant, type Token } from './tokens.ts'

const blanks = 'chr(32) || chr(9) || chr(10) || chr(13)'
const translated = `translate(x, ${quoteText(newerLowerCase.from)}, ${quoteText(newerLowerCase.to)})`
// Java 25's lower() is Unicode 16's simple lower case; what is newer is translated first, which takes 20 times as long as the rest.
const lower = `CASE WHEN length(to_utf8(x)) > length(x) AND regexp_like(x, ${quoteText(newerCapital)}) THEN lower(${translated}) ELSE lower(x) END`

/** Written out in full each: an inline function does not see another one. */
const functions: Readonly<Record<string, string>> = {
  simple_lower: lower,
  norm: `trim(${lower}, ${blanks})`,
  norm_name: `trim(regexp_replace(trim(regexp_replace(${lower}, '[ \\t\\n\\r]+', ' '), ' '), '\\([0-9]+\\)$', ''), ' ')`,
}

/** Puts `WITH FUNCTION …` in front of the query when it calls a norm. A statement without a query is left alone. */
export function defineNorms(tokens: readonly Token[]): Edit[] {
  const words = significant(tokens)
  const used = Object.keys(functions).filter((name) => isCalled(words, name))
  const query = used.length === 0 ? undefined : queryOf(words)
  if (query === undefined) return []
  const definitions = used.map((name) => `FUNCTION ${name}(x varchar) RETURNS varchar RETURN ${functions[name]}`)
  return [{ at: query.at, length: 0, insert: `WITH ${definitions.join(', ')} ` }]
}

function isCalled(words: readonly Token[], name: string): boolean {
  return words.some(
    ({ kind, text }, index) =>
      kind === 'word' && text.toLowerCase() === name && words[index + 1]?.text === '(' && words[index - 1]?.text !== '.',
  )
}

/** Where the query of a statement begins: itself, what is explained or inserted, what a table or view is made of. */
function queryOf(words: readonly Token[]): Token | undefined {
  const first = words[0]?.text.toLowerCase()
  if (first === 'create') {
    const as = words.findIndex((word, index) => word.text.toLowerCase() === 'as' && depthAt(words, index) === 0)
    return as < 0 ? undefined : words[as + 1]
  }
  if (first === 'explain' || first === 'insert')
    return words.find((word, index) => isQueryStart(word) && depthAt(words, index) === 0)
  return words[0]
}

function isQueryStart({ kind, text }: Token): boolean {
  return kind === 'word' && ['select', 'with', 'values', 'table'].includes(text.toLowerCase())
}

function depthAt(words: readonly Token[], index: number): number {
  return words.slice(0, index).reduce((depth, { text }) => depth + (text === '(' ? 1 : text === ')' ? -1 : 0), 0)
}
