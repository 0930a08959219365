/** Shows a run while it goes on: a table that redraws itself on a terminal, a line a transition elsewhere. */
import { createLogUpdate } from 'log-update'
import type { Progress } from '../scheduler/context.ts'
import type { RunEvent } from '../scheduler/loop.ts'
import { duration, print, shownState, size, styled } from './output.ts'

const redrawEveryMs = 100
const barCells = 16

export interface LiveDisplay {
  readonly onEvent: (event: RunEvent) => void
  /** Draws the last state and lets go of the terminal. */
  readonly end: () => void
}

/** @param quiet shows nothing, for `--json` */
export function liveDisplay(quiet: boolean): LiveDisplay {
  if (quiet) return { onEvent: () => {}, end: () => {} }
  return process.stdout.isTTY ? terminalDisplay() : lineDisplay()
}

/** A task as the table shows it. */
interface Line {
  state: string
  startedMs: number | null
  endedMs: number | null
  detail: string
  progress: Progress | null
}

function lineDisplay(): LiveDisplay {
  return {
    onEvent: (event) => {
      if (event.kind !== 'transition') return
      const { subject, taskId, runId, toState, detail, at } = event.event
      if (subject === 'task' && toState !== 'waiting' && toState !== 'queued')
        print(`${at} ${taskId} ${toState}${detail === null ? '' : `: ${detail}`}`)
      if (subject === 'run') print(`${at} run ${runId} ${toState}${detail === null ? '' : `: ${detail}`}`)
    },
    end: () => {},
  }
}

function terminalDisplay(): LiveDisplay {
  const lines = new Map<string, Line>()
  const update = createLogUpdate(process.stdout, { showCursor: true })
  let run = ''
  const draw = (): void => update([styled('bold', run), ...[...lines].map(([id, line]) => shownLine(id, line))].join('\n'))
  const timer = setInterval(draw, redrawEveryMs)
  return {
    onEvent: (event) => {
      if (event.kind === 'progress') {
        const line = lines.get(event.taskId)
        if (line !== undefined) line.progress = event.progress
        return
      }
      const { subject, taskId, runId, toState, detail, at } = event.event
      if (subject === 'run') run = `run ${runId}`
      if (subject === 'task' && taskId !== null) lines.set(taskId, nextLine(lines.get(taskId), toState, detail, Date.parse(at)))
    },
    end: () => {
      clearInterval(timer)
      draw()
      update.done()
    },
  }
}

function nextLine(before: Line | undefined, state: string, detail: string | null, atMs: number): Line {
  const running = state === 'running'
  const ended = ['success', 'failed', 'cancelled'].includes(state)
  return {
    state,
    startedMs: running ? atMs : (before?.startedMs ?? null),
    endedMs: ended ? atMs : null,
    detail: detail ?? '',
    progress: running ? null : (before?.progress ?? null),
  }
}

function shownLine(id: string, { state, startedMs, endedMs, detail, progress }: Line): string {
  const time = startedMs === null ? '' : duration((endedMs ?? Date.now()) - startedMs)
  const width = Math.max(40, process.stdout.columns ?? 80)
  const more = state === 'running' && progress !== null ? shownProgress(progress) : (detail.split('\n', 1)[0] ?? '')
  const room = Math.max(0, width - 47)
  return `${id.padEnd(18)} ${padded(shownState(state), state.length + 2, 17)} ${time.padStart(9)} ${more.slice(0, room)}`
}

function padded(text: string, visible: number, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visible))
}

function shownProgress({ done, total, unit, records, recordsPerSecond, etaSeconds, message }: Progress): string {
  const share = total > 0 ? Math.min(1, done / total) : 0
  const bar = '█'.repeat(Math.round(share * barCells)).padEnd(barCells, '░')
  const amount = unit === 'bytes' ? `${size(done)} of ${size(total)}` : `${done} of ${total}`
  const rate = recordsPerSecond === undefined ? '' : ` ${recordsPerSecond}/s`
  const eta = etaSeconds === undefined || records === undefined ? '' : ` ${duration(etaSeconds * 1000)} left`
  return `${bar} ${Math.floor(share * 100)} % ${amount}${rate}${eta}${message === undefined ? '' : ` ${message}`}`
}
