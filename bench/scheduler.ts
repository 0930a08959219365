/**
 * Claims: a task costs little more than its process; a long history costs nothing; many tasks at once need little memory.
 *
 *     npm run bench -- scheduler [rounds]      default 5
 *
 * 1. 40 tasks that sleep 10 ms in node, one after the other, against `sh -c "exec node …"` from a shell loop: in turns, so that a busy
 *    machine is busy for both. Also the whole command, with the start of the scheduler's own process.
 * 2. 10,000 finished runs of 20 tasks in the state: `dag status`, `runs`, `tasks`, and the time from `dag trigger` to the first child.
 * 3. 500 tasks side by side, 16 at once: each runs once; the most memory of the scheduler.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Table from 'cli-table3'
import { z } from 'zod'
import { fillHistory } from './support/history.ts'

const rounds = Number(process.argv[2] ?? 5)
const project = join(import.meta.dirname, '..')
const root = mkdtempSync(join(tmpdir(), 'bench-scheduler-'))
const env = {
  PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  NODE_COMPILE_CACHE: join(root, 'compile-cache'),
  DISCOGS_RAW: join(root, 'raw'),
  DISCOGS_DATA_LAKE: join(root, 'lake'),
}
const shape = z.object({ state: z.literal('success'), runMs: z.number(), maxRssMb: z.number() })
const chain = 40
const table = new Table({ head: ['what', 'asked', 'least', 'median', 'most'] })

/** A scheduler in a process of its own; see support/scheduler-run.ts. */
function schedule(name: string, ...args: readonly string[]): z.output<typeof shape> & { readonly wallMs: number } {
  const started = performance.now()
  const script = join(import.meta.dirname, 'support/scheduler-run.ts')
  const output = execFileSync(process.execPath, [script, join(root, name), ...args], { cwd: project, env, encoding: 'utf8' })
  return { ...shape.parse(JSON.parse(output)), wallMs: performance.now() - started }
}

function bareLoop(): number {
  const loop = `i=0; while [ $i -lt ${chain} ]; do sh -c "exec node bench/support/tasks/sleep.ts"; i=$((i + 1)); done`
  const started = performance.now()
  execFileSync('sh', ['-c', loop], { cwd: project, env })
  return performance.now() - started
}

function add(what: string, asked: string, numbers: readonly number[], digits = 0): void {
  const sorted = numbers.toSorted((left, right) => left - right)
  const [least = NaN, median = NaN, most = NaN] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  table.push([what, asked, ...[least, median, most].map((number) => number.toFixed(digits))])
}

function measureChain(): void {
  const [bare, run, whole]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round <= rounds; round += 1) {
    const bareMs = bareLoop()
    const { runMs, wallMs } = schedule(`chain-${round}`, 'chain', String(chain), '1')
    // The first one fills caches.
    if (round === 0) continue
    bare.push(bareMs)
    run.push(runMs)
    whole.push(wallMs)
  }
  add(`${chain} tasks from a shell loop, ms`, '', bare)
  add(`${chain} tasks by the scheduler, ms`, '', run)
  add('the whole command, ms', '2300', whole)
  const ratios = run.map((ms, index) => ms / (bare[index] ?? NaN))
  add('scheduler / shell loop, round by round', '1.25', ratios, 2)
  add('least / least', '1.25', [Math.min(...run) / Math.min(...bare)], 2)
}

async function measureHistory(): Promise<void> {
  const stateDir = join(root, 'history')
  fillHistory(stateDir, 10_000, 20)
  const here = { ...env, DAG_STATE: stateDir }
  const commands = [['status', 'latest'], ['runs'], ['tasks', 'latest'], ['list']]
  const times = commands.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, args] of commands.entries()) {
      const started = performance.now()
      execFileSync(process.execPath, [join(project, 'src/cli/dag.ts'), ...args], { cwd: project, env: here })
      if (round > 0) times[index]?.push(performance.now() - started)
    }
  }
  for (const [index, args] of commands.entries()) {
    // `list` reads no state: what a command costs before it does anything.
    const asked = args[0] === 'list' ? '' : '200'
    add(`dag ${args.join(' ')}, 10,000 runs, ms`, asked, times[index] ?? [])
  }
  const first: number[] = []
  for (let round = 0; round < rounds; round += 1) first.push(await firstChildMs(here, round))
  add('dag trigger to its first child, ms', '200', first)
}

/** Until the log of the first task is there, which is made as its process is started. */
async function firstChildMs(here: Readonly<Record<string, string>>, round: number): Promise<number> {
  const started = Date.now()
  const session = `2027-01-01 00:00:0${round}`
  const args = ['trigger', 'main', '--session', session, '--param', 'dump_month=2027-01']
  const child = spawn(process.execPath, [join(project, 'src/cli/dag.ts'), ...args], { cwd: project, env: here, stdio: 'ignore' })
  const ended = once(child, 'exit')
  const log = join(here['DAG_STATE'] ?? '', 'logs', `2027-01__20270101_00000${round}`, '1', 'preflight.1.log')
  while (!existsSync(log)) await sleep(1)
  const ms = statSync(log).birthtimeMs - started
  child.kill('SIGTERM')
  await ended
  return ms
}

function measureFanOut(): void {
  const { maxRssMb, runMs } = schedule('fan', 'fan', '500', '16')
  const done = readFileSync(join(root, 'fan', 'tally'), 'utf8')
    .trim()
    .split('\n')
  const once = new Set(done).size
  add('500 tasks, 16 at once: memory of the scheduler, MB', '150', [maxRssMb])
  add('… ms', '', [runMs])
  add('… tasks that ran, in all', '500', [done.length])
  add('… different ones', '500', [once])
}

try {
  measureChain()
  await measureHistory()
  measureFanOut()
} finally {
  rmSync(root, { recursive: true, force: true })
}
console.log(table.toString())
