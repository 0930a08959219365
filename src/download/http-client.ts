/**
 * GET requests over node:http and node:https: keep-alive connections, the proxies that the settings name, an abort signal. Node's own
 * client needs no package, and its bodies end cleanly wherever a server closes the connection.
 */
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { hasCode } from '../errors.ts'
import type { ProxySettings } from '../settings/download.ts'

/** The site sends a few hundred bytes of headers; a proxy may add cookies by the kilobyte. */
const maxHeaderBytes = 256 * 1024

export interface HttpClientOptions {
  readonly proxy: ProxySettings
  /** Until a connection is established, tunnel and TLS included. */
  readonly connectMs: number
}

export interface HttpRequest {
  readonly signal: AbortSignal
  readonly headers: Readonly<Record<string, string>>
}

/** Sends requests over connections that it keeps open until it is disposed of. */
export class HttpClient implements Disposable {
  readonly #agents: { readonly http: http.Agent; readonly https: https.Agent }
  readonly #connectMs: number

  constructor({ proxy, connectMs }: HttpClientOptions) {
    this.#connectMs = connectMs
    const options = { keepAlive: true, proxyEnv: environmentOf(proxy) }
    this.#agents = { http: new http.Agent(options), https: new https.Agent(options) }
  }

  /** @throws what node:http throws; the reason of an abort */
  async get(url: string, request: HttpRequest): Promise<IncomingMessage> {
    try {
      return await this.#send(url, request)
    } catch (error) {
      // The server closed an idle connection just as the request went out: a new connection will do.
      if (error instanceof StaleConnectionError) return this.#send(url, request)
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#agents.http.destroy()
    this.#agents.https.destroy()
  }

  #send(url: string, { signal, headers }: HttpRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const options = { headers, signal, maxHeaderSize: maxHeaderBytes }
    const request = url.startsWith('https:')
      ? https.get(url, { ...options, agent: this.#agents.https })
      : http.get(url, { ...options, agent: this.#agents.http })
    request.on('response', resolve)
    request.on('error', (cause) => reject(isStale(request, cause) ? new StaleConnectionError({ cause }) : cause))
    this.#limitConnect(request)
    return promise
  }

  /** The time for the tunnel of a proxy counts too, and passes before the request has a socket. */
  #limitConnect(request: ClientRequest): void {
    const seconds = this.#connectMs / 1000
    const late = (): void => void request.destroy(new Error(`no connection within ${seconds} s`))
    const timer = setTimeout(late, this.#connectMs)
    const stop = (): void => clearTimeout(timer)
    request.once('close', stop).once('socket', (socket) => {
      if (!socket.connecting) stop()
      else socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', stop)
    })
  }
}

class StaleConnectionError extends Error {
  constructor(options: ErrorOptions) {
    super('the server closed an idle connection', options)
  }
}

function isStale(request: ClientRequest, error: unknown): boolean {
  return request.reusedSocket && (hasCode(error, 'ECONNRESET') || hasCode(error, 'EPIPE'))
}

function environmentOf({ http: httpProxy, https: httpsProxy, except }: ProxySettings): NodeJS.ProcessEnv {
  return {
    ...(httpProxy === null ? {} : { HTTP_PROXY: httpProxy }),
    ...(httpsProxy === null ? {} : { HTTPS_PROXY: httpsProxy }),
    ...(except === null ? {} : { NO_PROXY: except }),
  }
}
