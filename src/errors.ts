/** What a {@link PipelineError} may carry besides its message. */
export interface PipelineErrorOptions {
  /** The operator's next move, shown on a line of its own. */
  readonly hint?: string
  /** False when another try cannot help: the task process then exits with {@link exitCodes.neverRetry}. */
  readonly retryable?: boolean
  /** Somebody asked not to be asked again sooner. Null or absent: nobody did. */
  readonly retryAfterMs?: number | null
  /** Exit code of the command line when this error ends it. Default 1. */
  readonly exitCode?: number
  readonly cause?: unknown
}

/** Exit codes of the command line and of task processes. */
export const exitCodes = {
  success: 0,
  failed: 1,
  usage: 2,
  conflict: 3,
  notFound: 4,
  locked: 5,
  /** Not yet: a task asks to be started again later, at the time in its result file (EX_TEMPFAIL of sysexits.h). */
  notYet: 75,
  /** Of a task process: the scheduler must not try again (EX_CONFIG of sysexits.h). */
  neverRetry: 78,
  interrupted: 130,
  terminated: 143,
} as const

/**
 * The one error class of the project. The message says what was being done, to which thing, and what was found instead.
 */
export class PipelineError extends Error {
  readonly hint: string | undefined
  readonly retryable: boolean
  readonly retryAfterMs: number | null
  readonly exitCode: number

  constructor(message: string, options: PipelineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PipelineError'
    this.hint = options.hint
    this.retryable = options.retryable ?? true
    this.retryAfterMs = options.retryAfterMs ?? null
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

/** Ends a task without success or failure: what it needs is not there yet. It is started again at `until`. */
export class NotYetError extends PipelineError {
  readonly until: Date

  /** @param reason what is missing; people read it as long as the task waits */
  constructor(reason: string, until: Date) {
    super(reason, { exitCode: exitCodes.notYet })
    this.name = 'NotYetError'
    this.until = until
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  const first = firstError(error)
  return first instanceof Error ? first.message : String(first)
}

/**
 * The error that came first: where closing something failed as well (`using`), the engine throws both as one whose own message says nothing.
 */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error
}

/** True for a system error with this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
