/** What goes wrong on the way to a server. */
import { messageOf, PipelineError, type PipelineErrorOptions } from '../errors.ts'

/** A request that brought no usable answer. When it is retryable, the same request may do better a little later. */
export class TransferFailure extends PipelineError {
  /** How long the server asked us to wait, null when it did not. */
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    { retryAfterMs = null, ...options }: PipelineErrorOptions & { readonly retryAfterMs?: number | null } = {},
  ) {
    super(message, options)
    this.name = 'TransferFailure'
    this.retryAfterMs = retryAfterMs
  }
}

/** Of Node's TLS (OpenSSL's verification results and its own checks): waiting mends no certificate. */
const certificateCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/

/** Says in one line what the network did. @param doing such as `fetching discogs_20260401_labels.xml.gz` */
export function networkFailure(doing: string, url: string, cause: unknown): TransferFailure {
  const code = codeOf(cause)
  const message = `${doing}: ${url}: ${said(cause, code)}`
  if (certificateCodes.test(code)) {
    return new TransferFailure(message, {
      cause,
      retryable: false,
      hint: 'the certificate is not trusted: is a proxy in between? NODE_EXTRA_CA_CERTS=<file.pem> adds an authority',
    })
  }
  const hint =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'the name of the server is not known here: is this machine online? HTTPS_PROXY names a proxy'
      : 'run the same command again: what has arrived is kept'
  return new TransferFailure(message, { cause, hint })
}

function said(cause: unknown, code: string): string {
  const innermost = innermostOf(cause)
  const message = messageOf(innermost)
  return code === '' || message.includes(code) ? message : `${message} (${code})`
}

function codeOf(error: unknown): string {
  const innermost = innermostOf(error)
  return innermost instanceof Error && 'code' in innermost && typeof innermost.code === 'string' ? innermost.code : ''
}

/** An AggregateError is of several addresses of one name: the first says what happened. */
function innermostOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermostOf(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? innermostOf(error.cause) : error
}
