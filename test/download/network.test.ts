/** Certificates, names and proxies. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, get, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Site } from '../../src/download/site.ts'
import type { PipelineError } from '../../src/errors.ts'
import { dag, type Outcome } from '../cli/support.ts'
import { DumpSite, month } from './support/dump-site.ts'
import { allRight, impatience, RawPlace, settingsFor } from './support/place.ts'
import { endOf, startChild } from './support/run-child.ts'

const { signal } = new AbortController()
const text = { doing: 'asking', maxBytes: 1000, signal, say: () => {} }

test('a certificate that nobody vouches for is refused at once, and no byte is asked for; with its authority all is well', async () => {
  using place = new RawPlace()
  const { key, cert, certFile } = selfSigned(place.rawDir, 'IP:127.0.0.1')
  await using server = await DumpSite.start(1000, { key, cert })
  const baseUrl = `https://127.0.0.1:${server.port}/`
  using site = new Site(settingsFor(baseUrl), impatience)
  const said: string[] = []
  await assert.rejects(site.text(site.rootUrl, { ...text, say: (line) => void said.push(line) }), {
    retryable: false,
    message: /https:.*: self-signed certificate.*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    hint: /NODE_EXTRA_CA_CERTS/,
  })
  assert.deepEqual([said, server.seen], [[], []])
  const { code, stderr } = await endOf(startChild(baseUrl, place.rawDir, { NODE_EXTRA_CA_CERTS: certFile }))
  assert.deepEqual([code, stderr, place.contents(server)], [0, '', allRight])
})

test('plain HTTP where TLS is expected, a name that nobody knows, a port that nobody listens on: each is said as it is', async () => {
  await using server = await DumpSite.start(1000)
  const failing = async (baseUrl: string, message: RegExp): Promise<void> => {
    // A busy machine looks names up slowly.
    using site = new Site(settingsFor(baseUrl), { ...impatience, connectMs: 10_000, answerMs: 10_000, tries: 1, outageMs: 0 })
    await assert.rejects(site.text(site.rootUrl, text), { message })
  }
  await failing(`https://127.0.0.1:${server.port}/`, /EPROTO|ERR_SSL|wrong version number/)
  await failing('http://no-such-host.invalid/', /no-such-host\.invalid.*(ENOTFOUND|EAI_AGAIN)/)
  await failing('http://127.0.0.1:1/', /ECONNREFUSED/)
})

test('a proxy is used for what is not excepted', async () => {
  await using server = await DumpSite.start(1000)
  using proxy = await Proxy.to(server)
  using place = new RawPlace()
  const settings = { proxy: { http: proxy.url, https: null, except: null } }
  // The proxy takes the name, which no resolver knows; plain HTTP needs no tunnel.
  await place.download(server, { baseUrl: 'http://dumps.invalid/', settings })
  assert.deepEqual(place.contents(server), allRight)
  assert.deepEqual([...new Set(proxy.forwarded)], ['dumps.invalid'])
  const before = proxy.forwarded.length
  await place.download(server, { settings: { proxy: { ...settings.proxy, except: '127.0.0.1' } } })
  assert.equal(proxy.forwarded.length, before)
})

test('HTTPS_PROXY and NO_PROXY of the environment: TLS goes through the tunnel to the site itself', async () => {
  using place = new RawPlace()
  const { key, cert, certFile } = selfSigned(place.rawDir, 'DNS:dumps.invalid,IP:127.0.0.1')
  await using server = await DumpSite.start(1000, { key, cert })
  using proxy = await Proxy.to(server)
  const env = { DISCOGS_RAW: place.rawDir, NODE_EXTRA_CA_CERTS: certFile, HTTPS_PROXY: proxy.url }
  const download = (more: Readonly<Record<string, string>>): Promise<Outcome> =>
    dag(['download', '--month', month], { ...env, ...more })
  const through = await download({ DISCOGS_SOURCE_URL: 'https://dumps.invalid/' })
  assert.deepEqual([through.code, place.contents(server)], [0, allRight], through.stderr)
  assert.deepEqual([...new Set(proxy.tunnels)], ['dumps.invalid:443'])
  const before = proxy.tunnels.length
  const around = await download({ DISCOGS_SOURCE_URL: `https://127.0.0.1:${server.port}/`, NO_PROXY: 'localhost,127.0.0.1' })
  assert.deepEqual([around.code, proxy.tunnels.length], [0, before], around.stderr)
})

test('a proxy that is dead, or asks for a password, is named', async () => {
  const asking = createServer((_, response) => void response.writeHead(407).end()).on('connect', (_, socket) => {
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
  })
  asking.listen(0, '127.0.0.1')
  await once(asking, 'listening')
  const proxy = `http://127.0.0.1:${(asking.address() as AddressInfo).port}`
  const failing = async (baseUrl: string, url: string, expected: { message: RegExp; hint: RegExp }): Promise<void> => {
    using site = new Site(settingsFor(baseUrl, { proxy: { http: url, https: url, except: null } }), impatience)
    await assert.rejects(site.text(site.rootUrl, text), (error) => {
      assert.doesNotMatch(String(error), /secret/)
      assert.match((error as PipelineError).message, expected.message)
      assert.match((error as PipelineError).hint ?? '', expected.hint)
      return true
    })
  }
  for (const scheme of ['http', 'https']) {
    await failing(`${scheme}://dumps.invalid/`, proxy.replace('//', '//me:secret@'), {
      message: /the proxy http:\/\/127\.0\.0\.1:\d+ asks for a user name and a password/,
      hint: /user:password@proxy/,
    })
    await failing(`${scheme}://dumps.invalid/`, 'http://me:secret@127.0.0.1:1', {
      message: /ECONNREFUSED.*\(the proxy http:\/\/127\.0\.0\.1:1 is set\)/,
      hint: /check that the proxy works/,
    })
  }
  asking.close()
})

/** Leads to one server, whatever it is asked for. */
class Proxy implements Disposable {
  /** `host:port` of each tunnel (CONNECT). */
  readonly tunnels: string[] = []
  /** Host of each request that came without a tunnel. */
  readonly forwarded: string[] = []
  readonly #server: Server

  private constructor(site: DumpSite) {
    this.#server = createServer((request, response) => {
      const { hostname, pathname, search } = new URL(request.url ?? '')
      this.forwarded.push(hostname)
      get({ port: site.port, path: `${pathname}${search}`, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(response)
      })
    }).on('connect', (request, socket) => {
      this.tunnels.push(request.url ?? '')
      const upstream = connect(site.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        upstream.pipe(socket).pipe(upstream)
      })
      for (const one of [socket, upstream]) one.on('error', () => one.destroy())
    })
  }

  static async to(site: DumpSite): Promise<Proxy> {
    const proxy = new Proxy(site)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  [Symbol.dispose](): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** A certificate that nobody vouches for. @param names such as `IP:127.0.0.1` */
function selfSigned(
  directory: string,
  names: string,
): { readonly key: string; readonly cert: string; readonly certFile: string } {
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`]
  const files = ['-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...files, ...subject], {
    stdio: 'ignore',
  })
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile }
}
