import { InvalidArgumentError } from 'commander'
import { exitCodes, PipelineError } from '../../errors.ts'

/** Collects repeated `--param name=value`. @throws PipelineError (exit 2) */
export function collectParam(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const equals = text.indexOf('=')
  if (equals > 0) return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
  throw new PipelineError(`--param ${text}: name=value is expected`, { exitCode: exitCodes.usage, retryable: false })
}

export const sessionHelp = 'the instant the run is for, UTC: "YYYY-MM-DD HH:MM:SS" (default: now)'
export const paramHelp = 'a param of the run, name=value; may be repeated'

/** Reads a whole number from 1. @throws InvalidArgumentError, which commander reports with the option's name */
export function countOption(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number from 1 is expected')
}

/** Lines for the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExample${lines.length === 1 ? '' : 's'}:\n${lines.map((line) => `  ${line}`).join('\n')}`
}
