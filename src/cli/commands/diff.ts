import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { compatibilityViews } from '../../discogs/catalogue.ts'
import { exitCodes, hasCode, messageOf, PipelineError } from '../../errors.ts'
import type { SnapshotDiff } from '../../history/diff.ts'
import { suggest } from '../../scheduler/nearest.ts'
import { printCounts, printRecords, printDetail, printEntity } from '../diff/show.ts'
import { type NamedSnapshot, snapshotNamed } from '../diff/snapshots.ts'
import { print, printJson, styled } from '../output.ts'
import { QueryInterruption } from '../query-interruption.ts'
import { answer } from '../sql/answer.ts'
import { type Format, formats } from '../sql/formats.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly key?: string
  readonly format?: Format
  readonly output?: string
  /** Bytes. */
  readonly memory: number
  readonly samples: number
  readonly json?: boolean
}

interface Question extends Options {
  readonly before: NamedSnapshot
  readonly after: NamedSnapshot
  readonly dataset: string | undefined
}

const notes = `
A snapshot is a run id, active, latest (the newest run with a snapshot), or a month (YYYY-MM). Rows are paired by the key of docs/datasets.md; where a dataset has none, and in
warehouse tables, a row is its values: it is added or removed, never changed. NULL and '' differ.
Formats: table and --json count and show samples; csv, json (an object a row, a row a line) and parquet (needs --output) hold the whole change
set of one dataset: its key columns, change (added, removed or changed), and <column>_before and <column>_after of every other column.
The exit code is 0 whether anything differs or not.
`

/** `dag diff <before> <after> [dataset]` */
export function diffCommand(): Command {
  return new Command('diff')
    .description('compares two snapshots: rows and columns that were added, removed and changed')
    .argument('<before>', 'a run id, active, latest, or a month')
    .argument('<after>', 'likewise')
    .argument('[dataset]', 'compares this one in detail; without it all are counted')
    .option('--key <key>', 'shows the rows of one entity before and after: the first column of the key of the dataset')
    .addOption(new Option('--format <format>', 'how it is written (default: table)').choices(formats))
    .option('--output <file>', 'write to this file, replacing it')
    .option('--memory <size>', 'what the comparison may take; the rest goes to the disk', memoryOption, defaultMemory)
    .option('--samples <count>', 'rows of each kind that a table shows', countOption, 5)
    .option('--json', 'print counts and samples as one JSON document')
    .addHelpText(
      'after',
      notes +
        examples(
          'dag diff 2026-03 2026-04',
          `dag diff 2026-03 active ${exampleDataset} --samples 20`,
          `dag diff 2026-03 2026-04 ${exampleDataset} --key 123`,
          `dag diff 2026-03 2026-04 ${exampleDataset} --format parquet --output changes.parquet`,
        ),
    )
    .action(async (before: string, after: string, dataset: string | undefined, options: Options) => {
      refuseContradictions(dataset, options)
      const config = loadConfig()
      const question = { ...options, dataset, before: snapshotNamed(config, before), after: snapshotNamed(config, after) }
      if (question.before.session > question.after.session)
        process.stderr.write(
          'note: the first snapshot is newer than the second one: what was added since then shows as removed\n',
        )
      for (const { runId, isLimited } of [question.before, question.after])
        if (isLimited)
          process.stderr.write(
            `note: ${runId} holds only the first records of each dump: what comes after them is missing from it\n`,
          )
      await compare(config, question)
    })
}

/** Bytes; 2 GB. */
const defaultMemory = 2e9

const exampleDataset = compatibilityViews[0]?.of ?? ''

function refuseContradictions(dataset: string | undefined, { key, format = 'table', json, output }: Options): void {
  const refuse = (message: string): never => {
    throw new PipelineError(message, { exitCode: exitCodes.usage, retryable: false })
  }
  if (json === true && format !== 'table') refuse('--json and --format exclude each other')
  if (dataset === undefined && key !== undefined) refuse('--key needs a dataset')
  if (dataset === undefined && format !== 'table') refuse(`--format ${format} writes the changes of one dataset: name it`)
  if (format === 'parquet' && output === undefined) refuse('--format parquet needs --output <file>')
  if (format === 'table' && output !== undefined) refuse('--output needs --format csv, json or parquet')
}

async function compare(config: Config, question: Question): Promise<void> {
  using interruption = new QueryInterruption()
  const { before, after, memory, dataset } = question
  // The engine is loaded when it is needed: it would slow the start of every other command.
  const { SnapshotDiff } = await import('../../history/diff.ts')
  const tempDirectory = makeTempDirectory(config)
  try {
    await using diff = await SnapshotDiff.open({
      before,
      after,
      tempDirectory,
      memoryBytes: memory,
      signal: interruption.signal,
      onProgress: showProgress,
    })
    if (dataset === undefined) await all(diff, question)
    else await one(diff, question, await knownDataset(diff, dataset), interruption.signal)
  } catch (error) {
    interruption.signal.throwIfAborted()
    throw error
  } finally {
    clearProgress()
  }
}

/** In the state directory, or in $TMPDIR for a user who may only read the state. */
function makeTempDirectory({ stateDir }: Config): string {
  const directory = join(stateDir, 'tmp', `diff-${process.pid}`)
  try {
    mkdirSync(directory, { recursive: true })
    return directory
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code))) throw unwritable(directory, error)
  }
  try {
    return mkdtempSync(join(tmpdir(), 'dag-diff-'))
  } catch (error) {
    throw unwritable(tmpdir(), error)
  }
}

function unwritable(directory: string, cause: unknown): PipelineError {
  return new PipelineError(`comparing needs a temporary directory, and ${directory} cannot be made: ${messageOf(cause)}`, {
    retryable: false,
    hint: 'set TMPDIR to a directory that you may write to',
    cause,
  })
}

/** One line on a terminal, written over by the next one. */
function showProgress(dataset: string, done: number, total: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kcomparing ${dataset}  ${Math.floor((done / total) * 100)} %`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

async function all(diff: SnapshotDiff, { before, after, json }: Question): Promise<void> {
  const counted = []
  for (const dataset of await diff.datasets()) counted.push(await diff.count(dataset))
  const records = await diff.records()
  clearProgress()
  if (json === true) {
    printJson({ before: before.runId, after: after.runId, records, datasets: counted })
    return
  }
  printHeading(before, after)
  printRecords(records)
  printCounts(counted)
}

async function one(diff: SnapshotDiff, question: Question, dataset: string, signal: AbortSignal): Promise<void> {
  const { before, after, key = null, format = 'table', json, output = null, samples } = question
  if (format !== 'table') {
    const session = {
      engine: 'duckdb',
      place: before,
      stream: () => diff.changes(dataset, key, signal),
      saveAsParquet: (_: string, file: string) => diff.writeChanges(dataset, key, file),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    } as const
    const note = await answer(session, dataset, { format, maxRows: samples, output }, signal)
    if (note !== null) process.stderr.write(`${note}\n`)
    return
  }
  const runs = { before: before.runId, after: after.runId }
  if (key === null) {
    const detail = await diff.detail(dataset, samples)
    clearProgress()
    if (json === true) printJson({ ...runs, ...detail })
    else {
      printHeading(before, after, dataset)
      printDetail(detail)
    }
    return
  }
  const rows = await diff.entity(dataset, key)
  if (json === true) printJson({ ...runs, dataset, rows })
  else {
    printHeading(before, after, dataset)
    printEntity(rows)
  }
}

function printHeading(before: NamedSnapshot, after: NamedSnapshot, dataset?: string): void {
  print(styled('dim', `${dataset === undefined ? '' : `${dataset}: `}${before.runId} → ${after.runId}`))
}

/** @throws PipelineError (exit 4) with the nearest name */
async function knownDataset(diff: SnapshotDiff, dataset: string): Promise<string> {
  const names = await diff.datasets()
  if (names.includes(dataset)) return dataset
  throw new PipelineError(`neither snapshot has a dataset ${JSON.stringify(dataset)}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: suggest(dataset, names) ?? '`dag diff <before> <after>` lists them',
  })
}

const unitBytes: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, MIB: 2 ** 20, GIB: 2 ** 30 }
/** Node and the buffers DuckDB does not count take 300 MB. */
const leastMemory = 500e6

/** Reads `2GB` as bytes. @throws InvalidArgumentError, which commander reports with the option's name */
function memoryOption(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([MG]i?B)$/i.exec(text) ?? []
  const bytes = Number(number) * (unitBytes[unit.toUpperCase()] ?? Number.NaN)
  if (bytes >= leastMemory) return bytes
  throw new InvalidArgumentError('a size from 500MB is expected, such as 800MB or 2GB')
}
