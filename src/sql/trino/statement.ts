/** One statement on the server: sent, followed page by page, ended on every way out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Iterator, QueryResult } from 'trino-client'
import { messageOf, PipelineError } from '../../errors.ts'
import { type ClientOptions, cancelQuery, clientFor, type Page } from './client.ts'
import { failedQuery, failedRequest, statusOf, TrinoFailure, trinoFailure } from './failure.ts'
import type { Position } from './rewrite.ts'
import type { TrinoColumn } from './values.ts'

export interface Statement {
  /** What errors call it. */
  readonly name: string
  /** As the server gets it. */
  readonly text: string
  /** From a place in `text` to the one a person wrote. */
  readonly origin: (position: Position) => Position
}

export interface StatementOptions extends ClientOptions {
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
  readonly onProgress: ((progress: { done: number; total: number }) => void) | undefined
  /** How long to try again while nothing answers. */
  readonly patienceMs: number
}

/** Nothing was done yet when the server says these: it is coming up, and its catalogs come after it. */
const startingUp: ReadonlySet<string> = new Set(['SERVER_STARTING_UP', 'NO_NODES_AVAILABLE'])
const startingUpMs = 60_000
const busy: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504])
const [firstWaitMs, longestWaitMs] = [100, 2_000]
/** How long an abort waits for the id of a query that is just being sent. */
const sentMs = 5_000

/** Makes what converts the values of a column. */
type ConverterOf<Value> = (column: TrinoColumn) => (value: unknown) => Value

interface Rows<Value> {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

/**
 * The rows of a statement as they come, at least one table when it has columns. A failure may come after any number of rows.
 * Leaving early ends the query on the server.
 * @throws PipelineError
 */
export async function* tablesOf<Value>(
  statement: Statement,
  options: StatementOptions,
  converterOf: ConverterOf<Value>,
): AsyncGenerator<Rows<Value>> {
  using stop = stopper(statement.name, options)
  const startedMs = performance.now()
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    let isUntouched = true
    try {
      for await (const { columns, rows } of attempt(statement, options, stop)) {
        isUntouched = false
        const converters = columns.map(converterOf)
        yield {
          columns: columns.map(({ name }) => name),
          rows: rows.map((row) => converters.map((convert, index) => convert(row[index]))),
        }
      }
      return
    } catch (error) {
      const spentMs = performance.now() - startedMs + waitMs
      if (!isUntouched || spentMs > patienceWith(error, options.patienceMs)) throw thrown(error, statement.name, options)
      await stop.race(sleep(waitMs))
    }
  }
}

/** For how many milliseconds a statement that failed so is tried again. */
function patienceWith(error: unknown, patienceMs: number): number {
  const failure = trinoFailure(error)
  if (failure !== null) return startingUp.has(failure.errorName) ? Math.max(startingUpMs, patienceMs) : 0
  return isRefused(error) || busy.has(statusOf(error)) ? patienceMs : 0
}

/** Nothing was sent. */
function isRefused(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'ECONNREFUSED'
}

/** Rows as the server sends them. */
interface Received {
  readonly columns: readonly TrinoColumn[]
  readonly rows: readonly (readonly unknown[])[]
}

async function* attempt(statement: Statement, options: StatementOptions, stop: Stopper): AsyncGenerator<Received> {
  const seen: Seen = { id: null, columns: [], isOver: false }
  const sent = clientFor(options, (page) => see(seen, page, options)).query(statement.text)
  try {
    const pages = await stop.race(sent)
    yield* tables(pages, statement, seen, { ...options, stop })
  } finally {
    if (!seen.isOver) {
      await Promise.race([sent.catch(() => {}), sleep(sentMs, undefined, { ref: false })])
      if (seen.id !== null) await cancelQuery(options, seen.id)
    }
  }
}

/** What the pages so far have told. */
interface Seen {
  id: string | null
  columns: readonly TrinoColumn[]
  isOver: boolean
}

function see(seen: Seen, page: Page, { onProgress }: StatementOptions): void {
  seen.id = page.id
  seen.columns = page.columns ?? seen.columns
  seen.isOver = page.nextUri === undefined
  if (page.stats !== undefined) onProgress?.({ done: page.stats.completedSplits, total: page.stats.totalSplits })
}

type Following = StatementOptions & { readonly stop: Stopper }

async function* tables(
  pages: Iterator<QueryResult>,
  statement: Statement,
  seen: Seen,
  options: Following,
): AsyncGenerator<Received> {
  let [last, isEmpty]: [Page | undefined, boolean] = [undefined, true]
  for (;;) {
    const { value, done = false } = await following(pages, options)
    const page = value as Page
    if (page.error !== undefined) throw failedQuery(statement.name, failureOf(page, statement))
    // At the end the iterator gives the last page once more; only an answer of a single page is new then.
    const rows = page === last ? [] : (page.data ?? [])
    last = page
    if (rows.length > 0 || (done && isEmpty && seen.columns.length > 0)) {
      yield { columns: seen.columns, rows: rows as readonly (readonly unknown[])[] }
      isEmpty = false
    }
    if (done) return
  }
}

/** Asks for the same page again when the server, or a proxy before it, was too busy to give it. */
async function following(pages: Iterator<QueryResult>, { stop, patienceMs }: Following): Promise<IteratorResult<QueryResult>> {
  const startedMs = performance.now()
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      return await stop.race(pages.next())
    } catch (error) {
      if (!busy.has(statusOf(error)) || performance.now() - startedMs + waitMs > patienceMs) throw new Interrupted(error)
      await stop.race(sleep(waitMs))
    }
  }
}

/** An error after the statement was sent: it may have run. */
class Interrupted extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
  }
}

function failureOf({ id, error }: Page, { origin }: Statement): TrinoFailure {
  const { errorName = '', errorType = '', message = '', errorLocation: location } = error ?? {}
  return new TrinoFailure({
    errorName,
    errorType,
    queryId: id,
    // The place in front of the message is that of the text as it was sent.
    message: message.replace(/^line \d+:\d+: /, ''),
    position: location === undefined ? null : origin({ line: location.lineNumber, column: location.columnNumber }),
  })
}

function thrown(error: unknown, name: string, { settings }: StatementOptions): PipelineError {
  if (error instanceof PipelineError) return error
  return failedRequest(name, settings.url, error instanceof Interrupted ? error.cause : error)
}

/** The end that the caller, or the clock, may call for. */
interface Stopper extends Disposable {
  /** The promise, unless the end comes first. @throws PipelineError */
  race<Value>(promise: Promise<Value>): Promise<Value>
}

function stopper(name: string, { signal, timeoutMs }: StatementOptions): Stopper {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  stopped.catch(() => {})
  const abort = (): void =>
    reject(new PipelineError(`trino: ${name}: stopped: ${messageOf(signal?.reason)}`, { cause: signal?.reason }))
  if (signal?.aborted === true) abort()
  signal?.addEventListener('abort', abort)
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => reject(new PipelineError(`trino: ${name}: no result within ${timeoutMs / 1000} s`)), timeoutMs)
  return {
    race: (promise) => Promise.race([stopped, promise]),
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    },
  }
}
