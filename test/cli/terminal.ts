/** `dag` on a pseudo-terminal, as script(1) of util-linux gives one: keys in, what the screen was told out. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { loadConfig } from '../../src/config.ts'
import type { Variables } from './support.ts'

const projectDir = loadConfig({ environment: {} }).projectDir

export const keys = { enter: '\r', tab: '\t', ctrlC: '\u0003', ctrlD: '\u0004', up: '\u001b[A' } as const

interface TerminalSize {
  readonly rows?: number
  readonly columns?: number
}

export class Terminal implements AsyncDisposable {
  readonly #child
  readonly #exited: Promise<unknown>
  #screen = ''
  #receivedChars = 0
  /** Where the next wait looks on from. */
  #seen = 0

  constructor(args: readonly string[], env: Variables, { rows = 40, columns = 120 }: TerminalSize = {}) {
    const command = [
      `stty cols ${columns} rows ${rows};`,
      'exec',
      process.execPath,
      join(projectDir, 'src/cli/dag.ts'),
      ...args,
    ].join(' ')
    const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`
    this.#child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: projectDir,
      env: { PATH: path, TERM: 'xterm', SHELL: '/bin/sh', NO_COLOR: '1', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#exited = once(this.#child, 'close')
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#receivedChars += text.length
      this.#screen += stripVTControlCharacters(text)
    })
  }

  /** Keys one after the other, each when the one before was echoed: several at once would be a paste, in which Tab is a character. */
  async type(...pressed: readonly string[]): Promise<void> {
    for (const key of pressed) {
      const before = this.#receivedChars
      this.#child.stdin.write(key)
      for (let left = 100; left > 0 && this.#receivedChars === before; left -= 1) await sleep(20)
      await sleep(20)
    }
  }

  /** Waits for a text behind what was waited for before. @returns everything up to its end */
  async waitFor(pattern: RegExp): Promise<string> {
    for (let left = 1000; left > 0; left -= 1) {
      const rest = this.#screen.slice(this.#seen)
      const match = pattern.exec(rest)
      if (match !== null) {
        this.#seen += match.index + match[0].length
        return rest.slice(0, match.index + match[0].length)
      }
      await sleep(20)
    }
    throw new Error(`${String(pattern)} was not seen within 20 s in: ${this.#screen.slice(this.#seen)}`)
  }

  async exitCode(): Promise<number | null> {
    await this.#exited
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
