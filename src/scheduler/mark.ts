/** What a person may say of a task that has ended. Pure. */
import { exitCodes, PipelineError } from '../errors.ts'
import type { RunRecord, TaskRecord } from './store.ts'
import type { Mark } from './store/mark-rows.ts'

/** A mark that is asked for. */
export interface MarkAsked extends Pick<Mark, 'to' | 'reason'> {
  /** The run is sealed, and the task made a part of what was sealed. */
  readonly isSealed: boolean
}

/**
 * What marking a task means for it and its run.
 * @throws PipelineError (exit 3): the run is still running, its data is sealed, or the task gates a promotion, moves the pointer, never
 * ran, or is so already
 */
export function markOf(
  run: RunRecord,
  tasks: readonly TaskRecord[],
  task: TaskRecord,
  { to, reason, isSealed }: MarkAsked,
): Mark {
  const refusal = refusalOf(run, task, { to, isSealed })
  if (refusal !== null)
    throw new PipelineError(`task ${task.taskId} of run ${run.runId} cannot be marked: ${refusal}`, {
      exitCode: exitCodes.conflict,
      retryable: false,
    })
  const others = tasks.filter((one) => one.taskId !== task.taskId).map((one) => one.state)
  const isWhole = to === 'success' && others.every((state) => state === 'success' || state === 'skipped')
  const next = isWhole ? 'success' : to === 'failed' ? 'failed' : run.state
  return { from: task.state, to, reason, run: { from: run.state, to: next === 'running' ? 'failed' : next } }
}

function refusalOf(run: RunRecord, { kind, state }: TaskRecord, { to, isSealed }: Omit<MarkAsked, 'reason'>): string | null {
  if (kind === 'check') return 'it is a check; only its own result opens the gate of a promotion'
  if (kind === 'promote') return 'it moves the pointer; `dag promote` and `dag rollback` do that'
  if (run.state === 'running') return 'the run is still running'
  if (isSealed && to === 'failed') return 'the run is sealed: its data never changes, and a retry could not make it again'
  if (state === to) return `it is ${to} already`
  return state === 'success' || state === 'failed' || state === 'cancelled'
    ? null
    : `it is ${state} and has never ended by itself`
}
