/** States of runs, attempts, tasks and tries; state/README.md explains each. */

export const runStates = ['running', 'success', 'failed', 'cancelled'] as const
export type RunState = (typeof runStates)[number]

export const taskStates = [
  'waiting',
  'queued',
  'running',
  'retry_wait',
  'deferred',
  'success',
  'failed',
  'upstream_failed',
  'skipped',
  'cancelled',
] as const
export type TaskState = (typeof taskStates)[number]

export type TryState = 'running' | 'success' | 'failed' | 'cancelled' | 'deferred'

/** Nothing more will happen to a task in one of these in its attempt. */
export function isFinal(state: TaskState): boolean {
  return !['waiting', 'queued', 'running', 'retry_wait', 'deferred'].includes(state)
}
