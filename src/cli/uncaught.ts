/** Whatever ends a command is told in a sentence, never by a stack. */
import { createRequire } from 'node:module'
import { exitCodes, firstError, messageOf, PipelineError } from '../errors.ts'
import type * as Config from '../config.ts'

/** Lines for stderr, each with its end. */
export function describe(thrown: unknown): string {
  const error = firstError(thrown)
  const lines = [`dag: ${messageOf(error).trim() || String(error)}`]
  if (error instanceof PipelineError) lines.push(...detailsOf(error))
  else if (isSystemError(error)) lines.push(...hintsOf(error))
  else lines.push('hint: this was not foreseen; with DAG_DEBUG=1 the command shows where it happened')
  if (isDebugging() && error instanceof Error) lines.push(error.stack ?? '')
  return `${lines.join('\n')}\n`
}

export function exitCodeOf(thrown: unknown): number {
  const error = firstError(thrown)
  return error instanceof PipelineError ? error.exitCode : exitCodes.failed
}

/** Also what is thrown where nobody can catch it, in a timer or by an event, ends the process with a sentence. */
export function describeUncaught(): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(describe(error))
    process.exit(exitCodeOf(error))
  })
}

function detailsOf({ message, hint, cause: given }: PipelineError): readonly string[] {
  const cause = given === undefined ? '' : messageOf(given)
  return [...(hint === undefined ? [] : [`hint: ${hint}`]), ...(message.includes(cause) ? [] : [`cause: ${cause}`])]
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

/** What an operator can do about the file that the message names. */
const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room, then run the command again',
  EDQUOT: 'the quota is used up: make room, then run the command again',
  EACCES: 'this user may not do that: check who owns the path, or run the command as that user',
  EPERM: 'this user may not do that: check who owns the path, or run the command as that user',
  EROFS: 'the file system is read-only: set the directory to another one, see .env.example',
  ENOTDIR: 'a file is in the way of a directory: check the settings, see .env.example',
  EISDIR: 'a directory is in the way of a file: check the settings, see .env.example',
}

function hintsOf({ code = '' }: NodeJS.ErrnoException): readonly string[] {
  const hint = hints[code]
  return hint === undefined ? [] : [`hint: ${hint}`]
}

function isDebugging(): boolean {
  // Loaded when something has failed: the settings take memory that the daemon does without.
  const config: typeof Config = createRequire(import.meta.url)('../config.ts')
  return config.isDebugging()
}
