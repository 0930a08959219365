/** Programs of this machine: Maven, Python, Java. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { hasCode, PipelineError } from '../errors.ts'
import { killGroup, processStart, signalGroup } from '../process-identity.ts'

export interface ProgramOptions {
  readonly cwd?: string
  readonly signal?: AbortSignal | undefined
  /** Tells {@link endOrphan} what is running. */
  readonly pidFile?: string
  /** The operator's next move when there is no such program. */
  readonly missing: string
  /** The operator's next move when it fails. */
  readonly failed: string
}

/**
 * Runs a program to its end.
 * @returns what it wrote to both outputs
 * @throws PipelineError with the end of that when it fails
 */
export async function run(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { cwd, signal, pidFile, missing, failed } = options
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that all it starts can be ended with it.
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  })
  const stop = (): void => void (child.pid === undefined || signalGroup(child.pid, 'SIGTERM'))
  signal?.addEventListener('abort', stop)
  if (pidFile !== undefined && child.pid !== undefined) writeFileSync(pidFile, `${child.pid} ${processStart(child.pid)}`)
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject).once('close', resolve)
  try {
    const [status, ...outputs] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    const output = outputs.join('')
    if (status === 0) return output
    throw new PipelineError(`${program} ${args.join(' ')} failed (${status ?? child.signalCode}):\n${lastLines(output)}`, {
      hint: failed,
    })
  } catch (cause) {
    signal?.throwIfAborted()
    if (!hasCode(cause, 'ENOENT')) throw cause
    throw new PipelineError(`${program} is not installed`, { hint: missing, retryable: false, cause })
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** Ends a program whose starter was killed. */
export async function endOrphan(pidFile: string): Promise<void> {
  const [, pid, started] = /^(\d+) (.+)$/.exec(readIfThere(pidFile)) ?? []
  if (pid !== undefined && started !== undefined) await killGroup(Number(pid), started)
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}

/** The end of a program's output, without colours. */
export function lastLines(output: string, count = 15): string {
  return stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n')
}
