/**
 * How a task has ended, written by the shell around it: a scheduler that was not there, or has died in between, reads it later.
 * One line, the exit code; a line without its end was cut off and does not count.
 */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { hasCode } from '../errors.ts'

/** Beside the result file of the same try. */
export function exitFileOf(resultFile: string): string {
  return resultFile.replace(/\.jsonl$/, '.exit')
}

/** @returns null when nothing, or nothing whole, has been written */
export function readExitFile(file: string): number | null {
  try {
    const code = /^(\d{1,3})\n$/.exec(readFileSync(file, 'latin1'))?.[1]
    return code === undefined ? null : Number(code)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** A shell says 128 + n of a command that signal n has killed. */
export function exitOf(shellCode: number): { readonly exitCode: number | null; readonly signal: string | null } {
  const signal = Object.entries(constants.signals).find(([, number]) => number === shellCode - 128)?.[0]
  return signal === undefined ? { exitCode: shellCode, signal: null } : { exitCode: null, signal }
}
