/** Requests to the site: HTTP/1.1, kept alive, politely signed, never to anybody else. */
import { exitCodes, PipelineError } from '../errors.ts'
import type { DownloadSettings, ProxySettings } from '../settings/download.ts'
import { type Answer, type Headers, textOf, type TextLimits, usable } from './answer.ts'
import { networkFailure, TransferFailure } from './failure.ts'
import { HttpClient } from './http-client.ts'
import { monthOf, parseFileName } from './names.ts'
import { Watch } from './pace.ts'
import { withRetries } from './retry.ts'
import { defaultPatience, maxTransfers, type Patience } from './patience.ts'

const maxRedirects = 5
const projectName = 'discogs-lakehouse'

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

export interface TextOptions extends AskOptions, TextLimits {
  /** Told before a pause. */
  readonly say: (line: string) => void
}

export class Site implements Disposable {
  readonly baseUrl: string
  readonly patience: Patience
  /** All transfers together, null without a limit. */
  readonly bytesPerSecond: number | null
  /** Requests sent so far. */
  requests = 0
  readonly #client: HttpClient
  readonly #proxy: ProxySettings
  readonly #headers: Headers

  /** @param patience default: the standard timeouts, repeated as the settings say */
  constructor(settings: DownloadSettings, patience: Patience = { ...defaultPatience, ...settings.retries }) {
    const { baseUrl, maxBytesPerSecond, proxy } = settings
    this.baseUrl = baseUrl
    this.bytesPerSecond = maxBytesPerSecond
    // A limit of ours is no slowness of theirs.
    const floor = this.bytesPerSecond === null ? Number.POSITIVE_INFINITY : this.bytesPerSecond / maxTransfers / 2
    this.patience = { ...patience, minBytesPerSecond: Math.min(patience.minBytesPerSecond, floor) }
    this.#proxy = proxy
    this.#headers = headersOf(settings)
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
      if (![301, 302, 303, 307, 308].includes(answer.status)) return usable(answer, doing, proxyOf(at, this.#proxy))
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
        const text = await textOf(answer, options)
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
    const proxy = proxyOf(url, this.#proxy)
    const failure = (error: unknown, isAnswered: boolean): unknown => {
      signal.throwIfAborted()
      return watch.signal.aborted ? watch.signal.reason : networkFailure({ doing, url, proxy, isAnswered }, error)
    }
    try {
      this.requests += 1
      const body = await this.#client.get(url, { signal: both, headers: { ...this.#headers, ...headers } })
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
        chunks: () => watched(body, { watch, failure: (error) => failure(error, true) }),
        [Symbol.dispose]: end,
      }
    } catch (error) {
      watch[Symbol.dispose]()
      throw failure(error, false)
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

/** The client's own headers; those of the settings win. */
function headersOf({ contact, userAgent, authorization, headers }: DownloadSettings): Headers {
  return {
    'user-agent': userAgent ?? `${projectName}/1${contact === null ? '' : ` (${contact})`}`,
    'accept-encoding': 'identity',
    ...(authorization === null ? {} : { authorization }),
    ...headers,
  }
}

/** The proxy that is configured for a URL, without user name and password. */
function proxyOf(url: string, { http, https }: ProxySettings): string | null {
  const proxy = url.startsWith('https:') ? https : http
  return proxy === null ? null : new URL(proxy).origin
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
