/** trino-client with what it lacks: exact numbers, a look at every page, time limits. */
import { BasicAuth, type ConnectionOptions, type QueryResult, Trino } from 'trino-client'
import { PipelineError } from '../../errors.ts'
import type { TrinoSettings } from '../trino.ts'
import { parseExactly } from './values.ts'

/** A server answers a poll within a second, so one that says nothing for so long is gone. */
const silenceMs = 60_000
const cancelMs = 5_000

export interface ClientOptions {
  readonly settings: TrinoSettings
  /** PEM, the content of `caFile`. */
  readonly ca: string | null
  readonly schema: string | undefined
  readonly session: Readonly<Record<string, string>>
}

/** Also what trino-client's types leave out. */
export type Page = QueryResult & {
  readonly error?: { readonly errorLocation?: { readonly lineNumber: number; readonly columnNumber: number } }
}

/**
 * A client for one statement: USE and SET SESSION would change the headers of later ones.
 * @param onPage sees every answer, also the empty ones that the iterator of trino-client passes over
 */
export function clientFor(options: ClientOptions, onPage: (page: Page) => void): Trino {
  const trino = Trino.create(connection(options))
  configure(trino, options.settings.url, silenceMs, (page) => {
    if (isPage(page)) onPage(page)
  })
  return trino
}

/** Ends a query on the server; says nothing when it cannot: a server drops a query that nobody asks for by itself (query.client.timeout). */
export async function cancelQuery(options: ClientOptions, id: string): Promise<void> {
  const trino = Trino.create(connection(options))
  configure(trino, options.settings.url, cancelMs, () => {})
  await trino.cancel(id).catch(() => {})
}

/** @throws PipelineError when a secret would go over the wire in the clear */
export function refuseClearText({ url, password, jwt }: TrinoSettings): void {
  if ((password === null && jwt === null) || url.startsWith('https:')) return
  throw new PipelineError(`trino: ${password === null ? 'TRINO_JWT' : 'TRINO_PASSWORD'} would be sent to ${url} in the clear`, {
    retryable: false,
    hint: 'TRINO_URL must begin with https: when there is a password or token',
  })
}

function connection({ settings, ca, schema, session }: ClientOptions): ConnectionOptions {
  const { url, catalog, user, password, jwt } = settings
  return {
    server: url,
    catalog,
    source: 'discogs-lakehouse',
    session: Object.fromEntries(Object.entries(session).map(([name, value]) => [name, encodeURIComponent(value)])),
    extraHeaders: {
      // Else timestamps are cut to milliseconds.
      'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME',
      ...(jwt === null ? {} : { Authorization: `Bearer ${jwt}`, 'X-Trino-User': user }),
    },
    ...(schema === undefined ? {} : { schema }),
    ...(ca === null ? {} : { ssl: { ca } }),
    ...(jwt === null ? { auth: new BasicAuth(user, password ?? undefined) } : {}),
  }
}

/** The configuration of axios, which trino-client 0.2.9 keeps to itself; tests notice when that changes. */
function configure(trino: Trino, url: string, timeoutMs: number, onBody: (body: unknown) => void): void {
  const { client } = trino as unknown as { readonly client: { readonly clientConfig: Record<string, unknown> } }
  const parse = (text: unknown): unknown => {
    const body = parsed(text)
    onBody(body)
    return body
  }
  Object.assign(client.clientConfig, {
    timeout: timeoutMs,
    responseType: 'text',
    transformResponse: [parse],
    // A proxy cannot know this machine's own addresses.
    ...(isLoopback(url) ? { proxy: false } : {}),
  })
}

/** The body of an HTTP error is text, or nothing. */
function parsed(text: unknown): unknown {
  if (typeof text !== 'string' || !text.startsWith('{')) return text
  try {
    return parseExactly(text)
  } catch {
    return text
  }
}

function isPage(body: unknown): body is Page {
  return typeof body === 'object' && body !== null && 'id' in body && 'stats' in body
}

function isLoopback(url: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
}
