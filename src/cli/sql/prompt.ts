/** `dag sql` on a terminal: one statement after another, with history and completion. */
import { createInterface, type Interface } from 'node:readline'
import { messageOf, PipelineError } from '../../errors.ts'
import { print, styled, table } from '../output.ts'
import { writePieces } from './answer.ts'
import { complete } from './completion.ts'
import { csvPieces, type Format, jsonPieces, tablePieces } from './formats.ts'
import { History, historyLines } from './history.ts'
import { type CompletedTable, knownTables } from './known-tables.ts'
import type { SqlSession } from './session.ts'
import { cutStatements } from './statements.ts'

export interface PromptOptions {
  readonly format: Exclude<Format, 'parquet'>
  readonly maxRows: number
  readonly stateDir: string
}

const commandHelp: readonly (readonly [command: string, about: string])[] = [
  ['.tables', 'the tables of this run'],
  ['.schema <table>', 'its columns and what they mean; without a table all tables and what they hold'],
  ['.format <format>', 'table, csv or json'],
  ['.help', 'this list'],
  ['.quit', 'ends; so does Ctrl-D'],
]
const aliases: Readonly<Record<string, string>> = {
  '\\d': '.schema',
  '\\dt': '.tables',
  '\\q': '.quit',
  '\\?': '.help',
  quit: '.quit',
  exit: '.quit',
}
const firstPrompt = 'sql> '
const nextPrompt = '  -> '

/** @returns when the person has left */
export async function runPrompt(session: SqlSession, options: PromptOptions): Promise<void> {
  const { engine, place } = session
  print(styled('dim', `run ${place.runId} on ${engine}; a statement ends with ;  .help explains, Tab completes, Ctrl-C cancels`))
  await new Prompt(session, options).run()
}

class Prompt {
  readonly #session: SqlSession
  readonly #options: PromptOptions
  readonly #tables: readonly CompletedTable[] = knownTables()
  readonly #history: History
  readonly #lines: Interface
  #format: PromptOptions['format']
  /** readline's own list, newest first. */
  #entries: string[]
  /** What was typed of a statement that no semicolon has ended. */
  #unfinished = ''
  #typedLines: string[] = []
  #running: AbortController | null = null
  #isLeaving = false

  constructor(session: SqlSession, options: PromptOptions) {
    this.#session = session
    this.#options = options
    this.#format = options.format
    this.#history = new History(options.stateDir)
    this.#entries = this.#history.load()
    const commands = commandHelp.map(([command]) => command.split(' ')[0] ?? '')
    this.#lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt: firstPrompt,
      history: [...this.#entries],
      historySize: 1000,
      tabSize: 4,
      completer: (line: string) =>
        complete(
          line,
          { before: this.#unfinished, after: this.#lines.line.slice(line.length) },
          { tables: this.#tables, commands },
        ),
    })
    this.#lines.on('history', (entries: string[]) => {
      this.#entries = entries
    })
  }

  /** Lines that come while a statement runs wait for it. */
  async run(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let work = Promise.resolve()
    this.#lines.on('SIGINT', () => this.#interrupted())
    this.#lines.on('line', (line) => {
      work = work.then(() => this.#take(line))
    })
    this.#lines.on('close', () => {
      this.#isLeaving = true
      this.#running?.abort(new PipelineError('the prompt has ended'))
      resolve(work)
    })
    this.#lines.prompt()
    await promise
  }

  /** Ctrl-C cancels what runs, else drops what was typed. */
  #interrupted(): void {
    if (this.#running !== null) {
      this.#running.abort(new PipelineError('cancelled'))
      return
    }
    this.#forget()
    // Nothing is public that empties the line; readline types the keys that do.
    this.#lines.write(null, { ctrl: true, name: 'e' })
    process.stdout.write('^C\n')
    this.#lines.write(null, { ctrl: true, name: 'u' })
    this.#ready()
  }

  async #take(line: string): Promise<void> {
    if (this.#isLeaving) return
    const command = commandOf(line)
    if (this.#unfinished === '' && command !== null) {
      this.#history.add(line.trim())
      await this.#obey(command.name, command.argument)
    } else await this.#type(line)
    if (!this.#isLeaving) this.#ready()
  }

  async #type(line: string): Promise<void> {
    this.#typedLines.push(line)
    const { statements, rest } = cutStatements(this.#unfinished === '' ? line : `${this.#unfinished}\n${line}`)
    this.#unfinished = rest
    if (rest === '') this.#remember()
    for (const statement of statements) if (!this.#isLeaving) await this.#answer(statement)
  }

  async #answer(statement: string): Promise<void> {
    const running = new AbortController()
    this.#running = running
    const started = performance.now()
    try {
      await writePieces(this.#pieces(statement, running.signal), process.stdout)
      print(styled('dim', `${((performance.now() - started) / 1000).toFixed(2)} s`))
    } catch (error) {
      print(styled('red', running.signal.aborted ? messageOf(running.signal.reason) : messageOf(error)))
      if (error instanceof PipelineError && error.hint !== undefined) print(`hint: ${error.hint}`)
    } finally {
      this.#running = null
    }
  }

  #pieces(statement: string, signal: AbortSignal): AsyncIterable<string> {
    const batches = this.#session.stream(statement, signal)
    if (this.#format === 'csv') return csvPieces(batches)
    return this.#format === 'json' ? jsonPieces(batches) : tablePieces(batches, this.#options.maxRows)
  }

  async #obey(name: string, argument: string): Promise<void> {
    if (name === '.quit') this.#lines.close()
    else if (name === '.help') print(table(['!command', 'what it does'], commandHelp))
    else if (name === '.tables') await this.#answer('SHOW TABLES')
    else if (name === '.schema') await this.#describe(argument)
    else if (name === '.format') this.#setFormat(argument)
    else print(styled('red', `there is no command ${name}; .help lists them`))
  }

  /** Tables of the catalogue with what their columns mean, others as the engine describes them. */
  async #describe(name: string): Promise<void> {
    const known = this.#tables.find((one) => one.name === name.toLowerCase())
    if (name === '')
      print(
        table(
          ['!table', 'what it holds'],
          this.#tables.map((one) => [one.name, one.about]),
        ),
      )
    else if (known === undefined) await this.#answer(`DESCRIBE ${name}`)
    else
      print(
        `${known.about}\n${table(
          ['!column', '!type', 'meaning'],
          known.columns.map((one) => [one.name, one.type, one.about]),
        )}`,
      )
  }

  #setFormat(argument: string): void {
    if (argument === 'table' || argument === 'csv' || argument === 'json') this.#format = argument
    else print(styled('red', `.format ${argument}: table, csv or json is expected`))
  }

  /** A statement of several lines becomes one entry of the history. */
  #remember(): void {
    const lines = historyLines(this.#typedLines).filter((line) => line !== '')
    for (const line of lines) this.#history.add(line)
    if (this.#typedLines.length > 1 && lines.length === 1) {
      const typed = this.#typedLines.filter((line) => line.trim() !== '').length
      this.#entries.splice(0, typed, ...lines)
    }
    this.#typedLines = []
  }

  #forget(): void {
    this.#unfinished = ''
    this.#typedLines = []
  }

  #ready(): void {
    this.#lines.setPrompt(this.#unfinished === '' ? firstPrompt : nextPrompt)
    this.#lines.prompt()
  }
}

/** `.schema <table>`, `\d <table>`, `quit`; null when the line is SQL. */
function commandOf(line: string): { readonly name: string; readonly argument: string } | null {
  const [first = '', ...rest] = line.trim().replace(/;$/, '').split(/\s+/)
  const name = aliases[first] ?? first
  return name.startsWith('.') || name.startsWith('\\') ? { name, argument: rest.join(' ') } : null
}
