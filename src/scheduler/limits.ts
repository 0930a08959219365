/** Who may start: places in all, places of pools, runs of a dag. Pure. */

/** A task that waits for a place. */
export interface Candidate {
  readonly pool: string | null
  readonly priority: number
  /** ISO 8601; null: just now. */
  readonly queuedAt: string | null
}

/** A task that has one. */
export interface Occupant {
  readonly pool: string | null
}

export interface Limits {
  /** Places in all. */
  readonly parallelism: number
  /** Places by name of the pool; one that is not named has no limit of its own. */
  readonly pools: Readonly<Record<string, number>>
}

/** So much waiting outweighs one step of priority: nothing waits for ever, however much comes that is more urgent. */
const agingMs = 600_000

/**
 * Which waiting tasks get a place now: the most urgent first, of equals the one that has waited longest, else in the order given. One
 * whose pool is full does not keep others waiting.
 */
export function claims<Task extends Candidate>(
  waiting: readonly Task[],
  running: readonly Occupant[],
  { parallelism, pools }: Limits,
  now: Date,
): readonly Task[] {
  const free = new Map(
    Object.entries(pools).map(([name, size]) => [name, size - running.filter((one) => one.pool === name).length]),
  )
  const taken: Task[] = []
  for (const task of waiting.toSorted((left, right) => urgency(right, now) - urgency(left, now) || since(left, right))) {
    if (running.length + taken.length >= parallelism) break
    const places = task.pool === null ? undefined : free.get(task.pool)
    if (places !== undefined && places <= 0) continue
    if (task.pool !== null && places !== undefined) free.set(task.pool, places - 1)
    taken.push(task)
  }
  return taken
}

/** Where two plans give a pool different sizes the smaller one holds. */
export function poolsOf(plans: readonly { readonly pools: Limits['pools'] }[]): Limits['pools'] {
  const sizes: Record<string, number> = {}
  for (const { pools } of plans) {
    for (const [name, size] of Object.entries(pools)) sizes[name] = Math.min(size, sizes[name] ?? size)
  }
  return sizes
}

/**
 * How many of the runs that wait may begin, first come first served.
 * @param maxActiveRuns of their dag; null: any number
 */
export function admitted(waiting: number, active: number, maxActiveRuns: number | null): number {
  return maxActiveRuns === null ? waiting : Math.max(0, Math.min(waiting, maxActiveRuns - active))
}

/** A clock that was set back makes nobody wait less than not at all. */
function urgency({ priority, queuedAt }: Candidate, now: Date): number {
  const waitedMs = queuedAt === null ? 0 : Math.max(0, now.getTime() - new Date(queuedAt).getTime())
  return priority + Math.floor(waitedMs / agingMs)
}

function since(left: Candidate, right: Candidate): number {
  const [one = '~', other = '~'] = [left.queuedAt ?? undefined, right.queuedAt ?? undefined]
  return one < other ? -1 : Number(one > other)
}
