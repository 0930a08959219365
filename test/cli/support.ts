/** The command line as a person meets it: a child process, an exit code, two streams, and a lake in a temporary directory. */
import { type ChildProcessByStdio, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { loadConfig } from '../../src/config.ts'
import { removeLake } from '../support/remove-lake.ts'
import { dumpFileName, generateDumps } from '../../src/demo/generate.ts'

export const month = '2026-04'
export const releases = 60
const projectDir = loadConfig({ environment: {} }).projectDir

export type Variables = Readonly<Record<string, string>>

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Started = ChildProcessByStdio<null, Readable, Readable>

/** Starts `dag` with nothing in its environment but what a shell needs and `env`. */
export function startDag(args: readonly string[], env: Variables, user: User = {}): Started {
  return start(process.execPath, [join(projectDir, 'src/cli/dag.ts'), ...args], env, user)
}

export function dag(args: readonly string[], env: Variables, user: User = {}): Promise<Outcome> {
  return outcomeOf(startDag(args, env, user))
}

/** Runs a shell script from a file. */
export function sh(file: string, env: Variables): Promise<Outcome> {
  return outcomeOf(start('/bin/sh', [file], env))
}

/** Who runs a command; only root may choose. */
type User = Pick<SpawnOptions, 'uid'>

function start(command: string, args: readonly string[], env: Variables, user: User = {}): Started {
  const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`
  return spawn(command, args, { cwd: projectDir, env: { PATH: path, ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...user })
}

export async function outcomeOf(child: Started): Promise<Outcome> {
  const ended = once(child, 'close')
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  await ended
  return { code: child.exitCode, stdout, stderr }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  return text
}

/** Raw dumps, a lake and a state directory of their own. */
export class Place implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'dag-cli-'))
  readonly rawDir = join(this.dir, 'raw')
  readonly lakeDir = join(this.dir, 'lake')
  readonly stateDir = join(this.dir, 'state')
  readonly env: Variables = {
    DISCOGS_RAW: this.rawDir,
    DISCOGS_DATA_LAKE: this.lakeDir,
    DAG_STATE: this.stateDir,
    DAG_PARALLELISM: '2',
    // Half of a short command's time is spent on compiling: once is enough, `npm test` keeps it for the next time.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(this.dir, 'compile-cache'),
  }

  async generate(): Promise<void> {
    await generateDumps({ directory: join(this.rawDir, month), month, releases })
  }

  dag(...args: readonly string[]): Promise<Outcome> {
    return dag(args, this.env)
  }

  /** What a command that must succeed prints as JSON. */
  async json<Shape extends z.ZodType>(shape: Shape, ...args: readonly string[]): Promise<z.output<Shape>> {
    const { code, stdout, stderr } = await this.dag(...args, '--json')
    if (code !== 0) throw new Error(`dag ${args.join(' ')} exited with ${code}: ${stderr}`)
    return shape.parse(JSON.parse(stdout))
  }

  /** How many releases a run holds, the published one by default, as `sql --json` answers it. */
  async releases(...more: readonly string[]): Promise<number> {
    const answer = await this.json(countShape, 'sql', 'select count(*) as n from releases_v6', ...more)
    return answer.rows[0].n
  }

  dumpFile(dump: 'artists' | 'labels' | 'masters' | 'releases'): string {
    return join(this.rawDir, month, dumpFileName(month, dump))
  }

  runDir(runId: string): string {
    return join(this.lakeDir, '_runs', runId)
  }

  [Symbol.dispose](): void {
    removeLake(this.dir)
  }
}

/** Every entry below a directory with its mode and the hash of its bytes, or where it points. */
export function listing(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted()
  return Object.fromEntries(names.map((name) => [name, entry(join(directory, name))]))
}

function entry(path: string): string {
  const stats = lstatSync(path)
  const mode = (stats.mode & 0o7777).toString(8)
  if (stats.isSymbolicLink()) return `link ${readlinkSync(path)}`
  return stats.isDirectory()
    ? `directory ${mode}`
    : `file ${mode} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`
}

/** Waits until `found` answers something but null, at most 20 seconds. */
export async function eventually<Found>(what: string, found: () => Found | null): Promise<Found> {
  for (let left = 2000; left > 0; left -= 1) {
    const value = found()
    if (value !== null) return value
    await sleep(10)
  }
  throw new Error(`${what} did not happen within 20 s`)
}

/** Parts of what the commands print as JSON. */
export const taskShape = z.object({
  taskId: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  carriedFrom: z.number().nullable(),
  startedAt: z.string().nullable(),
  rows: z.record(z.string(), z.number()).nullable(),
})
export const outcomeShape = z.object({ runId: z.string(), state: z.string(), tasks: z.array(taskShape) })
export const activeShape = z.object({ runId: z.string(), dir: z.string(), previous: z.array(z.object({ runId: z.string() })) })

const countShape = z.object({
  columns: z.tuple([z.literal('n')]),
  rowCount: z.literal(1),
  rows: z.tuple([z.object({ n: z.number() })]),
})
