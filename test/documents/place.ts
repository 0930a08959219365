/** Where the documented commands run: a directory that looks like the checkout, with a lake, dumps and a state of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { removeLake } from '../support/remove-lake.ts'
import { projectDir } from './commands.ts'

export interface Ran {
  readonly code: number | null
  readonly output: string
}

/** For a machine with much other work. */
const commandTimeoutMs = 120_000

/** Made while commands run, so never the checkout's own. */
const ownEntries = new Set(['lake', 'state', '.env', '.git', '.setup-lock'])

export class DocumentPlace implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'documents-'))
  readonly home = join(this.dir, 'home')
  readonly rawDir = join(this.dir, 'lake/raw')
  readonly lakeDir = join(this.dir, 'lake/hive-data')
  readonly stateDir = join(this.dir, 'state')
  /** Set once the server of the tests runs. */
  trinoUrl = ''
  readonly sourceUrl: string

  constructor(sourceUrl: string) {
    this.sourceUrl = sourceUrl
    mkdirSync(this.home)
    for (const name of readdirSync(projectDir))
      if (!ownEntries.has(name)) symlinkSync(join(projectDir, name), join(this.dir, name))
  }

  /**
   * Runs a command line in bash.
   * @param interruptAt ends the command with SIGINT once its output matches
   */
  async run(command: string, interruptAt?: RegExp): Promise<Ran> {
    const script = `shopt -s expand_aliases\n${command}`
    const child = spawn('bash', ['-c', script], {
      cwd: this.dir,
      env: this.#environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let isInterrupted = false
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (isInterrupted || interruptAt?.test(output) !== true) return
        isInterrupted = true
        process.kill(-(child.pid ?? 0), 'SIGINT')
      })
    const timeout = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), commandTimeoutMs)
    const [code] = (await once(child, 'close')) as [number | null]
    clearTimeout(timeout)
    return { code, output }
  }

  #environment(): Readonly<Record<string, string>> {
    const { cacheDir } = loadConfig().localTrino
    return {
      PATH: [join(this.dir, 'bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(':'),
      HOME: this.home,
      DISCOGS_RAW: this.rawDir,
      DISCOGS_DATA_LAKE: this.lakeDir,
      DAG_STATE: this.stateDir,
      DISCOGS_CACHE: cacheDir,
      DISCOGS_SOURCE_URL: this.sourceUrl,
      DAG_PARALLELISM: '2',
      MAVEN_ARGS: `-Dmaven.repo.local=${join(homedir(), '.m2/repository')}`,
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(this.dir, 'compile-cache'),
    }
  }

  [Symbol.dispose](): void {
    removeLake(this.dir)
  }
}
