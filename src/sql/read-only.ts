/**
 * Tells statements that only read by their words. It protects data from mistakes, not from an attacker: whoever may run `dag` may also
 * remove files.
 */
import { exitCodes, PipelineError } from '../errors.ts'
import type { EngineName, NamedSql } from './engine.ts'
import { significant, type Token, tokensOf } from './trino/tokens.ts'

export interface ReadingPart {
  /** First word of the statement, in lower case. */
  readonly verb: string
  /** The statement itself; of EXPLAIN, the statement that is explained. */
  readonly statement: string
}

const queries = ['select', 'with', 'values', 'table', '(']

/** Of Trino: its grammar tells by the first word what a statement does. */
const readingVerbs: ReadonlySet<string> = new Set([...queries, 'show', 'describe', 'desc', 'set', 'reset', 'use'])

/** Of DuckDB, which judges the others itself, and says of those it does not know that they are no statements. */
const writingVerbs: ReadonlySet<string> = new Set(
  'alter analyze attach call checkpoint comment copy create deallocate delete detach drop execute export import insert install load merge prepare truncate update vacuum'.split(
    ' ',
  ),
)

/** Settings of DuckDB that have it write files or reach other places. Paths to search are no such settings. */
const writingSetting = /(?<!search_)path|director|output|log|profil|secret|storage|extension|external|repositor/
/** Table functions of DuckDB that write files, although their statement is a SELECT. */
const writingFunction = /\b(enable_logging|enable_profiling)\s*\(/i

/**
 * The part of a statement that decides what it does. EXPLAIN ANALYZE runs what it explains, and DuckDB may create files for what it
 * only explains, so every explained statement has to read.
 * @throws PipelineError (exit 2) when its words show that it could write
 */
export function readingPart({ name, text }: NamedSql, engine: EngineName): ReadingPart {
  const words = significant(tokensOf(text))
  const start = startOf(words)
  const verb = words[start]?.text.toLowerCase()
  // The engine says what is wrong with an empty statement.
  if (verb === undefined || verb === ';') return { verb: '', statement: text }
  const isReading = engine === 'trino' ? readingVerbs.has(verb) : !writingVerbs.has(verb)
  if (!isReading) throw refusedStatement(name, verb.toUpperCase())
  if (engine === 'duckdb') {
    const setting = verb === 'set' ? settingOf(words.slice(start + 1)) : null
    if (setting !== null && writingSetting.test(setting)) throw refusedStatement(name, `SET ${setting}`)
    const called = writingFunction.exec(text)?.[1]
    if (called !== undefined) throw refusedStatement(name, `${called}()`)
  }
  return { verb, statement: text.slice(words[start]?.at) }
}

/** @param what the statement, or the part of it, that writes */
export function refusedStatement(name: string, what: string): PipelineError {
  return new PipelineError(`${name}: \`dag sql\` only runs statements that read, and ${what} is not one of them`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: '`dag sql --write` runs others, too',
  })
}

/** Index of the first word behind EXPLAIN and its options. */
function startOf(words: readonly Token[]): number {
  const at = (index: number): string => words[index]?.text.toLowerCase() ?? ''
  if (at(0) !== 'explain') return 0
  let index = 1
  while (['analyze', 'analyse', 'verbose'].includes(at(index))) index += 1
  if (at(index) !== '(' || [...queries, 'from'].includes(at(index + 1))) return index
  const close = words.findIndex(({ text }, place) => place > index && text === ')')
  return close < 0 ? index : close + 1
}

/** Null for a variable. */
function settingOf(words: readonly Token[]): string | null {
  const first = words[0]?.text.toLowerCase() ?? ''
  if (first === 'variable') return null
  const name = ['session', 'global', 'local'].includes(first) ? words[1]?.text.toLowerCase() : first
  return name?.replaceAll('"', '') ?? null
}
