/** The lines of the live display. Pure, but for the width of the terminal. */
import type { Progress } from '../scheduler/context.ts'
import { isFinal } from '../scheduler/states.ts'
import type { TaskRecord } from '../scheduler/store.ts'
import { duration, grouped, oneLine, size, stateMark, styled, totalRows } from './output.ts'

const barCells = 16
/** Mark, name and time. */
const nameCells = 18
const timeCells = 12
const headCells = 2 + nameCells + timeCells + 2
/** From this width on there is room for amounts beside the percentage. */
const wideCells = 110

/** A terminal of any size. */
export interface Screen {
  readonly columns: number
  readonly rows: number
}

/** The run and its tasks, on no more lines than the terminal has. */
export function liveScreen(
  runId: string,
  tasks: readonly TaskRecord[],
  { columns, rows }: Screen,
  line: (task: TaskRecord) => string,
  nowMs: number,
): readonly string[] {
  const { above, shown, below } = inView(tasks, rows - 1)
  const more = (hidden: readonly TaskRecord[], where: string): readonly string[] =>
    hidden.length === 0 ? [] : [styled('dim', `… ${countOf(hidden)} ${where}`)]
  return [header(runId, tasks, nowMs, columns), ...more(above, 'above'), ...shown.map(line), ...more(below, 'below')]
}

interface View {
  readonly above: readonly TaskRecord[]
  readonly shown: readonly TaskRecord[]
  readonly below: readonly TaskRecord[]
}

/** What is going on, with what has ended just before it. @param room lines, two of which tell how many tasks are not shown */
function inView(tasks: readonly TaskRecord[], room: number): View {
  if (tasks.length <= room) return { above: [], shown: tasks, below: [] }
  const size = Math.max(1, room - 2)
  const current = tasks.findIndex((task) => !isFinal(task.state))
  const last = tasks.length - size
  const begin = current < 0 ? last : Math.min(last, Math.max(0, current - 1))
  return { above: tasks.slice(0, begin), shown: tasks.slice(begin, begin + size), below: tasks.slice(begin + size) }
}

function countOf(tasks: readonly TaskRecord[]): string {
  const failed = tasks.filter((task) => task.state === 'failed').length
  return `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}${failed === 0 ? '' : `, ${failed} failed,`}`
}

export function header(runId: string, tasks: readonly TaskRecord[], nowMs: number, width = Number.POSITIVE_INFINITY): string {
  const done = tasks.filter((task) => isFinal(task.state)).length
  const started = tasks.flatMap((task) =>
    task.startedAt === null || task.carriedFrom !== null ? [] : [Date.parse(task.startedAt)],
  )
  const time = started.length === 0 ? '' : `  ${duration(lastMs(tasks, nowMs) - Math.min(...started))}`
  const progress = `  ${done} of ${tasks.length} tasks${time}`
  return `${styled('bold', cut(runId, Math.max(8, width - progress.length)))}${progress}`
}

/** The end of the last task when all have ended, else now. */
function lastMs(tasks: readonly TaskRecord[], nowMs: number): number {
  if (tasks.some((task) => !isFinal(task.state))) return nowMs
  return Math.max(...tasks.map((task) => (task.endedAt === null ? 0 : Date.parse(task.endedAt))))
}

/** `✔ ingest.artists   1.2 s  15 288 rows`, never longer than the terminal is wide. */
export function liveLine(
  task: TaskRecord,
  progress: Progress | null,
  nowMs: number,
  width = process.stdout.columns ?? 80,
): string {
  const name = task.taskId.padEnd(nameCells).slice(0, Math.max(nameCells, task.taskId.length))
  const time =
    task.startedAt === null || task.carriedFrom !== null
      ? ''
      : duration((task.endedAt === null ? nowMs : Date.parse(task.endedAt)) - Date.parse(task.startedAt))
  const room = Math.max(0, width - headCells - Math.max(0, task.taskId.length - nameCells))
  const detail = cut(detailOf(task, progress, width), room)
  const line = `${name}${time.padStart(timeCells)}`
  return `${stateMark(task.state)} ${task.state === 'waiting' ? styled('dim', line) : line}  ${detail}`.trimEnd()
}

function detailOf(task: TaskRecord, progress: Progress | null, width: number): string {
  const { state, carriedFrom, reason, note, rows, tries } = task
  if (state === 'running') {
    const again = tries > 1 ? `try ${tries}  ` : ''
    return again + (progress === null ? '' : shownProgress(progress, width))
  }
  if (state === 'waiting') return ''
  if (carriedFrom !== null) return `done in attempt ${carriedFrom}`
  const parts = [state === 'success' ? null : state, reason, note, rows === null ? null : `${totalRows(rows)} rows`]
  return oneLine(parts.filter((part) => part !== null).join(': '))
}

function shownProgress({ done, total, unit, recordsPerSecond, etaSeconds, message }: Progress, width: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const amount = unit === 'bytes' ? `${size(done)} of ${size(total)}` : `${done} of ${total}`
  const parts = [
    `${bar(share)} ${percent}`,
    ...(width >= wideCells ? [amount] : []),
    ...(recordsPerSecond === undefined ? [] : [`${grouped(Math.round(recordsPerSecond))}/s`]),
    // What was read to its end may still be written.
    ...(etaSeconds === undefined || share === 1 ? [] : [`${duration(etaSeconds * 1000)} left`]),
    ...(message === undefined ? [] : [oneLine(message)]),
  ]
  return parts.join('  ')
}

/** @param share from 0 to 1 */
export function bar(share: number, cells = barCells): string {
  return '█'.repeat(Math.round(share * cells)).padEnd(cells, '░')
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text
}
