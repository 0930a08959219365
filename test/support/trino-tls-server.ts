/**
 * A real Trino server that asks for a password or a token, over TLS with a certificate of a private authority. It has no catalog but `system`.
 * User names and passwords are read as Latin-1 by Trino.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../../src/config.ts'
import { messageOf } from '../../src/errors.ts'
import { findJava } from '../../src/infra/java.ts'
import { javaArguments, type ServerFiles, writeServerFiles } from '../../src/infra/server-files.ts'
import { trinoVersion } from '../../src/infra/trino-server.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { freePort } from './free-port.ts'
import { trinoServer } from './trino-server.ts'

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

/** Needs openssl, and a JDK, since the password plugin is compiled here. @throws Error without them */
export async function startTlsServer(): Promise<TlsServer> {
  // Whoever starts that one has fetched the programs.
  await trinoServer()
  const { cacheDir, javaHome } = loadConfig().localTrino
  const java = await findJava(javaHome, { cacheDir, say: () => {}, signal: undefined })
  const home = join(cacheDir, `trino-${trinoVersion}`)
  const stateDir = mkdtempSync(join(tmpdir(), 'trino-tls-'))
  const [port, tlsPort] = [await freePort(), await freePort()]
  const files: ServerFiles = { stateDir, home, port, heapMb: 512, fileSystem: 'native' }
  writeServerFiles(files)
  makeCertificates(stateDir)
  const secret = randomBytes(48)
  configure(stateDir, tlsPort, secret)
  compilePlugin(java.home, home, join(stateDir, 'plugin/password'))
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

/** A JDK has a compiler, a Java runtime has none. */
export async function hasJdk(): Promise<boolean> {
  const { cacheDir, javaHome } = loadConfig().localTrino
  const java = await findJava(javaHome, { cacheDir, say: () => {}, signal: undefined })
  return existsSync(join(java.home, 'bin/javac'))
}

function configure(stateDir: string, tlsPort: number, secret: Buffer): void {
  const etc = join(stateDir, 'etc')
  rmSync(join(etc, 'catalog'), { recursive: true })
  mkdirSync(join(etc, 'catalog'))
  const config = readFileSync(join(etc, 'config.properties'), 'utf8').replace(
    /^plugin\.dir=.*$/m,
    `plugin.dir=${stateDir}/plugin`,
  )
  writeFileSync(join(etc, 'config.properties'), config)
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
  // Backslashes and colons mean something in a properties file.
  const escaped = Array.from(
    { length: password.length },
    (_, index) => `\\u${password.charCodeAt(index).toString(16).padStart(4, '0')}`,
  )
  writeFileSync(
    join(etc, 'password-authenticator.properties'),
    `password-authenticator.name=listed\n${user}=${escaped.join('')}\n`,
  )
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

function compilePlugin(javaHome: string, trinoHome: string, target: string): void {
  const classes = join(target, '../../classes')
  mkdirSync(join(classes, 'META-INF/services'), { recursive: true })
  mkdirSync(target, { recursive: true })
  writeFileSync(join(classes, 'META-INF/services/io.trino.spi.Plugin'), 'PasswordPlugin\n')
  const source = join(import.meta.dirname, 'password-plugin/PasswordPlugin.java')
  const tool = (name: string, ...args: string[]): void => void execFileSync(join(javaHome, 'bin', name), args, { stdio: 'pipe' })
  tool('javac', '-cp', join(trinoHome, 'lib/*'), '-d', classes, source)
  tool('jar', '--create', '--file', join(target, 'plugin.jar'), '-C', classes, '.')
}

/** A token as RFC 7519 has it, HS384. */
function signed(claims: object, secret: Buffer): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS384', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createHmac('sha384', secret).update(text).digest('base64url')}`
}
