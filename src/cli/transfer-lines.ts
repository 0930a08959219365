/** Shows how far the files of a download are: bars that redraw themselves on a terminal, a line every ten seconds elsewhere. */
import type { createLogUpdate } from 'log-update'
import type { FileProgress } from '../download/download-month.ts'
import { bar } from './live-lines.ts'
import { duration, oneLine, print, size, styled } from './output.ts'

const redrawEveryMs = 200
const lineEveryMs = 10_000
/** Over so long the rate is measured. */
const rateMs = 5_000
const nameCells = 'discogs_YYYYMMDD_releases.xml.gz'.length
/** What a whole line takes. Where there is less room a file has the name of its dump alone, and a shorter bar: 80 cells are enough then. */
const wideCells = 106
const narrow = { nameCells: 'releases'.length, barCells: 8 }

export interface TransferDisplay {
  readonly onProgress: (progress: FileProgress) => void
  /** A line for the reader, such as why a transfer is tried again. */
  readonly say: (line: string) => void
  /** Draws the last state and lets go of the terminal. */
  readonly end: () => void
}

/** @param quiet shows no progress, for `--json`; what is said goes to stderr */
export async function transferDisplay(quiet: boolean): Promise<TransferDisplay> {
  if (quiet) return { onProgress: () => {}, say: (line) => void process.stderr.write(`${oneLine(line)}\n`), end: () => {} }
  if (!process.stdout.isTTY) return new LineTransfers()
  // Elsewhere it would take 10 MB for nothing.
  const { createLogUpdate } = await import('log-update')
  return new TerminalTransfers(createLogUpdate(process.stdout))
}

/** One file with its rate. */
export class Transfer {
  progress: FileProgress
  /** Instants and bytes of the last seconds, oldest first. */
  #points: { readonly ms: number; readonly bytes: number }[] = []

  constructor(progress: FileProgress, nowMs: number) {
    this.progress = progress
    this.tell(progress, nowMs)
  }

  tell(progress: FileProgress, nowMs: number): void {
    if (progress.phase !== this.progress.phase || progress.done < this.progress.done) this.#points = []
    this.progress = progress
    this.#points.push({ ms: nowMs, bytes: progress.done })
    // Thin enough that a fast transfer does not fill the memory with points.
    if (this.#points.length > 2 && nowMs - (this.#points.at(-3)?.ms ?? 0) < rateMs / 50) this.#points.splice(-2, 1)
    while (this.#points.length > 2 && nowMs - (this.#points[1]?.ms ?? 0) > rateMs) this.#points.shift()
  }

  get isComplete(): boolean {
    return this.progress.done === this.progress.total
  }

  /** 0 while nobody can say. */
  bytesPerSecond(nowMs: number): number {
    const [first] = this.#points
    if (first === undefined || this.progress.phase === 'wait') return 0
    const passedMs = Math.max(nowMs, this.#points.at(-1)?.ms ?? nowMs) - first.ms
    return passedMs <= 0 ? 0 : ((this.progress.done - first.bytes) * 1000) / passedMs
  }
}

/**
 * `discogs_20260401_labels.xml.gz  ████░░░░  25 %  20.9 MB of 83.9 MB  4.1 MB/s  15.2 s left`, on a narrow terminal
 * `labels  ██░░ …`; cut where even that does not fit.
 */
export function transferLine(transfer: Transfer, nowMs: number, width = process.stdout.columns ?? 120): string {
  const { name, phase, done, total } = transfer.progress
  const share = total === null || total === 0 ? 0 : Math.min(1, done / total)
  const rate = transfer.bytesPerSecond(nowMs)
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const isMoving = rate > 0 && !transfer.isComplete
  const parts = [
    ...(width < wideCells
      ? [dumpOf(name).padEnd(narrow.nameCells), `${bar(share, narrow.barCells)} ${percent}`]
      : [name.padEnd(nameCells), `${bar(share)} ${percent}`]),
    `${size(done)}${total === null ? '' : ` of ${size(total)}`}`,
    ...(phase === 'wait' ? ['waiting'] : phase === 'hash' ? ['reading'] : []),
    ...(isMoving ? [`${size(rate)}/s`] : []),
    ...(isMoving && total !== null ? [`${duration(Math.max(0, ((total - done) * 1000) / rate))} left`] : []),
  ]
  const line = parts.join('  ')
  return line.length > width ? `${line.slice(0, width - 1)}…` : line
}

function dumpOf(name: string): string {
  return name.replace(/^discogs_\d{8}_(\w+)\.xml\.gz$/, '$1')
}

/** For logs and pipes. */
class LineTransfers implements TransferDisplay {
  readonly #transfers = new Map<string, Transfer>()
  readonly #timer = setInterval(() => this.#print(), lineEveryMs)

  readonly onProgress = (progress: FileProgress): void => note(this.#transfers, progress)

  readonly say = (line: string): void => print(oneLine(line))

  readonly end = (): void => clearInterval(this.#timer)

  #print(): void {
    const nowMs = performance.now()
    for (const transfer of this.#transfers.values())
      if (!transfer.isComplete) print(transferLine(transfer, nowMs, Number.POSITIVE_INFINITY))
  }
}

class TerminalTransfers implements TransferDisplay {
  readonly #update: ReturnType<typeof createLogUpdate>
  readonly #transfers = new Map<string, Transfer>()
  readonly #timer = setInterval(() => this.#draw(), redrawEveryMs)
  #hasEnded = false

  constructor(update: ReturnType<typeof createLogUpdate>) {
    this.#update = update
  }

  readonly onProgress = (progress: FileProgress): void => note(this.#transfers, progress)

  readonly say = (line: string): void => {
    this.#update.persist(styled('yellow', oneLine(line)))
    this.#draw()
  }

  readonly end = (): void => {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearInterval(this.#timer)
    this.#draw()
    this.#update.done()
  }

  #draw(): void {
    if (this.#transfers.size === 0) return
    const nowMs = performance.now()
    this.#update([...this.#transfers.values()].map((transfer) => transferLine(transfer, nowMs)).join('\n'))
  }
}

function note(transfers: Map<string, Transfer>, progress: FileProgress): void {
  const known = transfers.get(progress.name)
  if (known === undefined) transfers.set(progress.name, new Transfer(progress, performance.now()))
  else known.tell(progress, performance.now())
}
