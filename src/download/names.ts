/** The names of Discogs' files. What a page says is never used as a path: only names that match here, put together again from their parts. */
import { exitCodes, PipelineError } from '../errors.ts'

export const dumpNames = ['artists', 'labels', 'masters', 'releases'] as const
export type DumpName = (typeof dumpNames)[number]

/** One file of a month. */
export interface FileName {
  /** `YYYYMMDD` */
  readonly date: string
  /** Null: the checksum file. */
  readonly dump: DumpName | null
}

/** @returns null for any other name, such as one with a directory in it */
export function parseFileName(name: string): FileName | null {
  const match = /^discogs_(20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))_(?:CHECKSUM\.txt|([a-z]+)\.xml\.gz)$/.exec(name)
  const date = match?.[1]
  if (date === undefined) return null
  const dump = match?.[2] === undefined ? null : dumpNames.find((one) => one === match[2])
  return dump === undefined ? null : { date, dump }
}

export function fileName({ date, dump }: FileName): string {
  return `discogs_${date}_${dump === null ? 'CHECKSUM.txt' : `${dump}.xml.gz`}`
}

/** `YYYY-MM` of a date `YYYYMMDD`. */
export function monthOf(date: string): string {
  return `${date.slice(0, 4)}-${date.slice(4, 6)}`
}

/** @throws PipelineError (exit 2) when it is not `YYYY-MM` from 2008, the first year with dumps, on */
export function assertMonth(month: string): void {
  if (/^20(0[89]|[1-9]\d)-(0[1-9]|1[0-2])$/.test(month)) return
  throw new PipelineError(`dump month ${JSON.stringify(month)}: YYYY-MM from 2008-01 on is expected`, {
    exitCode: exitCodes.usage,
    retryable: false,
  })
}
