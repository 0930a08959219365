/** Looks settings up, the environment before `.env`, and collects what is wrong with them. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { exitCodes, hasCode, PipelineError } from '../errors.ts'
import type { SettingTexts } from './download.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where settings come from. */
interface Sources {
  readonly environment: Environment
  /** Relative paths of the environment start here. */
  readonly cwd: string
  /** `.env` lies here; relative paths in it, and the defaults, start here. */
  readonly projectDir: string
}

/** Reads values one by one and collects what is wrong with them. */
export class Lookup implements SettingTexts {
  readonly projectDir: string
  readonly #cwd: string
  readonly #environment: Environment
  readonly #file: Environment
  readonly #problems: string[] = []

  constructor({ environment, cwd, projectDir }: Sources) {
    this.projectDir = projectDir
    this.#cwd = cwd
    this.#environment = environment
    this.#file = readEnvFile(resolve(projectDir, '.env'))
  }

  readonly complain = (problem: string): void => {
    this.#problems.push(problem)
  }

  /** @throws PipelineError (exit 2) that lists every complaint */
  refuse(what: string): void {
    if (this.#problems.length === 0) return
    const lines = this.#problems.map((problem) => `  ${problem}`).join('\n')
    throw new PipelineError(`${what}:\n${lines}`, {
      exitCode: exitCodes.usage,
      retryable: false,
      hint: '.env.example explains every variable',
    })
  }

  /** The environment's own value; empty counts as unset, as in POSIX shells' `${NAME:-}`. */
  own(name: string): string | undefined {
    return this.#environment[name] || undefined
  }

  required(name: string): string {
    const found = this.own(name)
    if (found === undefined) this.complain(`${name} is not set`)
    return found ?? ''
  }

  instant(name: string): Date | null {
    const found = this.own(name)
    if (found === undefined) return null
    const instant = new Date(found)
    if (!Number.isNaN(instant.getTime())) return instant
    this.complain(`${name}=${found}: an instant is expected, as in 2026-04-20T06:00:00Z`)
    return null
  }

  directory(name: string, standard: string): string {
    return this.environmentPath(name) ?? resolve(this.projectDir, expanded(this.#file[name] || standard))
  }

  environmentPath(name: string): string | null {
    const found = this.own(name)
    return found === undefined ? null : resolve(this.#cwd, expanded(found))
  }

  integer(name: string, standard: number, [least, most]: readonly [number, number] = [1, 999_999]): number {
    const text = this.text(name)
    if (text === undefined) return standard
    const number = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most) return number
    this.complain(`${name}=${text}: a whole number from ${least} to ${most} is expected`)
    return standard
  }

  params(): Readonly<Record<string, string>> {
    const named = Object.entries(this.#environment).flatMap(([name, text]) =>
      name.startsWith('PARAM_') && text !== undefined ? [[name.slice('PARAM_'.length).toLowerCase(), text] as const] : [],
    )
    return Object.fromEntries(named.toSorted(([left], [right]) => (left < right ? -1 : 1)))
  }

  url(name: string): string | null {
    const text = this.text(name)
    if (text === undefined) return null
    if (!/^https?:\/\//.test(text) || !URL.canParse(text)) this.complain(`${name}=${text}: an http or https URL is expected`)
    return text
  }

  path(name: string): string | null {
    return this.environmentPath(name) ?? (this.#file[name] ? resolve(this.projectDir, expanded(this.#file[name])) : null)
  }

  /** The environment's value, else that of `.env`. */
  readonly text = (name: string): string | undefined => this.own(name) ?? (this.#file[name] || undefined)
}

/** A leading `~/` is the home directory. Shells expand it only where it is not quoted, and nobody does in `.env`. */
function expanded(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

function readEnvFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return {}
    throw new PipelineError(`${file} cannot be read`, { cause, exitCode: exitCodes.usage, retryable: false })
  }
}
