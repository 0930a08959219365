/**
 * A real Trino server that asks for a password or a token, over TLS with a certificate of a private authority. It has no catalog but `system`.
 * User names and passwords are read as Latin-1 by Trino.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../../src/config.ts'
import { messageOf } from '../../src/errors.ts'
import { findJava } from '../../src/infra/java.ts'
import { javaArguments, type ServerFiles, writeServerFiles } from '../../src/infra/server-files.ts'
import { trinoPrograms } from '../../src/infra/trino-server.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { freePort } from './free-port.ts'

export interface TlsServer extends AsyncDisposable {
  /** A user and the right password. */
  readonly settings: TrinoSettings
  /** Signed for that user. */
  readonly jwt: string
  /** The same server without TLS. */
  readonly clearUrl: string
}

const [user, password] = ['anna', 'right :"1 \\']
const comingUpMs = 120_000
/** Of PBKDF2, the least that Trino takes. */
const hashIterations = 1000

/** Needs openssl. @throws Error without it */
export async function startTlsServer(): Promise<TlsServer> {
  const { cacheDir, javaHome } = loadConfig().localTrino
  const fetching = { cacheDir, say: (line: string) => void process.stderr.write(`trino with TLS: ${line}\n`), signal: undefined }
  const java = await findJava(javaHome, fetching)
  const home = await trinoPrograms('hadoop', fetching)
  const stateDir = mkdtempSync(join(tmpdir(), 'trino-tls-'))
  const [port, tlsPort] = [await freePort(), await freePort()]
  const files: ServerFiles = { stateDir, home, port, heapMb: 512, fileSystem: 'hadoop', nodeId: 'tls' }
  writeServerFiles(files)
  makeCertificates(stateDir)
  const secret = randomBytes(48)
  configure(stateDir, tlsPort, secret)
  const log = openSync(join(stateDir, 'server.log'), 'w')
  const args = javaArguments(files, '-XX:+UseSerialGC -XX:TieredStopAtLevel=1', join(stateDir, 'none.jsa'))
  const child = spawn(
    join(java.home, 'bin/java'),
    args.filter((arg) => !arg.includes('SharedArchive')),
    {
      cwd: stateDir,
      stdio: ['ignore', log, log],
    },
  )
  closeSync(log)
  const settings: TrinoSettings = {
    url: `https://127.0.0.1:${tlsPort}`,
    catalog: 'system',
    user,
    password,
    jwt: null,
    caFile: join(stateDir, 'ca.pem'),
    lakeUri: null,
  }
  const server: TlsServer = {
    settings,
    jwt: signed({ sub: user, exp: Math.floor(Date.now() / 1000) + 3600 }, secret),
    clearUrl: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
  try {
    await whenReady(settings)
    return server
  } catch (error) {
    const said = readFileSync(join(stateDir, 'server.log'), 'utf8').split('\n').slice(-30).join('\n')
    await server[Symbol.asyncDispose]()
    throw new Error(`the server with TLS did not come up:\n${said}`, { cause: error })
  }
}

/** It listens a moment before it has loaded its passwords, and answers 500 until then. */
async function whenReady(settings: TrinoSettings): Promise<void> {
  for (const until = performance.now() + comingUpMs; ; await sleep(200)) {
    try {
      await TrinoEngine.open(settings, { patienceMs: comingUpMs })
      return
    } catch (error) {
      if (!messageOf(error).includes('HTTP 500') || performance.now() > until) throw error
    }
  }
}

function configure(stateDir: string, tlsPort: number, secret: Buffer): void {
  const etc = join(stateDir, 'etc')
  rmSync(join(etc, 'catalog'), { recursive: true })
  mkdirSync(join(etc, 'catalog'))
  writeFileSync(join(stateDir, 'jwt.key'), secret.toString('base64'))
  appendFileSync(
    join(etc, 'config.properties'),
    [
      'http-server.https.enabled=true',
      `http-server.https.port=${tlsPort}`,
      `http-server.https.keystore.path=${stateDir}/server.pem`,
      'http-server.authentication.type=PASSWORD,JWT',
      `http-server.authentication.jwt.key-file=${stateDir}/jwt.key`,
      `internal-communication.shared-secret=${randomBytes(32).toString('hex')}`,
      '',
    ].join('\n'),
  )
  writeFileSync(
    join(etc, 'password-authenticator.properties'),
    `password-authenticator.name=file\nfile.password-file=${stateDir}/passwords\n`,
  )
  const salt = randomBytes(16)
  const hash = pbkdf2Sync(password, salt, hashIterations, 32, 'sha1')
  writeFileSync(join(stateDir, 'passwords'), `${user}:${hashIterations}:${salt.toString('hex')}:${hash.toString('hex')}\n`)
}

function makeCertificates(directory: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const newKey = ['-newkey', 'rsa:2048', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Private authority')
  openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=trino')
  writeFileSync(join(directory, 'names'), 'subjectAltName=IP:127.0.0.1\n')
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'server.crt')
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8')
  writeFileSync(join(directory, 'server.pem'), read('server.key') + read('server.crt'))
}

/** A token as RFC 7519 has it, HS384. */
function signed(claims: object, secret: Buffer): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS384', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createHmac('sha384', secret).update(text).digest('base64url')}`
}
