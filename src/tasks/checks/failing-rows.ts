/** Questions whose answer is a list of failing rows, and questions whose answer is one row of counts. */
import { PipelineError } from '../../errors.ts'
import type { NamedSql, SqlEngine } from '../../sql/engine.ts'
import type { SqlFragment } from '../../sql/quote.ts'
import { loadSql } from '../../sql/texts.ts'
import type { Finding } from './check.ts'

const sampleSize = 5

/** Counts the rows that `sql/checks/<question>.sql` returns; a sound run has none. */
export async function failingRows(
  engine: SqlEngine,
  question: string,
  fragments: Readonly<Record<string, SqlFragment>> = {},
): Promise<Finding> {
  const failing = await countRows(engine, question, fragments)
  return failing === 0n
    ? { value: failing, ok: true }
    : { value: failing, ok: false, sample: await sampleRows(engine, question, fragments) }
}

/** How many rows `sql/checks/<question>.sql` returns. */
export async function countRows(
  engine: SqlEngine,
  question: string,
  fragments: Readonly<Record<string, SqlFragment>>,
): Promise<bigint> {
  const [count = 0n] = await countEach(engine, [await loadSql(`checks/${question}`, fragments)])
  return count
}

/** The first few failing rows in the order of all their columns, so that they are the same each time. */
export async function sampleRows(
  engine: SqlEngine,
  question: string,
  fragments: Readonly<Record<string, SqlFragment>>,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return sampleOf(engine, await loadSql(`checks/${question}`, fragments))
}

async function sampleOf(engine: SqlEngine, { name, text }: NamedSql): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { columns } = await engine.table({ name, text: `SELECT * FROM (\n${text}) AS question LIMIT 0` })
  const order = columns.map((_, index) => `${index + 1} NULLS LAST`).join(', ')
  return engine.query({ name, text: `SELECT * FROM (\n${text}) AS question ORDER BY ${order} LIMIT ${sampleSize}` })
}

/** The row of counts that `sql/checks/<question>.sql` returns for each of some tables. */
export async function askCounts<Name extends string>(
  engine: SqlEngine,
  question: string,
  tables: readonly Readonly<Record<string, SqlFragment>>[],
  names: readonly Name[],
): Promise<readonly Record<Name, bigint>[]> {
  return counts(engine, await Promise.all(tables.map((fragments) => loadSql(`checks/${question}`, fragments))), names)
}

/** How many rows each question returns. */
export async function countEach(engine: SqlEngine, questions: readonly NamedSql[]): Promise<readonly bigint[]> {
  return (await counts(engine, questions.map(countOf), ['row_count'])).map(({ row_count: count }) => count)
}

function countOf({ name, text }: NamedSql): NamedSql {
  return { name, text: `SELECT count(*) AS row_count FROM (\n${text}) AS question\n` }
}

/** Questions that return one row of counts each, in one statement: planning one takes a server longer than counting a small table. */
async function counts<Name extends string>(
  engine: SqlEngine,
  questions: readonly NamedSql[],
  names: readonly Name[],
): Promise<readonly Record<Name, bigint>[]> {
  const sql = {
    name: [...new Set(questions.map(({ name }) => name))].join(', '),
    text: questions
      .map(({ text }, index) => `SELECT ${index} AS number, asked.* FROM (\n${text}) AS asked`)
      .join('\nUNION ALL\n'),
  }
  const rows = new Map((await engine.query(sql)).map((row) => [Number(row['number']), row]))
  return questions.map(({ name: question }, index) => {
    const read = (name: Name): [Name, bigint] => {
      const value = rows.get(index)?.[name]
      if (typeof value !== 'bigint') throw new PipelineError(`${question}: ${name} is ${String(value)}, a count was expected`)
      return [name, value]
    }
    return Object.fromEntries(names.map(read)) as Record<Name, bigint>
  })
}
