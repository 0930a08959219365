/** What a {@link PipelineError} may carry besides its message. */
export interface PipelineErrorOptions {
  /** The operator's next move, shown on a line of its own. */
  readonly hint?: string
  /** False when another try cannot help: the task process then exits with {@link exitCodes.neverRetry}. */
  readonly retryable?: boolean
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
  readonly exitCode: number

  constructor(message: string, options: PipelineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PipelineError'
    this.hint = options.hint
    this.retryable = options.retryable ?? true
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** True for a system error with this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
