/** What Tab offers: keywords, tables, columns, and the commands of the prompt. Pure. */
import type { CompletedColumn, CompletedTable } from './known-tables.ts'

export interface Vocabulary {
  readonly tables: readonly CompletedTable[]
  readonly commands: readonly string[]
}

const keywords =
  'all and any array_agg as asc avg between by case cast coalesce count count_if create cross date desc describe distinct drop else end except exists explain extract false filter from full group grouping having in inner insert intersect interval into is join last left length like limit lower max min not null nulls offset on or order outer over partition regexp_like regexp_replace replace right round row_number select show split starts_with substr sum table tables temp then true try_cast union unnest using values when where window with'.split(
    ' ',
  )

/** The rest of the statement: the lines before, and what stands behind the cursor. */
export interface Around {
  readonly before: string
  readonly after: string
}

/** @param line up to the cursor @returns candidates and the part of the line they replace, as readline wants it */
export function complete(line: string, { before, after }: Around, vocabulary: Vocabulary): [string[], string] {
  const word = /[\w.\\]*$/.exec(line)?.[0] ?? ''
  const isCommandLine = before.trim() === '' && /^\s*[.\\]/.test(line)
  if (isCommandLine) return completeCommand(line.trimStart(), word, vocabulary)
  const dot = word.lastIndexOf('.')
  const statement = `${before}\n${line}${after}`
  if (dot >= 0) {
    const part = word.slice(dot + 1)
    const columns = columnsOf(word.slice(0, dot), statement, vocabulary.tables)
    return [
      startingWith(
        part,
        columns.map(({ name }) => name),
      ),
      part,
    ]
  }
  if (word === '') return [[], '']
  const mentioned = vocabulary.tables.filter(({ name }) => new RegExp(`\\b${name}\\b`, 'i').test(statement))
  const columns = (mentioned.length > 0 ? mentioned : vocabulary.tables).flatMap((table) => table.columns)
  const names = [...vocabulary.tables.map(({ name }) => name), ...columns.map(({ name }) => name)]
  return [[...startingWith(word, names), ...sameCase(word, startingWith(word, keywords))], word]
}

function completeCommand(line: string, word: string, { tables, commands }: Vocabulary): [string[], string] {
  if (!/\s/.test(line)) return [commands.filter((command) => command.startsWith(line)), line]
  return [
    startingWith(
      word,
      tables.map(({ name }) => name),
    ),
    word,
  ]
}

function startingWith(part: string, names: readonly string[]): string[] {
  const lower = part.toLowerCase()
  return [...new Set(names.filter((name) => name.toLowerCase().startsWith(lower)))].toSorted()
}

/** Who types capitals gets capitals. */
function sameCase(word: string, found: readonly string[]): string[] {
  const isUpper = word !== word.toLowerCase()
  return found.map((one) => (isUpper ? one.toUpperCase() : one))
}

/** Columns behind `qualifier.`: a table, or an alias that the statement gives one. */
function columnsOf(qualifier: string, statement: string, tables: readonly CompletedTable[]): readonly CompletedColumn[] {
  const named = tables.find(({ name }) => name === qualifier.toLowerCase())
  if (named !== undefined) return named.columns
  const escaped = qualifier.replaceAll('\\', '')
  const aliased = new RegExp(`\\b(\\w+)\\s+(?:as\\s+)?${escaped}\\b`, 'gi')
  const candidates = new Set([...statement.matchAll(aliased)].map(([, table = '']) => table.toLowerCase()))
  return tables.find(({ name }) => candidates.has(name))?.columns ?? []
}
