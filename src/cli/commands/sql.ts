import { text as textOf } from 'node:stream/consumers'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { exampleQuery } from '../../discogs/catalogue.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import type { EngineName } from '../../sql/engine.ts'
import { QueryInterruption } from '../query-interruption.ts'
import { answer } from '../sql/answer.ts'
import { type Format, formats } from '../sql/formats.ts'
import { type Place, placeOf } from '../sql/place.ts'
import { openSession } from '../sql/session.ts'
import { countOption, examples } from './options.ts'
import { QueryCommand } from './query-command.ts'

interface Options {
  readonly engine?: EngineName
  readonly run?: string
  readonly asOf?: string
  readonly format?: Format
  readonly output?: string
  readonly json?: boolean
  readonly write?: boolean
  readonly maxRows: number
}

const notes = `
Formats: table shows up to --max-rows rows; csv (RFC 4180) and json (an object a row, a row a line) are written while they are read, however large;
parquet needs --output. --json prints one document with run, columns, row count and rows, and holds it in memory.
Statements that may write are refused without --write: only queries, SHOW, DESCRIBE, EXPLAIN and settings of the session run.
A file of --output is complete when it appears. Without a query on a terminal there is a prompt: .help explains it.
`

/** `dag sql ["<query>"]` */
export function sqlCommand(): Command {
  return new QueryCommand('sql')
    .description('asks the published snapshot, or another run, in SQL; every dataset is a table')
    .argument('[query]', 'one statement; - reads it from the standard input; none opens a prompt')
    .addOption(new Option('--engine <engine>', 'who answers (default: SQL_ENGINE)').choices(['duckdb', 'trino']))
    .option('--run <run>', 'ask this run instead of the published one; latest is the newest with a snapshot')
    .option(
      '--as-of <month>',
      'ask the newest real dump month up to this one, YYYY-MM; its published run if there is one',
      monthOption,
    )
    .addOption(new Option('--format <format>', 'how rows are written (default: table)').choices(formats))
    .option('--output <file>', 'write to this file, replacing it')
    .option('--max-rows <count>', 'how many rows a table shows', countOption, 1000)
    .option('--json', 'print all rows as one JSON document')
    .option('--write', 'also run statements that may write (DDL, INSERT, COPY)')
    .addHelpText(
      'after',
      notes +
        examples(
          `dag sql "${exampleQuery}"`,
          'dag sql "show tables" --run latest',
          'dag sql - --json < question.sql',
          `dag sql "${exampleQuery}" --format parquet --output countries.parquet`,
          'dag sql --engine trino --as-of 2026-01',
        ),
    )
    .action(async (query: string | undefined, options: Options) => {
      const settings = loadConfig()
      refuseContradictions(query, options)
      const place = placeOf(settings, options)
      const config = { ...settings, lakeDir: place.lakeDir }
      const engine = options.engine ?? (config.sqlEngine === 'trino' ? 'trino' : 'duckdb')
      if (query === undefined) await prompt(config, place, engine, options)
      else await once(config, place, engine, query === '-' ? await textOf(process.stdin) : query, options)
    })
}

function refuseContradictions(query: string | undefined, { json, format, output }: Options): void {
  const refuse = (message: string, hint?: string): never => {
    throw new PipelineError(message, { exitCode: exitCodes.usage, retryable: false, ...(hint === undefined ? {} : { hint }) })
  }
  if (json === true && format !== undefined) refuse('--json and --format exclude each other')
  if (format === 'parquet' && output === undefined) refuse('--format parquet needs --output <file>')
  if (query !== undefined) return
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    refuse('there is no query, and no terminal for a prompt', '`-` reads the query from the standard input')
  if (json === true || output !== undefined || format === 'parquet')
    refuse('--json, --output and --format parquet need a query on the command line')
}

async function prompt(config: Config, place: Place, engine: EngineName, options: Options): Promise<void> {
  const { format = 'table', maxRows, write: mayWrite = false } = options
  const { runPrompt } = await import('../sql/prompt.ts')
  await using session = await openSession(config, place, engine, { signal: new AbortController().signal, mayWrite })
  await runPrompt(session, { format: format === 'parquet' ? 'table' : format, maxRows, stateDir: config.stateDir })
}

async function once(
  config: Config,
  place: Place,
  engine: EngineName,
  query: string,
  { json = false, format = 'table', output, maxRows, write: mayWrite = false }: Options,
): Promise<void> {
  using interruption = new QueryInterruption()
  await using session = await openSession(config, place, engine, { signal: interruption.signal, mayWrite })
  const options = { format: json ? 'document' : format, maxRows, output: output ?? null } as const
  const note = await answer(session, query, options, interruption.signal)
  if (note !== null) process.stderr.write(`${note}\n`)
}

function monthOption(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text
  throw new InvalidArgumentError('a month, YYYY-MM, is expected')
}
