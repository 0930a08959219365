/** Telling a process from another one that got the same pid later, and whose it is. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Identifies a process for the records: on Linux `<boot> <ticks since boot> <PID namespace>`, elsewhere its start in UTC. No other process
 * with the same pid has the same text.
 * @returns null when there is no such process, or only its remains (a zombie)
 */
export function processStart(pid: number): string | null {
  return process.platform === 'linux' ? startInProc(pid) : startFromPs(pid)
}

/** `elsewhere`: the process belongs to another PID namespace (a container), so its pid means nothing here and nobody can tell. */
export type Life = 'alive' | 'gone' | 'elsewhere'

/** @param started what {@link processStart} has said of the process, perhaps in another PID namespace or in an older version */
export function lifeOf(pid: number, started: string): Life {
  const [boot, ticks, namespace] = started.split(' ')
  if (namespace?.startsWith('pid:') === true && namespace !== ownNamespace() && boot === bootId()) return 'elsewhere'
  // Records of older versions do not name the namespace.
  const expected = ticks !== undefined && namespace === undefined ? `${started} ${ownNamespace()}` : started
  return processStart(pid) === expected ? 'alive' : 'gone'
}

/** True only when the process is certainly there. */
export function isAlive(pid: number, started: string): boolean {
  return lifeOf(pid, started) === 'alive'
}

/** Ends a process group at once and waits until its leader is gone; does nothing when the pid means another process by now. */
export async function killGroup(pid: number, started: string, waitMs = 5_000): Promise<void> {
  if (!isAlive(pid, started)) return
  signalGroup(pid, 'SIGKILL')
  for (const end = performance.now() + waitMs; isAlive(pid, started) && performance.now() < end; ) await sleep(10)
}

/** @returns false when nobody is left in the group */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    // ESRCH: all gone. EPERM: macOS says so of groups that hold only zombies.
    return false
  }
}

/**
 * True while a process of the group lives. What is left of dead ones (zombies) does not count: in a container without a reaper
 * they stay for ever.
 */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  return livingMembers(group).length > 0
}

/** Ends what is left of a group and waits, for as long as it takes, until the last process is gone: until then its files are in use. */
export async function endGroup(group: number): Promise<void> {
  for (let waitMs = 1; isGroupAlive(group); waitMs = Math.min(2 * waitMs, 50)) {
    signalGroup(group, 'SIGKILL')
    await sleep(waitMs)
  }
}

/**
 * True when a living process of the group has `NAME=value` in its environment: a group whose leader is dead is recognised by that.
 * Always false where there is no /proc.
 */
export function isGroupOf(group: number, variable: string): boolean {
  return livingMembers(group).some((pid) => environmentOf(pid).includes(variable))
}

/** Pids of the living processes of a group. */
export function livingMembers(group: number): readonly number[] {
  if (process.platform !== 'linux') return membersFromPs(group)
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    const stat = Number.isInteger(pid) ? statInProc(pid) : null
    return stat !== null && stat.isAlive && stat.group === group ? [pid] : []
  })
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    // Gone in the meantime, of another user, or no /proc.
    return []
  }
}

function startInProc(pid: number): string | null {
  const stat = statInProc(pid)
  return stat?.isAlive === true ? `${bootId()} ${stat.ticks} ${ownNamespace()}` : null
}

/**
 * proc_pid_stat(5): the state is field 3, the group field 5, the start field 22, in ticks since boot; field 2 may hold spaces and
 * brackets.
 */
function statInProc(pid: number): { readonly isAlive: boolean; readonly group: number; readonly ticks: string } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    const [state, group, ticks] = [fields[0], fields[2], fields[19]]
    if (state === undefined || ticks === undefined) return null
    return { isAlive: !'ZXx'.includes(state), group: Number(group), ticks }
  } catch {
    return null
  }
}

/** Some sandboxes do not show it. The ticks alone are then taken to tell processes of two boots apart. */
function bootId(): string {
  try {
    return readFileSync(bootIdFile, 'latin1').trim()
  } catch {
    return 'unknown-boot'
  }
}

const bootIdFile = '/proc/sys/kernel/random/boot_id'

/** The PID namespace in which pids have their meaning here, such as `pid:[4026531836]`; two that live at once never share a number. */
function ownNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'pid:unknown'
  }
}

/** The start must read the same in every locale and every time zone. */
const plainEnvironment = { PATH: '/bin:/usr/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

export function startFromPs(pid: number): string | null {
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: plainEnvironment,
    })
      .trim()
      .split(/\s+/)
    return state === undefined || state === '' || state.startsWith('Z') ? null : started.join(' ')
  } catch {
    return null
  }
}

function membersFromPs(group: number): readonly number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,state='], { encoding: 'utf8', env: plainEnvironment })
    .trim()
    .split('\n')
  return lines.flatMap((line) => {
    const [pid, pgid, state = ''] = line.trim().split(/\s+/)
    return Number(pgid) === group && !state.startsWith('Z') ? [Number(pid)] : []
  })
}

/** Who runs this process, for the records. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a user id that has no name.
    return 'unknown'
  }
}
