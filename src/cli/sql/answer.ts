/** One question, one answer: printed, or written to a file that is there in whole or not at all. */
import { createWriteStream, existsSync, renameSync, rmSync, statSync, type WriteStream } from 'node:fs'
import { once } from 'node:events'
import { dirname, resolve } from 'node:path'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'
import { jsonText, shownPath, size } from '../output.ts'
import { csvPieces, type Format, jsonPieces, tableAsJson, tablePieces, wholeAnswer } from './formats.ts'
import type { SqlSession } from './session.ts'

export interface AnswerOptions {
  /** `document` is what `--json` prints. */
  readonly format: Format | 'document'
  readonly maxRows: number
  readonly output: string | null
}

/** @returns what to tell of it on stderr, null when the answer was printed */
export async function answer(
  session: SqlSession,
  query: string,
  { format, maxRows, output }: AnswerOptions,
  signal: AbortSignal,
): Promise<string | null> {
  if (output === null) {
    if (format === 'parquet') throw usage('--format parquet needs --output <file>: it is not for a terminal')
    await writePieces(piecesOf(session, query, format, maxRows, signal), process.stdout)
    return null
  }
  const file = checkedFile(output)
  const temporary = `${file}.${process.pid}.part`
  try {
    if (format === 'parquet') await session.saveAsParquet(query, temporary, signal)
    else await writeFile(piecesOf(session, query, format, maxRows, signal), temporary)
    signal.throwIfAborted()
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
  return `${shownPath(file)}: ${size(statSync(file).size)}`
}

/** Writes at the pace of the reader. */
export async function writePieces(pieces: AsyncIterable<string>, stream: NodeJS.WritableStream): Promise<void> {
  for await (const piece of pieces) if (!stream.write(piece)) await once(stream, 'drain')
}

function piecesOf(
  session: SqlSession,
  query: string,
  format: Exclude<AnswerOptions['format'], 'parquet'>,
  maxRows: number,
  signal: AbortSignal,
): AsyncIterable<string> {
  const batches = session.stream(query, signal)
  if (format === 'csv') return csvPieces(batches)
  if (format === 'json') return jsonPieces(batches)
  if (format === 'table') return tablePieces(batches, maxRows)
  return documentPieces(session.place.runId, batches)
}

/** The shape of `--json`. */
async function* documentPieces(runId: string, batches: ReturnType<SqlSession['stream']>): AsyncGenerator<string> {
  yield `${jsonText({ runId, ...tableAsJson(await wholeAnswer(batches)) }, 2)}\n`
}

async function writeFile(pieces: AsyncIterable<string>, file: string): Promise<void> {
  const stream: WriteStream = createWriteStream(file, { flags: 'wx', flush: true })
  const failed = once(stream, 'error').then(([error]: unknown[]) => {
    throw new PipelineError(`writing ${file}: ${messageOf(error)}`, { cause: error })
  })
  const written = writePieces(pieces, stream).then(async () => {
    const closed = once(stream, 'close')
    stream.end()
    await closed
  })
  try {
    await Promise.race([written, failed])
  } finally {
    stream.destroy()
    await Promise.allSettled([written])
  }
}

function checkedFile(output: string): string {
  const file = resolve(output)
  if (!existsSync(dirname(file))) throw usage(`--output ${output}: there is no directory ${dirname(file)}`)
  if (existsSync(file) && !statSync(file).isFile()) throw usage(`--output ${output}: it is no file`)
  return file
}

function usage(message: string): PipelineError {
  return new PipelineError(message, { exitCode: exitCodes.usage, retryable: false })
}
