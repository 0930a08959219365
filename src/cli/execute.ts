/** Runs something that ends with a run's outcome in the foreground: signals, live display, exit code. */
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import type { RunEvent, RunOutcome } from '../scheduler/loop.ts'
import { liveDisplay } from './live.ts'
import { between, grouped, print, printJson, shownState, styled, table } from './output.ts'
import { recoverPointer } from './pointer.ts'

export interface ExecuteOptions {
  readonly config: Config
  readonly json: boolean
}

type Start = (settings: { readonly onEvent: (event: RunEvent) => void; readonly signal: AbortSignal }) => Promise<RunOutcome>

/** @returns the outcome and the exit code it deserves */
export async function execute(
  { config, json }: ExecuteOptions,
  start: Start,
): Promise<{ outcome: RunOutcome; exitCode: number }> {
  recoverPointer(config)
  const controller = new AbortController()
  let interruptedBy: 'SIGINT' | 'SIGTERM' | null = null
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (interruptedBy !== null) process.exit(exitCodes.interrupted)
    interruptedBy = signal
    process.stderr.write(`\n${signal}: stopping the tasks; once more ends at once\n`)
    controller.abort(new PipelineError(`stopped by ${signal}`))
  }
  const onInt = (): void => stop('SIGINT')
  const onTerm = (): void => stop('SIGTERM')
  process.on('SIGINT', onInt).on('SIGTERM', onTerm)
  const display = liveDisplay(json)
  try {
    const outcome = await start({ onEvent: display.onEvent, signal: controller.signal })
    return { outcome, exitCode: exitCodeOf(outcome, interruptedBy) }
  } finally {
    display.end()
    process.off('SIGINT', onInt).off('SIGTERM', onTerm)
  }
}

function exitCodeOf({ state }: RunOutcome, interruptedBy: 'SIGINT' | 'SIGTERM' | null): number {
  if (state === 'success') return exitCodes.success
  if (interruptedBy === null) return exitCodes.failed
  return interruptedBy === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}

/** Prints how the run ended, and what to do when it failed. */
export function printOutcome(outcome: RunOutcome, json: boolean): void {
  if (json) {
    printJson(outcome)
    return
  }
  print()
  print(taskTable(outcome.tasks))
  print()
  print(
    `run ${styled('bold', outcome.runId)} ${shownState(outcome.state)}${outcome.reason === null ? '' : `: ${outcome.reason}`}`,
  )
  const failed = outcome.tasks.find((task) => task.state === 'failed')
  if (failed !== undefined) {
    print(`  why     npx dag logs ${outcome.runId} ${failed.taskId}`)
    print(`  resume  npx dag retry ${outcome.runId}`)
  } else if (outcome.state === 'cancelled') print(`  resume  npx dag retry ${outcome.runId}`)
}

/** The tasks of an attempt as a table. */
export function taskTable(tasks: RunOutcome['tasks']): string {
  return table(
    ['task', 'state', '>duration', '>tries', '>rows', 'note'],
    tasks.map((task) => [
      task.taskId,
      shownState(task.state),
      between(task.startedAt, task.endedAt),
      task.tries,
      task.rows === null ? '' : grouped(Object.values(task.rows).reduce((sum, rows) => sum + rows, 0)),
      clipped([task.carriedFrom === null ? null : `from attempt ${task.carriedFrom}`, task.reason, task.note]),
    ]),
  )
}

function clipped(parts: readonly (string | null)[]): string {
  const text = parts
    .filter((part) => part !== null)
    .join('; ')
    .replace(/\s+/g, ' ')
  const room = Math.max(30, (process.stdout.columns ?? 140) - 62)
  return text.length > room ? `${text.slice(0, room - 1)}…` : text
}
