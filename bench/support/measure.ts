/** Runs commands as whole processes and tells what they took. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Usage {
  /** From the start of the process to its end. */
  readonly wallMs: number
  readonly cpuMs: number
  /** NaN where nobody says. */
  readonly maxRssMb: number
  readonly output: string
}

const usageModule = join(import.meta.dirname, 'usage.mjs')

/** Runs a script in node. @throws Error with its output when it fails */
export async function runNode(args: readonly string[]): Promise<Usage> {
  return runMeasured(process.execPath, args, {})
}

/** Runs a shell command, whatever it consists of. */
export async function runShell(command: string): Promise<Pick<Usage, 'wallMs' | 'output'>> {
  return runProcess('sh', ['-c', command], {})
}

/** Runs a shell command in the project. Its CPU time is also that of every process that it has waited for. */
export async function runTree(command: string, environment: Readonly<Record<string, string>>): Promise<Omit<Usage, 'maxRssMb'>> {
  const { wallMs, output } = await runProcess('sh', ['-c', `${command} && times`], environment)
  return { wallMs, cpuMs: childrenMs(output), output: output.trimEnd().split('\n').slice(0, -2).join('\n') }
}

/** Runs a shell command that becomes one node process, in the project. */
export async function runCommand(command: string, environment: Readonly<Record<string, string>>): Promise<Usage> {
  return runMeasured('sh', ['-c', command], environment)
}

async function runMeasured(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Usage> {
  const directory = mkdtempSync(join(tmpdir(), 'usage-'))
  const file = join(directory, 'usage.json')
  try {
    const run = await runProcess(command, args, { ...environment, NODE_OPTIONS: `--import=${usageModule}`, BENCH_USAGE: file })
    return { ...run, ...(JSON.parse(readFileSync(file, 'utf8')) as Pick<Usage, 'cpuMs' | 'maxRssMb'>) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Runs `gzip -dc file > /dev/null`. */
export async function runGunzip(file: string): Promise<Usage> {
  const { wallMs, output } = await runProcess('sh', ['-c', 'gzip -dc "$1" > /dev/null; times', 'sh', file], {})
  return { wallMs, cpuMs: childrenMs(output), maxRssMb: Number.NaN, output }
}

/** What `times` has said last: its second line is user and system time of the children, as 0m1.310s. */
function childrenMs(output: string): number {
  const times = (output.trimEnd().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)
  const cpuMs = Array.from(times, ([, minutes, seconds]) => 60_000 * Number(minutes) + 1000 * Number(seconds))
  return cpuMs.reduce((sum, ms) => sum + ms, 0)
}

async function runProcess(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Pick<Usage, 'wallMs' | 'output'>> {
  const started = performance.now()
  const env = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, ...environment }
  const child = spawn(command, args, { env, cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'pipe', 'pipe'] })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => output.push(text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.join('')}`)
  return { wallMs: performance.now() - started, output: output.join('') }
}

export function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN
}
