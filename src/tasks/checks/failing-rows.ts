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
  const { name, text } = await loadSql(`checks/${question}`, fragments)
  const counted = { name, text: `SELECT count(*) AS row_count FROM (\n${text}) AS question` }
  return (await counts(engine, counted, ['row_count'])).row_count
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

/** The one row of counts that `sql/checks/<question>.sql` returns. */
export async function askCounts<Name extends string>(
  engine: SqlEngine,
  question: string,
  fragments: Readonly<Record<string, SqlFragment>>,
  names: readonly Name[],
): Promise<Record<Name, bigint>> {
  return counts(engine, await loadSql(`checks/${question}`, fragments), names)
}

async function counts<Name extends string>(
  engine: SqlEngine,
  sql: NamedSql,
  names: readonly Name[],
): Promise<Record<Name, bigint>> {
  const [row] = await engine.query(sql)
  const read = (name: Name): [Name, bigint] => {
    const value = row?.[name]
    if (typeof value !== 'bigint') throw new PipelineError(`${sql.name}: ${name} is ${String(value)}, a count was expected`)
    return [name, value]
  }
  return Object.fromEntries(names.map(read)) as Record<Name, bigint>
}
