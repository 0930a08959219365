/** Kills what belongs to a run, at random instants, until the run has succeeded in spite of it. Everything is real. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Random } from '../../src/demo/random.ts'
import { livingMembers } from '../../src/process-identity.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { openStore, type TryRecord } from '../../src/scheduler/store.ts'

export interface ChaosOptions {
  readonly stateDir: string
  readonly runId: string
  /** Starts a scheduler, in a process of its own, that triggers the run or retries it. */
  readonly start: (verb: 'trigger' | 'retry') => ChildProcess
  /** After so many kills the run is left in peace. */
  readonly kills: number
  /** Between one kill and the next, at most. */
  readonly pauseMs: number
  readonly random: () => number
}

type Target = 'scheduler' | 'shell' | 'member' | 'group' | 'everything'
const targets: readonly Target[] = ['scheduler', 'scheduler', 'shell', 'member', 'group', 'everything']

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  const random = new Random(seed)
  return () => random.next() / 2 ** 32
}

/**
 * Runs to success under fire.
 * @returns how many processes were killed, by what they were
 * @throws Error when the run does not succeed within a number of starts that no kill explains
 */
export async function survive(options: ChaosOptions): Promise<Readonly<Record<string, number>>> {
  const killed: Record<string, number> = {}
  let left = options.kills
  for (let starts = 0; stateOf(options) !== 'success'; starts += 1) {
    if (starts > options.kills + 20) throw new Error(`run ${options.runId} is ${stateOf(options)} after ${starts} starts`)
    const scheduler = options.start(stateOf(options) === null ? 'trigger' : 'retry')
    const ended = once(scheduler, 'exit').then(() => true)
    while (left > 0 && !(await Promise.race([ended, sleep(options.random() * options.pauseMs, false)]))) {
      const target = targets[Math.floor(options.random() * targets.length)] ?? 'scheduler'
      if (!kill(target, scheduler, options)) continue
      killed[target] = (killed[target] ?? 0) + 1
      left -= 1
    }
    await ended
  }
  return killed
}

/** @returns what is wrong after a run has succeeded; empty when nothing is */
export function leftovers({ stateDir, runId }: Pick<ChaosOptions, 'stateDir' | 'runId'>): readonly string[] {
  const database = new Database(databaseFile(stateDir), { readonly: true })
  const integrity = String(database.pragma('integrity_check', { simple: true }))
  const running = ['run', 'attempt', 'task', 'try'].filter(
    (table) => database.prepare(`select count(*) from ${table} where state = 'running'`).pluck().get() !== 0,
  )
  const silent = Number(database.prepare('select count(*) from event where detail is null').pluck().get())
  database.close()
  using store = openStore(stateDir, { readonly: true })
  const promotions = store.promotions().filter((one) => one.toRunId === runId && one.state === 'done').length
  return [
    ...(integrity === 'ok' ? [] : [`integrity_check: ${integrity}`]),
    ...running.map((table) => `a ${table} is still called running`),
    ...(silent === 0 ? [] : [`${silent} events without a reason`]),
    ...(promotions === 1 ? [] : [`${promotions} promotions of the run are done`]),
    ...overlaps(store.tries(runId)),
    ...orphans(stateDir).map((pid) => `process ${pid} is left`),
  ]
}

/** Pids of living processes that have the state's directory in their environment. */
export function orphans(stateDir: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`DAG_STATE=${stateDir}\0`) ? [pid] : []
    } catch {
      return []
    }
  })
}

function stateOf({ stateDir, runId }: ChaosOptions): string | null {
  if (!existsSync(databaseFile(stateDir))) return null
  using store = openStore(stateDir, { readonly: true })
  return store.findRun(runId)?.state ?? null
}

function kill(target: Target, scheduler: ChildProcess, options: ChaosOptions): boolean {
  const pids = [...pidsOf(target, options), ...(target === 'scheduler' || target === 'everything' ? [scheduler.pid ?? 0] : [])]
  return pids.filter((pid) => pid > 1 && send(pid)).length > 0
}

function pidsOf(target: Target, options: ChaosOptions): readonly number[] {
  const shells = shellsOf(options)
  if (target === 'scheduler') return []
  if (target === 'everything') return shells.flatMap((pid) => livingMembers(pid))
  const shell = shells[Math.floor(options.random() * shells.length)]
  if (shell === undefined) return []
  const members = livingMembers(shell)
  if (target === 'shell') return members.filter((pid) => pid === shell)
  if (target === 'group') return members
  const others = members.filter((pid) => pid !== shell)
  return others.slice(Math.floor(options.random() * others.length)).slice(0, 1)
}

function shellsOf({ stateDir, runId }: ChaosOptions): readonly number[] {
  if (!existsSync(databaseFile(stateDir))) return []
  using store = openStore(stateDir, { readonly: true })
  if (store.findRun(runId) === null) return []
  return store.tries(runId).flatMap(({ state, pid }) => (state === 'running' && pid !== null ? [pid] : []))
}

function send(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** Two tries of a task never live at the same time. */
function overlaps(tries: readonly TryRecord[]): readonly string[] {
  return tries.flatMap((one) =>
    tries
      .filter((other) => other !== one && other.taskId === one.taskId && other.startedAt >= one.startedAt)
      .filter((other) => one.endedAt === null || other.startedAt < one.endedAt)
      .map((other) => `try ${other.tryNumber} of ${one.taskId} began before try ${one.tryNumber} had ended`),
  )
}
