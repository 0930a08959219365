/** Timeouts of downloads and how failing requests are repeated. */
import { defaultRetries, type RetrySettings } from '../settings/download.ts'

/** Timeouts of a request, and how it is repeated. Tests shorten them. */
export interface Patience extends RetrySettings {
  readonly connectMs: number
  /** From the request to the last header. */
  readonly answerMs: number
  /** Without a single byte. */
  readonly idleMs: number
  /** A transfer that brings less than this for `paceMs`, waiting for the disk not counted, is cut and tried again. */
  readonly minBytesPerSecond: number
  readonly paceMs: number
  /** A transfer that extends the file by this much counts as progress. */
  readonly progressBytes: number
}

export const defaultPatience: Patience = {
  connectMs: 15_000,
  answerMs: 60_000,
  idleMs: 30_000,
  minBytesPerSecond: 5_000,
  paceMs: 30_000,
  progressBytes: 1 << 20,
  ...defaultRetries,
}

/** At most so many files at a time, in all processes that share a raw directory. */
export const maxTransfers = 2
