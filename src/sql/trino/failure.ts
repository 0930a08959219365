/** What a failed statement is, and what it becomes. */
import { messageOf, PipelineError } from '../../errors.ts'
import type { Position } from './rewrite.ts'

/** What the server said; the cause of the PipelineError that is thrown. */
export class TrinoFailure extends Error {
  readonly errorName: string
  /** USER_ERROR, INTERNAL_ERROR, INSUFFICIENT_RESOURCES or EXTERNAL. */
  readonly errorType: string
  readonly queryId: string
  /** In the statement as it was given. */
  readonly position: Position | null

  constructor(fields: Pick<TrinoFailure, 'message' | 'errorName' | 'errorType' | 'queryId' | 'position'>) {
    super(fields.message)
    this.name = 'TrinoFailure'
    this.errorName = fields.errorName
    this.errorType = fields.errorType
    this.queryId = fields.queryId
    this.position = fields.position
  }
}

/** What the server said, for code that decides by its name; null when the error has another source. */
export function trinoFailure(error: unknown): TrinoFailure | null {
  return error instanceof PipelineError && error.cause instanceof TrinoFailure ? error.cause : null
}

/** @param name of the statement */
export function failedQuery(name: string, failure: TrinoFailure): PipelineError {
  const { errorName, errorType, message, queryId, position } = failure
  const place = position === null ? '' : `, line ${position.line}:${position.column}`
  return new PipelineError(`trino: ${name}: ${errorName}: ${message} (query ${queryId}${place})`, {
    cause: failure,
    retryable: errorType !== 'USER_ERROR',
  })
}

/** The HTTP status of an answer that was none, undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const { response } = (error ?? {}) as { readonly response?: { readonly status?: number } }
  return response?.status
}

/** An error of the connection. What axios knows of the request, credentials among it, is left behind. */
export function failedRequest(name: string, url: string, error: unknown): PipelineError {
  const status = statusOf(error)
  const cause = new Error(messageOf(error))
  if (status === undefined) {
    return new PipelineError(`trino: ${name}: the server at ${url} cannot be asked: ${reasonOf(error)}`, {
      cause,
      hint: /certificate/.test(messageOf(error))
        ? 'TRINO_CA_FILE names the PEM file of the authority that signed the certificate of the server'
        : '`dag infra status` shows whether the local server runs, `dag infra start` starts it; TRINO_URL names another one',
    })
  }
  const refused = status === 401 || status === 403
  return new PipelineError(`trino: ${name}: the server at ${url} answers HTTP ${status}: ${bodyOf(error)}`, {
    cause,
    retryable: status >= 500 || status === 429,
    ...(refused ? { hint: 'check TRINO_USER, and TRINO_PASSWORD or TRINO_JWT' } : {}),
  })
}

function reasonOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: string }
  const message = messageOf(error)
  return code === undefined || message.includes(code) ? message : `${code} ${message}`.trim()
}

function bodyOf(error: unknown): string {
  const { data } = (error as { readonly response?: { readonly data?: unknown } }).response ?? {}
  const text = typeof data === 'string' ? data.replaceAll(/<[^>]*>|\s+/g, ' ').trim() : ''
  return text.slice(0, 200) || 'no explanation'
}
