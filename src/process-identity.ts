/** Telling a process from another one that got the same pid later. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * When a process began, as text that no other process with the same pid has.
 * @returns null when there is no such process, or only its remains (a zombie)
 */
export function processStart(pid: number): string | null {
  return process.platform === 'linux' ? startInProc(pid) : startFromPs(pid)
}

/** Ends a process group at once and waits until its leader is gone; does nothing when the pid means another process by now. */
export async function killGroup(pid: number, started: string, waitMs = 5_000): Promise<void> {
  if (processStart(pid) !== started) return
  signalGroup(pid, 'SIGKILL')
  for (const end = performance.now() + waitMs; processStart(pid) === started && performance.now() < end; ) await sleep(10)
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

/** proc_pid_stat(5): the state is field 3, the start field 22, in ticks since boot; field 2 may hold spaces and brackets. */
function startInProc(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    const [state, ticks] = [fields[0], fields[19]]
    return state === undefined || ticks === undefined || 'ZXx'.includes(state) ? null : `${bootId()} ${ticks}`
  } catch {
    return null
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}

function startFromPs(pid: number): string | null {
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    return state === undefined || state === '' || state.startsWith('Z') ? null : started.join(' ')
  } catch {
    return null
  }
}
