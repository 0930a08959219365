import { exitCodes, PipelineError } from '../../errors.ts'

/** Collects repeated `--param name=value`. @throws PipelineError (exit 2) */
export function collectParam(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const equals = text.indexOf('=')
  if (equals > 0) return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
  throw new PipelineError(`--param ${text}: name=value is expected`, { exitCode: exitCodes.usage, retryable: false })
}

export const sessionHelp = 'the instant the run is for, UTC: "YYYY-MM-DD HH:MM:SS" (default: now)'
export const paramHelp = 'a param of the run, name=value; may be repeated'
