/** Statements of earlier prompts: `sql_history` in the state directory, a line each, the newest last. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const keptLines = 1000

export class History {
  readonly #file: string

  constructor(stateDir: string) {
    mkdirSync(stateDir, { recursive: true })
    this.#file = join(stateDir, 'sql_history')
  }

  /** Newest first, as readline wants them. Cuts the file when it has grown. */
  load(): string[] {
    if (!existsSync(this.#file)) return []
    const lines = readFileSync(this.#file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
    const kept = lines.slice(-keptLines)
    if (lines.length > 2 * keptLines) writeFileSync(this.#file, `${kept.join('\n')}\n`, { mode: 0o600 })
    return kept.toReversed()
  }

  /** Written at once: a killed prompt loses nothing. */
  add(line: string): void {
    appendFileSync(this.#file, `${line}\n`, { mode: 0o600 })
  }
}

/** The lines of a statement as one line of the history, or as they are when a comment would swallow the rest. */
export function historyLines(lines: readonly string[]): readonly string[] {
  const filled = lines.map((line) => line.trim()).filter((line) => line !== '')
  return filled.some((line) => line.includes('--')) ? filled : [filled.join(' ')]
}
