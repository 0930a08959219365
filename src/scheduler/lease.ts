/**
 * One scheduler per state directory: a lease with a heartbeat and a fencing token. A holder that has been taken for dead and wakes up
 * again cannot write: every one of its transactions begins with a look at the token.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCodes, PipelineError } from '../errors.ts'
import { lifeOf, processStart } from '../process-identity.ts'
import { LeaseLostError } from './store/lease-rows.ts'
import type { LeaseRecord, Store } from './store.ts'

const leaseName = 'scheduler'

export interface LeaseTimes {
  readonly heartbeatEveryMs: number
  /** By the clock of the machine: a holder whose heartbeat is older, or lies in the future, is watched. */
  readonly silentAfterMs: number
  /** By our own stopwatch, since clocks are set: a holder that gives no sign of life for so long while it is watched is replaced. */
  readonly watchedForMs: number
}

const standardTimes: LeaseTimes = { heartbeatEveryMs: 5_000, silentAfterMs: 30_000, watchedForMs: 12_000 }
const lookEveryMs = 250

/** Held until it is disposed of. */
export class Lease implements Disposable {
  readonly #store: Store
  readonly #owner: string
  readonly #timer: NodeJS.Timeout
  readonly #lost = new AbortController()

  constructor(store: Store, { owner, token }: LeaseRecord, heartbeatEveryMs: number) {
    this.#store = store
    this.#owner = owner
    store.leases.fence(leaseName, token)
    this.#timer = setInterval(() => this.#beat(), heartbeatEveryMs)
    this.#timer.unref()
  }

  /** Aborted, with a LeaseLostError, when another scheduler has taken over, believing this one dead. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#store.leases.fence(leaseName, null)
    this.#store.leases.release(leaseName, this.#owner)
  }

  #beat(): void {
    try {
      this.#store.leases.heartbeat(leaseName)
    } catch (error) {
      // A state that is locked for long, or a full disk, shows where it matters: at the next transition.
      if (!(error instanceof LeaseLostError)) return
      clearInterval(this.#timer)
      this.#lost.abort(error)
    }
  }
}

/** @throws PipelineError (exit 5) while another scheduler lives; one that is dead is replaced at once, one that is silent after a while */
export async function acquireLease(store: Store, times: LeaseTimes = standardTimes): Promise<Lease> {
  const owner = randomUUID()
  const self = { owner, pid: process.pid, pidStarted: processStart(process.pid) ?? 'unknown', host: hostname() }
  const silent = await silentHolder(store, times)
  const isSilent = (other: LeaseRecord): boolean => other.token === silent?.token && other.beats === silent.beats
  const held = store.leases.acquire(leaseName, self, (other) => !isDead(other) && !isSilent(other))
  if (held.owner === owner) return new Lease(store, held, times.heartbeatEveryMs)
  const where = placeOf(held)
  const stopping = where === 'here' ? `with \`kill ${held.pid}\`` : 'where it runs'
  throw new PipelineError(
    `a scheduler is already at work on ${store.stateDir}: pid ${held.pid} ${where === 'namespace' ? 'in another PID namespace ' : ''}on ${held.host}, since ${held.acquiredAt}`,
    {
      exitCode: exitCodes.locked,
      retryable: false,
      hint: `wait for it, or stop it ${stopping}: its run can then be resumed with \`dag retry\``,
    },
  )
}

/** Where the process of a holder is: its pid means something `here` alone. */
function placeOf({ host, pid, pidStarted }: LeaseRecord): 'here' | 'namespace' | 'machine' {
  if (host !== hostname()) return 'machine'
  return lifeOf(pid, pidStarted) === 'elsewhere' ? 'namespace' : 'here'
}

/** Who holds the lease by the state, and whether that process lives; null when nobody does. */
export function schedulerHolder(store: Store): (LeaseRecord & { readonly isAlive: boolean }) | null {
  const holder = store.leases.holder(leaseName)
  if (holder === null) return null
  const isAlive = !isDead(holder) && (placeOf(holder) === 'here' || !isLate(holder, store.now(), standardTimes))
  return { ...holder, isAlive }
}

/**
 * Watches a holder that seems to hang, or one of another PID namespace of this machine: a container that has just been restarted leaves a
 * fresh heartbeat. @returns it, when it gave no sign of life
 */
async function silentHolder(store: Store, times: LeaseTimes): Promise<LeaseRecord | null> {
  const holder = store.leases.holder(leaseName)
  if (holder === null || isDead(holder)) return null
  if (placeOf(holder) !== 'namespace' && !isLate(holder, store.now(), times)) return null
  for (const end = performance.now() + times.watchedForMs; performance.now() < end; ) {
    await sleep(Math.min(lookEveryMs, times.watchedForMs))
    const now = store.leases.holder(leaseName)
    if (now?.token !== holder.token || now.beats !== holder.beats) return null
  }
  return holder
}

/** Certain: its process ran here and is gone. */
function isDead({ host, pid, pidStarted }: LeaseRecord): boolean {
  return host === hostname() && lifeOf(pid, pidStarted) === 'gone'
}

function isLate({ heartbeatAt }: LeaseRecord, now: Date, { silentAfterMs }: LeaseTimes): boolean {
  const ageMs = now.getTime() - new Date(heartbeatAt).getTime()
  return ageMs < 0 || ageMs > silentAfterMs
}
