/**
 * RESULT_FILE, the way a task process reports: JSON lines `{"progress": …}`, `{"checks": […]}`, and last `{"result": …}`,
 * `{"error": "…"}` or `{"deferred": {"until": "…", "reason": "…"}}`. A last line without its line end was cut off by the end of the process and does not count.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { z } from 'zod'
import { hasCode } from '../errors.ts'
import type { CheckResult, Progress, TaskResult } from './context.ts'

function lineSchema() {
  const checks = z.array(
    z.object({
      checkName: z.string(),
      severity: z.enum(['CRITICAL', 'WARN', 'INFO']),
      dataset: z.string().nullable(),
      value: z.string().nullable(),
      expected: z.string().nullable(),
      previous: z.string().nullable(),
      ok: z.boolean(),
      details: z.string(),
      durationMs: z.number().min(0),
      sample: z.array(z.record(z.string(), z.unknown())),
    }),
  )
  const progress = z.object({
    done: z.number(),
    total: z.number(),
    unit: z.enum(['bytes', 'steps']),
    records: z.number().exactOptional(),
    recordsPerSecond: z.number().exactOptional(),
    etaSeconds: z.number().exactOptional(),
    message: z.string().exactOptional(),
  })
  const input = z.object({
    path: z.string(),
    bytes: z.int().min(0),
    mtimeMs: z.number(),
    ctimeMs: z.number(),
    inode: z.number(),
    sha256: z.string().nullable(),
    checksums: z.string().nullable(),
  })
  const result = z.object({
    rows: z.record(z.string(), z.int().min(0)).exactOptional(),
    bytes: z.int().min(0).exactOptional(),
    checks: checks.exactOptional(),
    note: z.string().exactOptional(),
    inputs: z.array(input).exactOptional(),
    skipped: z.string().exactOptional(),
  })
  return z.union([
    z.strictObject({ progress }),
    z.strictObject({ checks }),
    z.strictObject({ result }),
    z.strictObject({ error: z.string(), retryAt: z.iso.datetime().exactOptional() }),
    z.strictObject({ deferred: z.strictObject({ until: z.iso.datetime({ offset: true }), reason: z.string() }) }),
  ])
}

/** Made when the first line comes: the first task starts 8 ms sooner. */
let knownLineSchema: ReturnType<typeof lineSchema> | null = null

/** What a task that is not ready yet has asked for. */
export interface Deferred {
  readonly until: Date
  readonly reason: string
}

/** What a task has reported so far. */
export interface Report {
  readonly progress: Progress | null
  readonly checks: readonly CheckResult[]
  readonly result: TaskResult | null
  readonly error: string | null
  /** The next try should not begin earlier, since somebody asked for it; null when nobody did. */
  readonly retryAt: Date | null
  readonly deferred: Deferred | null
  /** What was wrong with the first line that could not be understood. */
  readonly problem: string | null
  /** True while the file ends in the middle of a line. */
  readonly isCut: boolean
}

/** A line, with all the checks of a task, is at most so long. */
const maxLineBytes = 8 * 1024 * 1024
/** Progress twice a second for two days. */
const maxFileBytes = 64 * 1024 * 1024
const chunk = Buffer.allocUnsafe(65_536)

/** Reads a result file as it grows, a piece at a time: whatever a task writes, little of it is in memory. */
export class ResultFile {
  readonly #file: string
  #offset = 0
  /** Pieces of a line that has not ended yet. */
  #rest: Buffer[] = []
  #report: Report = {
    progress: null,
    checks: [],
    result: null,
    error: null,
    retryAt: null,
    deferred: null,
    problem: null,
    isCut: false,
  }

  constructor(file: string) {
    this.#file = file
  }

  /** Everything that stands in the file by now. */
  read(): Report {
    if (this.#report.problem !== null) return this.#report
    const fd = this.#open()
    if (fd === null) return this.#report
    try {
      for (let length = this.#readPiece(fd); length > 0; length = this.#readPiece(fd)) this.#take(chunk.subarray(0, length))
    } finally {
      closeSync(fd)
    }
    const isCut = this.#rest.length > 0
    if (isCut !== this.#report.isCut) this.#report = { ...this.#report, isCut }
    return this.#report
  }

  #open(): number | null {
    try {
      return openSync(this.#file, 'r')
    } catch (error) {
      // A task that died early has written none.
      if (hasCode(error, 'ENOENT')) return null
      throw error
    }
  }

  /** @returns 0 at the end, and after a problem */
  #readPiece(fd: number): number {
    if (this.#report.problem !== null) return 0
    const length = readSync(fd, chunk, 0, chunk.length, this.#offset)
    this.#offset += length
    if (this.#offset > maxFileBytes) this.#refuse(`its result file is larger than ${maxFileBytes / 1024 / 1024} MiB`)
    return length
  }

  #take(piece: Buffer): void {
    let begin = 0
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, begin)) {
      const line = Buffer.concat([...this.#rest, piece.subarray(begin, end)])
      this.#report = add(this.#report, line.toString('utf8'))
      this.#rest = []
      begin = end + 1
    }
    if (begin < piece.length) this.#rest.push(Buffer.from(piece.subarray(begin)))
    const restBytes = this.#rest.reduce((sum, { length }) => sum + length, 0)
    if (restBytes > maxLineBytes) this.#refuse(`its result file has a line longer than ${maxLineBytes / 1024 / 1024} MiB`)
  }

  #refuse(problem: string): void {
    this.#report = { ...this.#report, problem }
    this.#rest = []
  }
}

function add(report: Report, text: string): Report {
  const line = parseLine(text)
  if (line === null)
    return { ...report, problem: report.problem ?? `its result file holds a line that is none of ours: ${text.slice(0, 200)}` }
  if ('progress' in line) return { ...report, progress: line.progress }
  if ('checks' in line) return { ...report, checks: [...report.checks, ...line.checks] }
  if ('error' in line)
    return { ...report, error: line.error, retryAt: line.retryAt === undefined ? null : new Date(line.retryAt) }
  if ('deferred' in line) return { ...report, deferred: { ...line.deferred, until: new Date(line.deferred.until) } }
  return { ...report, result: line.result, checks: [...report.checks, ...(line.result.checks ?? [])] }
}

function parseLine(text: string): z.output<ReturnType<typeof lineSchema>> | null {
  knownLineSchema ??= lineSchema()
  try {
    return knownLineSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
