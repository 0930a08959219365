/** How a run ended, for people. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Config } from '../config.ts'
import type { RunOutcome } from '../scheduler/loop.ts'
import type { Deferral } from '../scheduler/deferral.ts'
import type { SeenTask } from '../scheduler/seen-state.ts'
import { between, type Cell, oneLine, print, printJson, shownEnd, shownState, styled, table, totalRows } from './output.ts'
import { readStore } from './runs.ts'

/** Lines of a failed task's log that are shown. */
const logLines = 12
const logTailBytes = 65_536

/** Prints how the run ended, and, when it failed, why and what to do. A terminal has shown the tasks already. */
export function printOutcome(config: Config, outcome: RunOutcome, json: boolean): void {
  if (json) {
    printJson(outcome)
    return
  }
  if (!process.stdout.isTTY) print(`\n${taskTable(outcome.tasks)}`)
  const { runId, state, reason } = outcome
  if (outcome.deferral !== null) return printDeferral(outcome, outcome.deferral)
  print(`\nrun ${styled('bold', runId)} ${shownEnd(state, reason)}`)
  if (state !== 'success') printFailure(config, outcome)
}

function printDeferral({ runId }: RunOutcome, { taskId, reason, until }: Deferral): void {
  print(`\nrun ${styled('bold', runId)} ${shownState('deferred')}: ${taskId}: ${reason}`)
  print(`it looks again at ${until.toISOString()}, when \`dag schedule\` runs; \`dag retry ${runId}\` looks now`)
}

interface ShownRun {
  readonly runId: string
  readonly tasks: readonly SeenTask[]
}

/** The end of the log of the first failed task, and the commands to go on with. */
export function printFailure(config: Config, { runId, tasks }: ShownRun): void {
  const failed = tasks.find((task) => task.state === 'failed')
  if (failed !== undefined) {
    using store = readStore(config)
    const log = store.tries(runId).findLast((one) => one.taskId === failed.taskId)?.logFile
    const lines = log !== undefined && existsSync(log) ? lastLines(log) : []
    print(`\n${failed.taskId} failed${lines.length === 0 ? `: ${failed.reason ?? 'no reason known'}` : '; the end of its log:'}`)
    for (const line of lines) print(`  ${oneLine(line)}`)
    print(`\nthe whole log   bin/dag logs ${runId} ${failed.taskId}`)
  }
  print(`${failed === undefined ? '\n' : ''}resume          bin/dag retry ${runId}`)
}

/** Where in the code an error came from is in the log itself, for developers. */
function isNoStack(line: string): boolean {
  return !/^\s+at .+[:)]/.test(line)
}

/** However long the log is. */
function lastLines(log: string): readonly string[] {
  const fd = openSync(log, 'r')
  try {
    const end = Buffer.alloc(logTailBytes)
    const length = readSync(fd, end, 0, end.length, Math.max(0, fstatSync(fd).size - end.length))
    return end.toString('utf8', 0, length).trimEnd().split('\n').filter(isNoStack).slice(-logLines)
  } finally {
    closeSync(fd)
  }
}

/** The tasks of an attempt as a table. */
export function taskTable(tasks: readonly SeenTask[]): string {
  const rows = tasks.map((task): readonly Cell[] => [
    task.taskId,
    shownState(task.state),
    task.carriedFrom === null ? between(task.startedAt, task.endedAt) : '',
    task.tries,
    task.rows === null ? '' : totalRows(task.rows),
    noteOf([task.carriedFrom === null ? null : `done in attempt ${task.carriedFrom}`, task.reason, nextLook(task), task.note]),
  ])
  const headings = ['!task', '!state', '>duration', '?>tries', '>rows', 'note']
  const hasNotes = rows.some((row) => row.at(-1) !== '')
  return hasNotes
    ? table(headings, rows)
    : table(
        headings.slice(0, -1),
        rows.map((row) => row.slice(0, -1)),
      )
}

function nextLook({ state, notBefore }: SeenTask): string | null {
  return state === 'deferred' && notBefore !== null ? `looks again at ${notBefore}` : null
}

function noteOf(parts: readonly (string | null)[]): string {
  return oneLine(parts.filter((part) => part !== null).join('; '))
}
