/** Certificates, names and proxies. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Site } from '../../src/download/site.ts'
import { DumpSite } from './support/dump-site.ts'
import { allRight, impatience, RawPlace, settingsFor } from './support/place.ts'
import { endOf, startChild } from './support/run-child.ts'

const { signal } = new AbortController()
const text = { doing: 'asking', maxBytes: 1000, signal, say: () => {} }

test('a certificate that nobody vouches for is refused at once, and no byte is asked for; with its authority all is well', async () => {
  using place = new RawPlace()
  const [key, cert] = [join(place.rawDir, 'key.pem'), join(place.rawDir, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...files, ...names], {
    stdio: 'ignore',
  })
  await using server = await DumpSite.start(1000, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') })
  const baseUrl = `https://127.0.0.1:${server.port}/`
  await using site = new Site(settingsFor(baseUrl), impatience)
  const said: string[] = []
  await assert.rejects(site.text(site.rootUrl, { ...text, say: (line) => void said.push(line) }), {
    retryable: false,
    message: /https:.*: self-signed certificate.*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    hint: /NODE_EXTRA_CA_CERTS/,
  })
  assert.deepEqual([said, server.seen], [[], []])
  const { code, stderr } = await endOf(startChild(baseUrl, place.rawDir, { NODE_EXTRA_CA_CERTS: cert }))
  assert.deepEqual([code, stderr, place.contents(server)], [0, '', allRight])
})

test('plain HTTP where TLS is expected, a name that nobody knows, a port that nobody listens on: each is said as it is', async () => {
  await using server = await DumpSite.start(1000)
  const failing = async (baseUrl: string, message: RegExp): Promise<void> => {
    await using site = new Site(settingsFor(baseUrl), impatience)
    await assert.rejects(site.text(site.rootUrl, text), { message })
  }
  await failing(`https://127.0.0.1:${server.port}/`, /EPROTO|ERR_SSL|wrong version number/)
  await failing('http://no-such-host.invalid/', /no-such-host\.invalid.*(ENOTFOUND|EAI_AGAIN)/)
  await failing('http://127.0.0.1:1/', /ECONNREFUSED/)
})

test('a proxy is used for what is not excepted', async () => {
  await using server = await DumpSite.start(1000)
  const tunnels: string[] = []
  const proxy = createServer().on('connect', (request, socket) => {
    tunnels.push(request.url ?? '')
    const upstream = connect(server.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    for (const one of [socket, upstream]) one.on('error', () => one.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const http = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  using place = new RawPlace()
  try {
    // The proxy takes the name, which no resolver knows.
    await place.download(server, { baseUrl: 'http://dumps.invalid/', settings: { proxy: { http, https: null, except: null } } })
    assert.deepEqual(place.contents(server), allRight)
    assert.ok(tunnels.length > 0 && tunnels.every((target) => target === 'dumps.invalid:80'), tunnels.join(' '))
    const before = tunnels.length
    await place.download(server, { settings: { proxy: { http, https: null, except: '127.0.0.1' } } })
    assert.equal(tunnels.length, before)
  } finally {
    proxy.close()
    proxy.closeAllConnections()
  }
})
