/** A server that behaves like data.discogs.com, on 127.0.0.1, and misbehaves on request. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export const dumps = ['artists', 'labels', 'masters', 'releases'] as const
export const date = '20260401'
export const month = '2026-04'
export const checksumName = `discogs_${date}_CHECKSUM.txt`

export function nameOf(dump: string, day = date): string {
  return `discogs_${day}_${dump}.xml.gz`
}

/** What a request got and how many bytes of a body it took; `range` is the one asked for. */
export interface SeenRequest {
  readonly target: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly userAgent: string | undefined
  status: number
  bodyBytes: number
}

/** Answers one request in place of the server, or with its help: `serve` answers as usual. */
export type Fault = (request: IncomingMessage, response: ServerResponse, serve: () => Promise<void>) => void | Promise<void>

export interface ServedFile {
  bytes: Buffer
  etag: string | null
  /** As the page says it. */
  modified: string
}

export class DumpSite implements AsyncDisposable {
  readonly files = new Map<string, ServedFile>()
  readonly seen: SeenRequest[] = []
  /** By file name, `page` or `root`: each answers one request, the first one first. */
  readonly faults = new Map<string, Fault[]>()
  /** Bytes a second of each body, null: at once. */
  bytesPerSecond: number | null = null
  checksumText: string | null = null
  readonly #server: Server

  private constructor(tls: { readonly key: string; readonly cert: string } | null) {
    const listener: RequestListener = (request, response) =>
      void this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error))
    this.#server = tls === null ? createServer(listener) : createTlsServer(tls, listener)
    this.#server.keepAliveTimeout = 10_000
  }

  /** @param sizeBytes of each of the four dumps */
  static async start(sizeBytes: number, tls: { readonly key: string; readonly cert: string } | null = null): Promise<DumpSite> {
    const site = new DumpSite(tls)
    site.publish(sizeBytes)
    site.#server.listen(0, '127.0.0.1')
    await once(site.#server, 'listening')
    return site
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  /** Four new dumps of one day with their checksum file. */
  publish(sizeBytes: number, day = date): void {
    for (const dump of dumps) this.put(nameOf(dump, day), Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(sizeBytes - 2)]))
    this.putChecksums(day)
  }

  put(name: string, bytes: Buffer): void {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    this.files.set(name, { bytes, etag, modified: secondAfter(this.files.get(name)?.modified) })
  }

  /** @param write makes the text of the lines; default as the site does */
  putChecksums(day = date, write = (lines: readonly string[]) => `${lines.join('\n')}\n`): void {
    const lines = dumps.map((dump) => `${this.sha256(nameOf(dump, day))} ${nameOf(dump, day)}`)
    this.put(`discogs_${day}_CHECKSUM.txt`, Buffer.from(write(lines)))
  }

  sha256(name: string): string {
    return createHash('sha256').update(this.bytesOf(name)).digest('hex')
  }

  bytesOf(name: string): Buffer {
    const file = this.files.get(name)
    if (file === undefined) throw new Error(`${name} is not published`)
    return file.bytes
  }

  /** The next requests for a file (`page`, `root`) meet these, one after the other. */
  misbehave(name: string, ...faults: readonly Fault[]): void {
    this.faults.set(name, [...(this.faults.get(name) ?? []), ...faults])
  }

  /** Forgets what it has seen and how to misbehave. */
  calm(): void {
    this.seen.length = 0
    this.faults.clear()
    this.bytesPerSecond = null
  }

  /** Bytes of dumps that it has sent. */
  get sentBytes(): number {
    return this.seen.reduce((sum, { target, bodyBytes }) => (target.endsWith('.gz') ? sum + bodyBytes : sum), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request)
    const { range, 'if-range': ifRange, 'user-agent': userAgent } = request.headers
    const seen = { target, range, ifRange: ifRange as string | undefined, userAgent, status: 0, bodyBytes: 0 }
    this.seen.push(seen)
    response.setMaxListeners(0)
    response.on('close', () => (seen.status = response.statusCode))
    const write = response.write.bind(response)
    response.write = (chunk: Buffer | string): boolean => {
      seen.bodyBytes += chunk.length
      return write(chunk)
    }
    const serve = (): Promise<void> => this.#serve(target, request, response)
    const fault = this.faults.get(target)?.shift()
    await (fault === undefined ? serve() : fault(request, response, serve))
  }

  async #serve(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (target === 'root' || target === 'page') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(target === 'root' ? rootPage(this.files) : yearPage(this.files, yearOf(request)))
      return
    }
    const file = this.files.get(target)
    if (file === undefined) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('no such file\n')
    await this.#serveFile(file, request, response)
  }

  async #serveFile({ bytes, etag }: ServedFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const tag = etag === null ? {} : { etag }
    if (etag !== null && request.headers['if-none-match'] === etag) return void response.writeHead(304, tag).end()
    const { range, 'if-range': ifRange } = request.headers
    const match = ifRange === undefined || ifRange === etag ? /^bytes=(\d+)-$/.exec(range ?? '') : null
    const from = match === null ? 0 : Number(match[1])
    if (from > 0 && from >= bytes.length)
      return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    const rest = bytes.subarray(from)
    const head = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', 'content-length': rest.length, ...tag }
    const contentRange = `bytes ${from}-${bytes.length - 1}/${bytes.length}`
    response.writeHead(match === null ? 200 : 206, match === null ? head : { ...head, 'content-range': contentRange })
    await this.send(response, rest)
    response.end()
  }

  /** A body at the rate of the site. */
  async send(response: ServerResponse, bytes: Buffer): Promise<void> {
    const step = this.bytesPerSecond === null ? 65_536 : Math.max(1, Math.round(this.bytesPerSecond / 100))
    for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
      const isDrained = response.write(bytes.subarray(at, at + step))
      if (this.bytesPerSecond !== null) await sleep(10)
      else if (!isDrained) await Promise.race([once(response, 'drain'), once(response, 'close')])
    }
  }
}

function targetOf(request: IncomingMessage): string {
  const parameters = new URL(request.url ?? '/', 'http://site').searchParams
  const file = /^data\/\d{4}\/([^/]+)$/.exec(parameters.get('download') ?? '')?.[1]
  return file ?? (parameters.get('prefix') === 'data/' ? 'root' : 'page')
}

function yearOf(request: IncomingMessage): string {
  return /^data\/(\d{4})\/$/.exec(new URL(request.url ?? '/', 'http://site').searchParams.get('prefix') ?? '')?.[1] ?? ''
}

/** The frame of the site's pages, in its shape. */
export function page(lines: readonly string[]): string {
  return `
      <html>
      <head>
          <title>Discogs Data</title>
          <style type="text/css">a:hover {color: red;}</style>
      </head>
      <body>
      <pre>Download Discogs Data

The data is described at http://example.org/api/
</pre><h2>Discogs Data</h2>
    <pre>Last Modified                   Size           Name
-----------------------------------------------------------------------------------------------
${lines.join('\n')}
</pre></body></html>`
}

const firstModified = '2026-04-01 19:22:20'

/** Of a file that is replaced. */
function secondAfter(modified: string | undefined): string {
  if (modified === undefined) return firstModified
  return new Date(Date.parse(`${modified}Z`) + 1000).toISOString().slice(0, 19).replace('T', ' ')
}

export function fileLine(name: string, size: string, year = name.slice(8, 12), modified = firstModified): string {
  return `${modified}             ${size.padEnd(15)}<a href="?download=data%2F${year}%2F${name}">${name}</a>`
}

const up = '                                               <a href="?prefix=data%2F">../</a>'

function yearPage(files: ReadonlyMap<string, ServedFile>, year: string): string {
  const names = [...files.keys()].filter((name) => name.slice(8, 12) === year).toSorted()
  return page([up, ...names.map((name) => fileLine(name, `${files.get(name)?.bytes.length} B`, year, files.get(name)?.modified))])
}

function rootPage(files: ReadonlyMap<string, ServedFile>): string {
  const years = new Set([...files.keys()].map((name) => name.slice(8, 12)))
  return page([...years].toSorted().map((year) => `${' '.repeat(47)}<a href="?prefix=data%2F${year}%2F">${year}/</a>`))
}
