/** One answer of the site: whether it is of use, and its text. */
import { buffer as bufferOf } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { hasCode, PipelineError } from '../errors.ts'
import { excerpt } from '../lake/checksums.ts'
import { proxyRefusal, TransferFailure } from './failure.ts'
import { retryAfterCapMs, retryAfterMs } from './retry.ts'

export type Headers = Readonly<Record<string, string>>

/** The answer to one GET. Whoever got it reads the body or ends it with {@link Symbol.dispose}. */
export interface Answer extends Disposable {
  readonly status: number
  /** By lower-case name; repeated ones joined with `, `. */
  readonly headers: Headers
  readonly url: string
  /** @throws TransferFailure when the transfer breaks off, stops or trickles; the reason of an abort */
  readonly chunks: () => AsyncGenerator<Buffer>
}

/** @throws TransferFailure for answers that no caller can use */
export function usable(answer: Answer, doing: string, proxy: string | null): Answer {
  const failure =
    answer.status === 407 ? proxyRefusal(`${doing}: ${answer.url} answered 407`, proxy) : statusFailure(answer, doing)
  if (failure === null) return answer
  answer[Symbol.dispose]()
  throw failure
}

function statusFailure({ status, url, headers }: Answer, doing: string): TransferFailure | null {
  const message = `${doing}: ${url} answered ${status}`
  if (status === 401 || status === 403) {
    return new TransferFailure(`${message}: the site refuses the request; that does not mean that the file is absent`, {
      retryable: false,
      hint: 'open the URL in a browser; set DISCOGS_CONTACT so that the site can see who asks, and try later',
    })
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const asked = retryAfterMs(headers['retry-after'], Date.now())
    const wait = asked === null ? null : Math.min(asked, retryAfterCapMs)
    const until = wait === null ? '' : `, and asks to wait ${Math.ceil(wait / 1000)} s`
    return new TransferFailure(`${message}: the site is busy${until}`, {
      retryAfterMs: wait,
      isOutage: true,
      hint: 'try again later: what has arrived is kept',
    })
  }
  if (status >= 400 && status !== 404 && status !== 416) return new TransferFailure(message, { retryable: false })
  return null
}

/** What a text may be, and what is being done, for messages. */
export interface TextLimits {
  readonly doing: string
  /** More than this is refused. */
  readonly maxBytes: number
}

/** The body as UTF-8 text. @throws PipelineError when it is too long; whatever {@link Answer.chunks} throws */
export async function textOf(answer: Answer, { doing, maxBytes }: TextLimits): Promise<string> {
  const limited = async function* (): AsyncGenerator<Buffer> {
    let bytes = 0
    for await (const chunk of answer.chunks()) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new PipelineError(
          `${doing}: ${answer.url} sends more than ${maxBytes} bytes of text, beginning with ${excerpt(chunk.toString('latin1'))}: refused`,
          { retryable: false },
        )
      yield chunk
    }
  }
  return decoded(await bufferOf(limited()), { maxBytes, doing, url: answer.url })
}

/** A proxy may compress what it was asked not to; the gzip magic number tells, whatever the headers say (RFC 1952, 2.3.1). */
function decoded(bytes: Buffer, { maxBytes, doing, url }: TextLimits & { readonly url: string }): string {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString()
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes }).toString()
  } catch (cause) {
    const found = hasCode(cause, 'ERR_BUFFER_TOO_LARGE') ? `more than ${maxBytes} bytes of text` : 'gzip that cannot be unpacked'
    throw new PipelineError(`${doing}: ${url} sends ${found}: refused`, { retryable: false, cause })
  }
}
