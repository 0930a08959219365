/**
 * RESULT_FILE, the way a task process reports: JSON lines `{"progress": …}`, `{"checks": […]}`, and last `{"result": …}`
 * or `{"error": "…"}`. A last line without its line end was cut off by the end of the process and does not count.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import { hasCode } from '../errors.ts'
import type { CheckResult, Progress, TaskResult } from './context.ts'

const checkSchema = z.object({
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
})

const progressSchema = z.object({
  done: z.number(),
  total: z.number(),
  unit: z.enum(['bytes', 'steps']),
  records: z.number().exactOptional(),
  recordsPerSecond: z.number().exactOptional(),
  etaSeconds: z.number().exactOptional(),
  message: z.string().exactOptional(),
})

const resultSchema = z.object({
  rows: z.record(z.string(), z.int().min(0)).exactOptional(),
  bytes: z.int().min(0).exactOptional(),
  checks: z.array(checkSchema).exactOptional(),
  note: z.string().exactOptional(),
})

const lineSchema = z.union([
  z.strictObject({ progress: progressSchema }),
  z.strictObject({ checks: z.array(checkSchema) }),
  z.strictObject({ result: resultSchema }),
  z.strictObject({ error: z.string() }),
])

/** What a task has reported so far. */
export interface Report {
  readonly progress: Progress | null
  readonly checks: readonly CheckResult[]
  readonly result: TaskResult | null
  readonly error: string | null
  /** What was wrong with the first line that could not be understood. */
  readonly problem: string | null
}

/** Reads a result file as it grows. */
export class ResultFile {
  readonly #file: string
  readonly #decoder = new StringDecoder('utf8')
  #offset = 0
  #rest = ''
  #report: Report = { progress: null, checks: [], result: null, error: null, problem: null }

  constructor(file: string) {
    this.#file = file
  }

  /** Everything that stands in the file by now. */
  read(): Report {
    const lines = (this.#rest + this.#readOn()).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#report = add(this.#report, line)
    return this.#report
  }

  #readOn(): string {
    let text = ''
    try {
      const fd = openSync(this.#file, 'r')
      const chunk = Buffer.allocUnsafe(65_536)
      for (
        let length = readSync(fd, chunk, 0, chunk.length, this.#offset);
        length > 0;
        length = readSync(fd, chunk, 0, chunk.length, this.#offset)
      ) {
        text += this.#decoder.write(chunk.subarray(0, length))
        this.#offset += length
      }
      closeSync(fd)
    } catch (error) {
      // A task that died early has written none.
      if (!hasCode(error, 'ENOENT')) throw error
    }
    return text
  }
}

function add(report: Report, text: string): Report {
  const line = parseLine(text)
  if (line === null)
    return { ...report, problem: report.problem ?? `its result file holds a line that is none of ours: ${text.slice(0, 200)}` }
  if ('progress' in line) return { ...report, progress: line.progress }
  if ('checks' in line) return { ...report, checks: [...report.checks, ...line.checks] }
  if ('error' in line) return { ...report, error: line.error }
  return { ...report, result: line.result, checks: [...report.checks, ...(line.result.checks ?? [])] }
}

function parseLine(text: string): z.output<typeof lineSchema> | null {
  try {
    return lineSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
