import { PipelineError } from '../../errors.ts'
import type { RunState, TaskState } from '../states.ts'
import { build, type Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { TaskKey } from './writer.ts'

export interface Mark {
  readonly from: TaskState
  readonly to: 'success' | 'failed'
  /** Who marked it, and why. */
  readonly reason: string
  /** What the run becomes by it. */
  readonly run: { readonly from: RunState; readonly to: Exclude<RunState, 'running'> }
}

/** The judgement of a person on a run that has ended, with its trace in the event log. */
export class MarkWriter {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @throws PipelineError when the task or the run has changed in between */
  mark({ runId, attempt, taskId }: TaskKey, { from, to, reason, run }: Mark): void {
    this.#connection.write(() => {
      const state = { state: to, reason, carried_from: null, ended_at: this.#connection.timestamp() }
      const task = build.updateTable('task').set(state).where('run_id', '=', runId).where('attempt', '=', attempt)
      this.#expectOne(
        task.where('task_id', '=', taskId).where('state', '=', from),
        `task ${taskId} of run ${runId} is not ${from} any more`,
      )
      appendEvent(this.#connection, { subject: 'task', runId, attempt, taskId, from, to, detail: reason })
      const change = { state: run.to, reason: run.to === 'success' ? null : `${taskId}: ${reason}` }
      const runs = build.updateTable('run').set(change).where('run_id', '=', runId).where('attempt', '=', attempt)
      this.#expectOne(runs.where('state', '=', run.from), `run ${runId} is not ${run.from} any more`)
      if (run.to === run.from) return
      const attempts = build.updateTable('attempt').set(change).where('run_id', '=', runId).where('attempt', '=', attempt)
      this.#connection.run(attempts)
      appendEvent(this.#connection, { subject: 'run', runId, from: run.from, to: run.to, detail: `${taskId}: ${reason}` })
    })
  }

  #expectOne(query: Parameters<Connection['run']>[0], problem: string): void {
    if (this.#connection.run(query).changes !== 1) throw new PipelineError(problem, { retryable: false })
  }
}
