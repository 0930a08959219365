import { existsSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { compatibilityViews, datasets, exampleQuery } from '../../discogs/catalogue.ts'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'
import { currentDir } from '../../lake/layout.ts'
import { suggest } from '../../scheduler/nearest.ts'
import type { SqlTable, SqlValue } from '../../sql/engine.ts'
import { canFit, oneLine, print, printJson, styled, table } from '../output.ts'
import { activeRun, recoverPointer } from '../pointer.ts'
import { readStore, runIdOf } from '../runs.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly run?: string
  readonly json?: boolean
  readonly maxRows: number
}

/** `dag sql "<query>"` */
export function sqlCommand(): Command {
  return new Command('sql')
    .description('asks the published snapshot, or another run, in SQL; every dataset is a table')
    .argument('<query>', 'one statement; - reads it from the standard input')
    .option('--run <run>', 'ask this run instead of the published one; also latest')
    .option('--max-rows <count>', 'how many rows a table shows', countOption, 1000)
    .option('--json', 'print all rows as JSON')
    .addHelpText(
      'after',
      examples(`dag sql "${exampleQuery}"`, 'dag sql "show tables" --run latest', 'dag sql - --json < question.sql'),
    )
    .action(async (query: string, { run, maxRows, json = false }: Options) => {
      const config = loadConfig()
      const { runId, dir } = run === undefined ? published(config) : chosen(config, run)
      const result = await ask(config, dir, query === '-' ? await textOf(process.stdin) : query)
      if (json) printJson({ runId, columns: result.columns, rowCount: result.rows.length, rows: objectsOf(result) })
      else printResult(result, maxRows)
    })
}

interface Place {
  readonly runId: string
  readonly dir: string
}

/** Resolved once: a query never mixes two runs. */
function published(config: Config): Place {
  recoverPointer(config)
  return activeRun(config)
}

/** A run of the state, or one that only the lake knows; sealed, or still being written. */
function chosen(config: Config, given: string): Place {
  using store = readStore(config)
  const runId = given === 'latest' ? runIdOf(store, given) : given
  const dir = currentDir(config.lakeDir, runId)
  if (existsSync(dir)) return { runId, dir }
  const known = store.runs({ limit: 200 }).map((run) => run.runId)
  throw new PipelineError(`run ${runId} has no data in ${config.lakeDir}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: suggest(runId, known) ?? '`dag runs` lists the runs',
  })
}

async function ask(config: Config, directory: string, query: string): Promise<SqlTable> {
  const interruption = new AbortController()
  const stop = (): void => interruption.abort(new PipelineError('interrupted', { exitCode: exitCodes.interrupted }))
  process.once('SIGINT', stop)
  // Loaded when it is needed: the engine would slow the start of every other command.
  const [{ engineNames, openEngine }, { registerReadable }] = await Promise.all([
    import('../../sql/open.ts'),
    import('../../sql/run-views.ts'),
  ])
  const [sqlEngine = 'duckdb'] = engineNames(config.sqlEngine)
  try {
    await using engine = await openEngine({ ...config, sqlEngine }, { signal: interruption.signal })
    const missing = await registerReadable(engine, directory, datasets, compatibilityViews)
    const result = await engine.table(query).catch((error: unknown) => {
      interruption.signal.throwIfAborted()
      throw explained(error, missing)
    })
    return result
  } finally {
    process.off('SIGINT', stop)
  }
}

/** A table that a run does not have is missing for a reason. */
function explained(error: unknown, missing: ReadonlyMap<string, string>): unknown {
  const found = [...missing].find(([name]) => messageOf(error).includes(name))
  if (found === undefined) return error
  return new PipelineError(messageOf(error), { hint: `${found[0]} is not in this run: ${found[1]}`, cause: error })
}

function printResult({ columns, rows }: SqlTable, maxRows: number): void {
  const shown = rows.slice(0, maxRows).map((row) => row.map(shownValue))
  if (canFit(columns.length))
    print(
      table(
        columns.map((name, index) => heading(name, rows, index)),
        shown,
      ),
    )
  else for (const [number, row] of shown.entries()) printRecord(number + 1, columns, row)
  const cut = rows.length > shown.length ? `, the first ${shown.length} are shown: --max-rows shows more` : ''
  print(styled('dim', `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'}${cut})`))
}

/** A row of too many columns, a line for each of them. */
function printRecord(number: number, columns: readonly string[], row: readonly string[]): void {
  print(styled('dim', `row ${number}`))
  print(
    table(
      ['column', 'value'],
      columns.map((name, index) => [name, row[index] ?? '']),
    ),
  )
  print()
}

function heading(name: string, rows: SqlTable['rows'], index: number): string {
  const isNumeric = rows.some((row) => typeof row[index] === 'number' || typeof row[index] === 'bigint')
  return isNumeric ? `>${oneLine(name)}` : oneLine(name)
}

function shownValue(value: SqlValue): string {
  return value === null ? styled('dim', 'NULL') : oneLine(String(value))
}

/** Of two columns with one name the second one is called `name_2`. */
function objectsOf({ columns, rows }: SqlTable): Readonly<Record<string, SqlValue>>[] {
  const names = columns.map((name, index) => {
    const before = columns.slice(0, index).filter((other) => other === name).length
    return before === 0 ? name : `${name}_${before + 1}`
  })
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])))
}
