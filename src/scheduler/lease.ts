/** One scheduler per state directory. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { exitCodes, PipelineError } from '../errors.ts'
import { processStart } from '../process-identity.ts'
import type { LeaseRecord, Store } from './store.ts'

const leaseName = 'scheduler'
const heartbeatEveryMs = 5_000
/** Of a holder on another machine, whose processes cannot be seen from here. */
const silentAfterMs = 60_000

/** Held until it is disposed of. */
export class Lease implements Disposable {
  readonly #store: Store
  readonly #owner: string
  readonly #timer: NodeJS.Timeout
  readonly #lost = new AbortController()

  constructor(store: Store, owner: string) {
    this.#store = store
    this.#owner = owner
    this.#timer = setInterval(() => this.#beat(), heartbeatEveryMs)
    this.#timer.unref()
  }

  /** Aborted when another scheduler has taken over, believing this one dead. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#store.leases.release(leaseName, this.#owner)
  }

  #beat(): void {
    if (this.#store.leases.heartbeat(leaseName, this.#owner)) return
    clearInterval(this.#timer)
    this.#lost.abort(new PipelineError('another scheduler has taken over this state directory'))
  }
}

/** @throws PipelineError (exit 5) while another scheduler lives; one that is dead is replaced at once */
export function acquireLease(store: Store): Lease {
  const owner = randomUUID()
  const self = { owner, pid: process.pid, pidStarted: processStart(process.pid) ?? 'unknown', host: hostname() }
  const other = store.leases.acquire(leaseName, self, (holder) => isAlive(holder, store.now()))
  if (other === null) return new Lease(store, owner)
  throw new PipelineError(
    `a scheduler is already at work on ${store.stateDir}: pid ${other.pid} on ${other.host}, since ${other.acquiredAt}`,
    {
      exitCode: exitCodes.locked,
      retryable: false,
      hint: `wait for it, or stop it with \`kill ${other.pid}\`: its run can then be resumed with \`dag retry\``,
    },
  )
}

/** Who holds the lease by the state, and whether that process lives; null when nobody does. */
export function schedulerHolder(store: Store): (LeaseRecord & { readonly isAlive: boolean }) | null {
  const holder = store.leases.holder(leaseName)
  return holder === null ? null : { ...holder, isAlive: isAlive(holder, store.now()) }
}

function isAlive(holder: LeaseRecord, now: Date): boolean {
  if (holder.host === hostname()) return processStart(holder.pid) === holder.pidStarted
  return now.getTime() - new Date(holder.heartbeatAt).getTime() < silentAfterMs
}
