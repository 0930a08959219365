/** The places of one scheduler, shared by the runs it has under way. */
import { type Candidate, claims, type Limits, poolsOf } from './limits.ts'
import type { Plan } from './plan-graph.ts'

/** A run that wants places. */
export interface Tenant {
  readonly plan: Plan
  /** Called when a place of another run has become free and the turn is ours. */
  readonly wake: () => void
}

interface Wish extends Candidate {
  readonly tenant: Tenant
  readonly taskId: string
}

export class Places {
  readonly #parallelism: number
  readonly #now: () => Date
  readonly #taken = new Map<Tenant, ReadonlyMap<string, { readonly pool: string | null }>>()
  readonly #wishes = new Map<Tenant, readonly Wish[]>()

  constructor(parallelism: number, now: () => Date) {
    this.#parallelism = parallelism
    this.#now = now
  }

  /**
   * Tells what a run holds and what it wants.
   * @returns ids of the tasks that may start now
   */
  claim(
    tenant: Tenant,
    held: ReadonlyMap<string, { readonly pool: string | null }>,
    wanted: readonly (Candidate & { readonly taskId: string })[],
  ): ReadonlySet<string> {
    this.#taken.set(tenant, held)
    this.#wishes.set(
      tenant,
      wanted.map(({ taskId, pool, priority, queuedAt }) => ({ tenant, taskId, pool, priority, queuedAt })),
    )
    const granted = this.#granted()
    const ours = granted.filter((wish) => wish.tenant === tenant)
    for (const other of new Set(granted.map((wish) => wish.tenant))) if (other !== tenant) other.wake()
    this.#taken.set(tenant, new Map([...held, ...ours.map((wish) => [wish.taskId, wish] as const)]))
    this.#wishes.set(tenant, this.#wishes.get(tenant)?.filter((wish) => !ours.includes(wish)) ?? [])
    return new Set(ours.map((wish) => wish.taskId))
  }

  /** The run has ended. */
  leave(tenant: Tenant): void {
    this.#taken.delete(tenant)
    this.#wishes.delete(tenant)
    for (const other of new Set(this.#granted().map((wish) => wish.tenant))) other.wake()
  }

  #granted(): readonly Wish[] {
    const limits: Limits = { parallelism: this.#parallelism, pools: poolsOf([...this.#wishes.keys()].map(({ plan }) => plan)) }
    const running = [...this.#taken.values()].flatMap((held) => held.values().toArray())
    return claims([...this.#wishes.values()].flat(), running, limits, this.#now())
  }
}
