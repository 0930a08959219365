/** What goes wrong on the way to a server. */
import { messageOf, PipelineError, type PipelineErrorOptions } from '../errors.ts'

/** A request that brought no usable answer. When it is retryable, the same request may do better a little later. */
export class TransferFailure extends PipelineError {
  /** The site could not be reached, did not answer, or said that it is busy: only time helps. */
  readonly isOutage: boolean

  constructor(message: string, { isOutage = false, ...options }: TransferFailureOptions = {}) {
    super(message, options)
    this.name = 'TransferFailure'
    this.isOutage = isOutage
  }
}

interface TransferFailureOptions extends PipelineErrorOptions {
  readonly isOutage?: boolean
}

/** Of Node's TLS (OpenSSL's verification results and its own checks): waiting mends no certificate. */
const certificateCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/

/** The request that failed. */
export interface FailedRequest {
  /** Such as `fetching discogs_20260401_labels.xml.gz`. */
  readonly doing: string
  readonly url: string
  /** The proxy that is configured for it, without credentials; null without one. NO_PROXY may except the host all the same. */
  readonly proxy: string | null
  /** Headers had come: the site can be reached, but the body broke off. */
  readonly isAnswered: boolean
}

/** Says in one line what the network did. */
export function networkFailure({ doing, url, proxy, isAnswered }: FailedRequest, cause: unknown): TransferFailure {
  const code = codeOf(cause)
  const message = `${doing}: ${url}: ${said(cause, code)}`
  if (code === 'ERR_PROXY_TUNNEL') return proxyFailure(message, cause, proxy)
  if (certificateCodes.test(code)) {
    return new TransferFailure(message, {
      cause,
      retryable: false,
      hint: 'the certificate is not trusted: is a proxy in between? NODE_EXTRA_CA_CERTS=<file.pem> adds an authority',
    })
  }
  const hint = isUnknownName(code)
    ? 'the name of the server is not known here: is this machine online? HTTPS_PROXY names a proxy'
    : 'run the same command again: what has arrived is kept'
  const through = proxy === null ? '' : ` (the proxy ${proxy} is set)`
  return new TransferFailure(`${message}${through}`, { cause, hint: proxy === null ? hint : proxyHint, isOutage: !isAnswered })
}

const proxyHint = 'check that the proxy works; HTTP_PROXY and HTTPS_PROXY name it, NO_PROXY lists the hosts to reach without it'

/** A proxy that answered, but opened no tunnel. Only one that refuses our credentials does so for good. */
function proxyFailure(message: string, cause: unknown, proxy: string | null): TransferFailure {
  const innermost = innermostOf(cause)
  const isRefused = innermost instanceof Error && 'statusCode' in innermost && innermost.statusCode === 407
  if (!isRefused) return new TransferFailure(message, { cause, hint: proxyHint, isOutage: true })
  return proxyRefusal(message, proxy, cause)
}

/** 407 Proxy Authentication Required. */
export function proxyRefusal(message: string, proxy: string | null, cause?: unknown): TransferFailure {
  return new TransferFailure(`${message}: the proxy ${proxy ?? ''} asks for a user name and a password`, {
    cause,
    retryable: false,
    hint: 'write them into the proxy URL, as in HTTPS_PROXY=http://user:password@proxy:3128',
  })
}

function isUnknownName(code: string): boolean {
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
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

/** What the site does not offer, or not completely. */
export class NotPublishedError extends PipelineError {
  /** It will not come any more: a later month is there, or its own is long over. */
  readonly isPast: boolean

  constructor(message: string, { isPast, ...options }: PipelineErrorOptions & { readonly isPast: boolean }) {
    super(message, options)
    this.name = 'NotPublishedError'
    this.isPast = isPast
  }
}
