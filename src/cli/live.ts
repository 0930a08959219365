/** Shows a run while it goes on: a table that redraws itself on a terminal, a line a transition elsewhere. */
import { createRequire } from 'node:module'
import type * as LogUpdate from 'log-update'
import type { Config } from '../config.ts'
import type { Progress } from '../scheduler/context.ts'
import type { RunEvent } from '../scheduler/loop.ts'
import type { EventRecord, Store, TaskRecord } from '../scheduler/store.ts'
import { header, liveLine, liveScreen } from './live-lines.ts'
import { between, oneLine, print, totalRows } from './output.ts'
import { cellsOf } from './table-layout.ts'
import { readStore } from './runs.ts'

const redrawEveryMs = 100
const eraseLineAndGoUp = '\u001b[2K\u001b[1A'

export interface LiveDisplay {
  readonly onEvent: (event: RunEvent) => void
  /** A line for the person who looks, on stderr. */
  readonly say: (line: string) => void
  /** Draws the last state and lets go of the terminal. */
  readonly end: () => void
}

export interface DisplayOptions {
  /** Shows nothing, for `--json`. */
  readonly quiet: boolean
  /** A line a transition, on a terminal too. */
  readonly lines: boolean
}

export function liveDisplay(config: Config, { quiet, lines }: DisplayOptions): LiveDisplay {
  if (quiet) return { onEvent: () => {}, say: sayOnStderr, end: () => {} }
  return process.stdout.isTTY && !lines ? new TerminalDisplay(config) : new LineDisplay(config, lines)
}

function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** For logs and pipes, and for several runs at once, whose lines name them. What a task did is read from the state, where it was before the event came. */
class LineDisplay implements LiveDisplay {
  readonly #config: Config
  readonly #isNaming: boolean
  #store: Store | null = null

  constructor(config: Config, isNaming: boolean) {
    this.#config = config
    this.#isNaming = isNaming
  }

  readonly onEvent = (event: RunEvent): void => {
    if (event.kind !== 'transition') return
    const { subject, taskId, runId, toState, detail, at } = event.event
    if (subject === 'run') print(`${at} run ${runId} ${toState}${toState === 'success' ? '' : told(detail)}`)
    if (subject !== 'task' || taskId === null || toState === 'waiting' || toState === 'queued') return
    const why = toState === 'running' ? '' : told(detail)
    const name = this.#isNaming ? `${runId} ${taskId}` : taskId
    print(`${at} ${name} ${toState}${toState === 'success' ? this.#result(event.event, taskId) : why}`)
  }

  readonly say = sayOnStderr

  readonly end = (): void => this.#store?.close()

  #result({ runId }: EventRecord, taskId: string): string {
    this.#store ??= readStore(this.#config)
    const task = runId === null ? undefined : this.#store.tasks(runId).find((one) => one.taskId === taskId)
    if (task === undefined) return ''
    const rows = task.rows === null ? [] : [`${totalRows(task.rows)} rows`]
    return told([...rows, task.note, between(task.startedAt, task.endedAt)].filter(Boolean).join(', '))
  }
}

function told(detail: string | null): string {
  return detail === null || detail === '' ? '' : `: ${oneLine(detail)}`
}

/** Loaded when there is a terminal to draw on: it would make the start of every command a sixth longer. */
function logUpdate(): typeof LogUpdate {
  return createRequire(import.meta.url)('log-update')
}

class TerminalDisplay implements LiveDisplay {
  readonly #config: Config
  readonly #update = logUpdate().createLogUpdate(process.stdout)
  readonly #timer = setInterval(() => this.#draw(), redrawEveryMs)
  readonly #progress = new Map<string, Progress>()
  #store: Store | null = null
  #runId: string | null = null
  #tasks: readonly TaskRecord[] = []
  /** What stands on the screen. */
  #lines: readonly string[] = []

  constructor(config: Config) {
    this.#config = config
    process.stdout.on('resize', this.#onResize)
  }

  readonly onEvent = (event: RunEvent): void => {
    if (event.kind === 'progress') {
      this.#progress.set(event.taskId, event.progress)
      return
    }
    const { runId, subject, taskId, toState } = event.event
    if (runId === null) return
    if (subject === 'task' && taskId !== null && toState === 'running') this.#progress.delete(taskId)
    this.#runId = runId
    this.#tasks = this.#reader().tasks(runId)
  }

  readonly say = (line: string): void => {
    this.#update.clear()
    sayOnStderr(line)
    this.#draw()
  }

  /** Leaves every task on the screen and above it, however small it is. */
  readonly end = (): void => {
    clearInterval(this.#timer)
    process.stdout.off('resize', this.#onResize)
    if (this.#runId !== null) this.#tasks = this.#reader().tasks(this.#runId)
    this.#update.clear()
    this.#update.done()
    const now = Date.now()
    if (this.#runId !== null) print([header(this.#runId, this.#tasks, now), ...this.#tasks.map(this.#line)].join('\n'))
    this.#store?.close()
  }

  #reader(): Store {
    this.#store ??= readStore(this.#config)
    return this.#store
  }

  #draw(): void {
    if (this.#runId === null) return
    const { columns, rows } = process.stdout
    // The last row is where the cursor stands.
    const screen = { columns, rows: rows - 1 }
    this.#lines = liveScreen(this.#runId, this.#tasks, screen, this.#line, Date.now())
    this.#update(this.#lines.join('\n'))
  }

  /** A terminal that becomes narrower breaks the lines that stand there: they then take more rows than were written. */
  readonly #onResize = (): void => {
    const columns = Math.max(1, process.stdout.columns)
    const broken = this.#lines.reduce((rows, line) => rows + Math.max(0, Math.ceil(cellsOf(line) / columns) - 1), 0)
    process.stdout.write(eraseLineAndGoUp.repeat(broken))
    this.#update.clear()
    this.#draw()
  }

  readonly #line = (task: TaskRecord): string => liveLine(task, this.#progress.get(task.taskId) ?? null, Date.now())
}
