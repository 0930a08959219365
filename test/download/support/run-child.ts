import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const script = join(import.meta.dirname, 'fetch-child.ts')

/** Half of a short process's time is spent on compiling: once is enough. */
const env = { PATH: '/usr/local/bin:/usr/bin:/bin', NODE_COMPILE_CACHE: join(tmpdir(), 'download-compile-cache') }

export interface ChildEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** @param more variables of its environment */
export function startChild(baseUrl: string, rawDir: string, more: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [script, baseUrl, rawDir], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
}

export async function endOf(child: ChildProcess): Promise<ChildEnd> {
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ])
  await closed
  return { code: child.exitCode, stdout, stderr }
}

/** The command of {@link startChild} for a shell. @param only one dump, all by default */
export function childCommand(baseUrl: string, rawDir: string, only = ''): string {
  return `'${process.execPath}' '${script}' '${baseUrl}' '${rawDir}' ${only}`
}
