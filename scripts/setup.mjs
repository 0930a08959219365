/**
 * Installs what package-lock.json names, unless it is installed already. Plain JavaScript without dependencies: it runs on the machine's
 * own Node (20 or newer), before the project's is there.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.setup-stamp')
/** Outside node_modules, which `npm ci` removes. */
const lockDir = join(root, '.setup-lock')
const ownerFile = join(lockDir, 'pid')
const lockPollMs = 200
/** Between making the lock directory and writing the owner into it. */
const ownerGraceMs = 5_000
const registryArguments = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']

const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8')
const stamp = createHash('sha256').update(`${process.platform} ${process.arch} ${lockfile}`).digest('hex')

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  }
}

/** The stamp is written last, so an install that was cut off has none. */
function isInstalled() {
  return readIfThere(stampFile) === stamp && existsSync(join(modules, '.bin/node'))
}

/** True when `npm ci` or `npm install` was run by hand: npm writes its own list of what is there as the last step of an install. */
function isInstalledByHand() {
  const list = readIfThere(join(modules, '.package-lock.json'))
  if (list === null || !existsSync(join(modules, '.bin/node'))) return false
  const installed = JSON.parse(list).packages
  return Object.entries(JSON.parse(lockfile).packages).every(([path, wanted]) => {
    const found = installed[path]
    if (path === '' || (wanted.optional === true && found === undefined)) return true
    return found?.version === wanted.version && found.integrity === wanted.integrity
  })
}

/** Only one process can make a directory; the others wait until it is gone. */
function takeLock() {
  for (let isTold = false; ; ) {
    try {
      mkdirSync(lockDir)
      writeFileSync(ownerFile, String(process.pid))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isAbandoned()) {
      removeAbandoned()
      continue
    }
    if (!isTold) say('another install is under way here: waiting for it')
    isTold = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockPollMs)
  }
}

/** The owner of the lock was killed. */
function isAbandoned() {
  const owner = readIfThere(ownerFile)
  if (owner === null || owner === '')
    return Date.now() - (statSync(lockDir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > ownerGraceMs
  try {
    process.kill(Number(owner), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Under a name of our own first: of several that wait, one takes it away, and never a lock that was made since. */
function removeAbandoned() {
  const aside = `${lockDir}-${process.pid}`
  try {
    renameSync(lockDir, aside)
  } catch {
    return
  }
  rmSync(aside, { recursive: true, force: true })
}

/** `npx dag` finds it here at once; without it npx would install the project into its own cache first. */
function linkCommand() {
  const link = join(modules, '.bin/dag')
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined || process.platform === 'win32') return
  mkdirSync(dirname(link), { recursive: true })
  try {
    symlinkSync('../../bin/dag', link)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

/** Its install script may leave directories that only their owner can enter; runs of other users need this Node too. */
function openNode() {
  for (const directory of ['node', 'node/bin']) chmodSync(join(modules, directory), 0o755)
}

function install() {
  say('installing the packages of package-lock.json, once (npm ci, about half a minute)')
  rmSync(stampFile, { force: true })
  const startedMs = Date.now()
  // No scripts: better-sqlite3 brings its binaries, and npm would look for a compiler for it all the same.
  npm('ci', '--ignore-scripts')
  // But for the one that fetches this system's Node.
  npm('rebuild', 'node')
  say(`installed in ${Math.round((Date.now() - startedMs) / 1000)} s`)
}

/** Runs npm in the project; ends the process when it fails. */
function npm(...args) {
  const { status, signal, stdout, stderr, error } = spawnSync(
    'npm',
    [...args, '--loglevel=error', '--no-fund', '--no-audit', ...registryArguments],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
      shell: process.platform === 'win32',
    },
  )
  if (signal !== null) fail(`npm ${args[0]} was interrupted; run the same command again`, 130)
  if (status !== 0) fail(explain(args[0], `${stdout ?? ''}${stderr ?? ''}`, error), 1)
}

function explain(command, output, error) {
  if (error?.code === 'ENOENT') return 'there is no npm on the PATH; install Node 20 or newer with npm'
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED/.exec(output)
  if (offline === null) return `npm ${command} failed:\n${output.trim()}${error === undefined ? '' : `\n${error}`}`
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).stdout?.trim()
  return `the package registry ${registry ?? ''} cannot be reached (${offline[0]}); connect, then run the same command again. What npm said:\n${output.trim().split('\n').slice(0, 5).join('\n')}`
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`)
}

/** Exits after the lock was given back. */
function fail(message, code) {
  say(message)
  process.exit(code)
}

function main() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) return fail(`Node 20 or newer is needed to install, this is ${process.version}`, 1)
  if (isInstalled()) return undefined
  takeLock()
  process.on('exit', () => rmSync(lockDir, { recursive: true, force: true }))
  // While npm runs nothing else can run here: npm itself gets the signal of the terminal, and its end is ours.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))
  if (isInstalled()) return undefined
  if (!isInstalledByHand()) install()
  openNode()
  linkCommand()
  writeFileSync(stampFile, stamp)
  return undefined
}

main()
