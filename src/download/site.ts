/** Requests to the site: HTTP/1.1, kept alive, politely signed, never to anybody else. */
import { text as textOf } from 'node:stream/consumers'
import { exitCodes, PipelineError } from '../errors.ts'
import { excerpt } from './checksums.ts'
import { networkFailure, TransferFailure } from './failure.ts'
import { HttpClient } from './http-client.ts'
import { monthOf, parseFileName } from './names.ts'
import { Watch } from './pace.ts'
import { retryAfterMs, withRetries } from './retry.ts'
import { type DownloadSettings, defaultPatience, maxTransfers, type Patience } from './settings.ts'

const maxRedirects = 5
const projectName = 'discogs-lakehouse'

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

/** A small text as the site gave it. */
export interface SiteText {
  readonly text: string
  readonly etag: string | null
  readonly lastModified: string | null
}

export interface AskOptions {
  /** What is being done, for messages: `listing 2026`. */
  readonly doing: string
  readonly signal: AbortSignal
  readonly headers?: Headers
}

export interface TextOptions extends AskOptions {
  /** More than this is refused. */
  readonly maxBytes: number
  /** Told before a pause. */
  readonly say: (line: string) => void
}

export class Site implements Disposable {
  readonly baseUrl: string
  readonly patience: Patience
  /** Of one transfer, null without a limit. */
  readonly bytesPerSecond: number | null
  /** Requests sent so far. */
  requests = 0
  readonly #client: HttpClient
  readonly #userAgent: string

  constructor({ baseUrl, contact, maxBytesPerSecond, proxy }: DownloadSettings, patience: Patience = defaultPatience) {
    this.baseUrl = baseUrl
    this.bytesPerSecond = maxBytesPerSecond === null ? null : maxBytesPerSecond / maxTransfers
    // A limit of ours is no slowness of theirs.
    const floor = this.bytesPerSecond === null ? Number.POSITIVE_INFINITY : this.bytesPerSecond / 2
    this.patience = { ...patience, minBytesPerSecond: Math.min(patience.minBytesPerSecond, floor) }
    this.#userAgent = `${projectName}/1${contact === null ? '' : ` (${contact})`}`
    this.#client = new HttpClient({ proxy, connectMs: patience.connectMs })
  }

  /** The page with the years. */
  get rootUrl(): string {
    return `${this.baseUrl}?prefix=data%2F`
  }

  yearUrl(year: string): string {
    return `${this.baseUrl}?prefix=data%2F${year}%2F`
  }

  /** @param name one that {@link parseFileName} knows */
  fileUrl(name: string): string {
    const parsed = parseFileName(name)
    if (parsed === null) throw new PipelineError(`${JSON.stringify(name)} is no file of a month`, { retryable: false })
    return `${this.baseUrl}?download=data%2F${monthOf(parsed.date).slice(0, 4)}%2F${name}`
  }

  /**
   * Sends one GET and follows redirects within the site.
   * @throws TransferFailure: network, refusal, overload, another host. 404 and what the caller asked for (206, 304, 416) are answers
   */
  async get(url: string, { doing, signal, headers = {} }: AskOptions): Promise<Answer> {
    let at = url
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const answer = await this.#send(at, { doing, signal, headers })
      if (![301, 302, 303, 307, 308].includes(answer.status)) return usable(answer, doing)
      answer[Symbol.dispose]()
      at = this.#redirected(answer, doing)
    }
    throw new TransferFailure(`${doing}: ${url} redirects more than ${maxRedirects} times`, { retryable: false })
  }

  /**
   * A small text, asked for again while the network fails.
   * @returns null when it has not changed (304; only with conditional headers)
   * @throws PipelineError (exit 4) when there is none
   */
  async text(url: string, options: TextOptions): Promise<SiteText | null> {
    const { patience } = this
    const { doing, signal, say } = options
    return withRetries(
      async () => {
        using answer = await this.get(url, options)
        if (answer.status === 304) return null
        if (answer.status === 404)
          throw new PipelineError(`${doing}: ${url} is not there (404)`, { retryable: false, exitCode: exitCodes.notFound })
        if (answer.status !== 200) throw new TransferFailure(`${doing}: ${url} answered ${answer.status}, 200 is expected`)
        const text = await limitedText(answer, options)
        return { text, etag: answer.headers['etag'] ?? null, lastModified: answer.headers['last-modified'] ?? null }
      },
      { patience, signal, say },
    )
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }

  async #send(url: string, { doing, signal, headers }: Required<AskOptions>): Promise<Answer> {
    signal.throwIfAborted()
    const watch = new Watch(`${doing}: ${url}`, this.patience)
    const both = AbortSignal.any([signal, watch.signal])
    const failure = (error: unknown): unknown => {
      signal.throwIfAborted()
      return watch.signal.aborted ? watch.signal.reason : networkFailure(doing, url, error)
    }
    try {
      this.requests += 1
      const body = await this.#client.get(url, {
        signal: both,
        headers: { 'user-agent': this.#userAgent, 'accept-encoding': 'identity', ...headers },
      })
      watch.answered()
      // A body that nobody reads any more may still fail.
      body.on('error', () => {})
      const end = (): void => {
        watch[Symbol.dispose]()
        body.destroy()
      }
      return {
        status: body.statusCode ?? 0,
        headers: flat(body.headers),
        url,
        chunks: () => watched(body, { watch, failure }),
        [Symbol.dispose]: end,
      }
    } catch (error) {
      watch[Symbol.dispose]()
      throw failure(error)
    }
  }

  #redirected({ headers, url }: Answer, doing: string): string {
    const location = headers['location'] ?? ''
    const target = URL.canParse(location, url) ? new URL(location, url) : null
    const from = new URL(url)
    const isSameSite =
      target !== null && target.hostname === from.hostname && (target.origin === from.origin || isUpgrade(from, target))
    if (target !== null && isSameSite) return target.href
    throw new TransferFailure(
      `${doing}: ${url} redirects to ${JSON.stringify(location)}, which is not on the same site: refused`,
      {
        retryable: false,
        hint: 'if the dumps have moved, set DISCOGS_SOURCE_URL',
      },
    )
  }
}

/** From http to https, each on its standard port. */
function isUpgrade(from: URL, to: URL): boolean {
  return from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === ''
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, [value].flat().join(', ')] as const],
  )
  return Object.fromEntries(entries)
}

async function* watched(
  body: AsyncIterable<Buffer>,
  { watch, failure }: { readonly watch: Watch; readonly failure: (error: unknown) => unknown },
): AsyncGenerator<Buffer> {
  const iterator = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      watch.waiting()
      const { done, value } = await iterator.next().catch((error: unknown) => {
        throw failure(error)
      })
      if (done === true) return
      watch.received(value.length)
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}

/** @throws TransferFailure for answers that no caller can use */
function usable(answer: Answer, doing: string): Answer {
  const failure = statusFailure(answer, doing) ?? encodingFailure(answer, doing)
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
    const wait = retryAfterMs(headers['retry-after'], Date.now())
    const asked = wait === null ? '' : `, and asks to wait ${Math.ceil(wait / 1000)} s`
    return new TransferFailure(`${message}: the site is busy${asked}`, {
      retryAfterMs: wait,
      hint: 'try again later: what has arrived is kept',
    })
  }
  if (status >= 400 && status !== 404 && status !== 416) return new TransferFailure(message, { retryable: false })
  return null
}

function encodingFailure({ headers, url }: Answer, doing: string): TransferFailure | null {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return null
  return new TransferFailure(`${doing}: ${url} came with content-encoding ${encoding} though identity was asked for: refused`, {
    hint: 'a proxy in between changes what the site sends; NO_PROXY goes around it',
  })
}

async function limitedText(answer: Answer, { doing, maxBytes }: TextOptions): Promise<string> {
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
  return textOf(limited())
}
