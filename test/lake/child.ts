/** Child processes of the lake's tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script beside this file to its end. @param uid the user to run as, for tests about permissions */
export async function runChild(script: string, args: readonly string[], uid?: number): Promise<Ended> {
  const { ended } = startChild(script, args, uid)
  return await ended
}

export interface Started {
  readonly ended: Promise<Ended>
  /** Its first output. */
  readonly spoke: Promise<unknown>
  kill(): void
}

export function startChild(script: string, args: readonly string[], uid?: number): Started {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const exit = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const spoke = once(child.stdout, 'readable')
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]).then(([end, stdout, stderr]) => ({
    ...end,
    stdout,
    stderr,
  }))
  return { ended, spoke, kill: () => void child.kill('SIGKILL') }
}
