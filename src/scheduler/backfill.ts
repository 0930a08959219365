/** A run for every slot of a span of days, by the dag's own schedule. */
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import type { Dag } from './dag.ts'
import { asLeader, type Leader, type RunOutcome, type RunSettings } from './loop.ts'
import { parseSession, type Session, sessionOf } from './session.ts'
import { type SeenRun, seenRun } from './seen-state.ts'
import type { Store } from './store.ts'
import { type Days, slotsOfDays } from './timetable.ts'

export interface BackfillOptions extends RunSettings {
  readonly dag: Dag
  readonly days: Days
  readonly order: 'asc' | 'desc'
  /** Of every new run; those of a run that exists stay as they are. */
  readonly params: Readonly<Record<string, string>>
  /** Runs that failed, were cancelled or were interrupted are resumed; otherwise they are left alone. */
  readonly rerunFailed: boolean
  /** How many runs at once. */
  readonly maxParallel: number
  /** Later slots are left to the schedule. Default: the present. */
  readonly until?: Date
}

/** What is to be done for one slot. */
export interface BackfillStep {
  readonly session: string
  readonly runId: string
  /** `none`: it has a run that is left alone, or its time has not come. */
  readonly action: 'trigger' | 'retry' | 'none'
  /** Of the run that exists, null when none does. */
  readonly state: SeenRun['state'] | null
}

export interface BackfillOutcome extends BackfillStep {
  /** Null when the run was never reached, since the backfill was stopped, or could not be begun. */
  readonly outcome: RunOutcome | null
  /** Why it could not be begun. */
  readonly error: string | null
}

/**
 * What a backfill would do, in its order. Nothing is changed.
 * @throws PipelineError (exit 2): the dag has no schedule, the days are none, a param is bad
 */
export function planBackfill(store: Store, options: BackfillOptions): readonly BackfillStep[] {
  const { dag, days, order, params } = options
  if (dag.timetable === null) {
    throw new PipelineError(`dag ${dag.name} has no schedule, so there is nothing to fill`, {
      exitCode: exitCodes.usage,
      retryable: false,
      hint: `\`dag trigger ${dag.name} --session …\` runs a session by hand`,
    })
  }
  const sessions = slotsOfDays(dag.name, dag.timetable, days).map(sessionOf)
  return (order === 'asc' ? sessions : sessions.toReversed()).map((session) => stepOf(store, options, session, params))
}

function stepOf(
  store: Store,
  { dag, rerunFailed, until = new Date() }: BackfillOptions,
  session: Session,
  params: Readonly<Record<string, string>>,
): BackfillStep {
  const existing = store.findSession(dag.name, session.text)
  if (existing === null) {
    // What is still to come belongs to the schedule.
    const action = session.instant > until ? 'none' : 'trigger'
    return { session: session.text, runId: dag.resolve(session, params).runId, action, state: null }
  }
  const { runId, state } = seenRun(store, existing)
  return { session: session.text, runId, action: rerunFailed && isResumable(state) ? 'retry' : 'none', state }
}

function isResumable(state: SeenRun['state']): boolean {
  return state === 'failed' || state === 'cancelled' || state === 'interrupted'
}

/**
 * Does it, a few runs at once, the others in their order; a run that fails stops no other.
 * @param onBegin told of each step before it is run
 * @throws PipelineError as {@link planBackfill}; exit 5 while another scheduler works here
 */
export async function runBackfill(
  options: BackfillOptions,
  onBegin: (step: BackfillStep) => void,
): Promise<readonly BackfillOutcome[]> {
  return asLeader(options, async (leader) => {
    const steps = planBackfill(leader.store, options)
    const outcomes = new Map<BackfillStep, Pick<BackfillOutcome, 'outcome' | 'error'>>()
    const waiting = steps.filter((step) => step.action !== 'none').values()
    const work = async (): Promise<void> => {
      for (const step of waiting) {
        if (options.signal?.aborted === true) return
        onBegin(step)
        outcomes.set(step, await runStep(leader, options, step))
      }
    }
    await Promise.all(Array.from({ length: options.maxParallel }, work))
    return steps.map((step) => Object.assign({}, step, outcomes.get(step) ?? { outcome: null, error: null }))
  })
}

async function runStep(
  leader: Leader,
  options: BackfillOptions,
  { action, runId, session }: BackfillStep,
): Promise<Pick<BackfillOutcome, 'outcome' | 'error'>> {
  try {
    const { dag, params } = options
    const outcome =
      action === 'retry'
        ? await leader.retry(runId, { ...options, dag })
        : await leader.trigger({ ...options, dag, params, session: parseSession(session), trigger: 'backfill' })
    return { outcome, error: null }
  } catch (error) {
    return { outcome: null, error: messageOf(error) }
  }
}
