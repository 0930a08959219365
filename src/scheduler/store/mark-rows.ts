import { PipelineError } from '../../errors.ts'
import type { RunState, TaskState } from '../states.ts'
import type { Connection } from './connection.ts'
import { appendEvent } from './event-rows.ts'
import type { AttemptKey, TaskKey } from './writer.ts'

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
      const task = this.#connection.run(
        `update task set state = @to, reason = @reason, carried_from = null, ended_at = @now
         where run_id = @runId and attempt = @attempt and task_id = @taskId and state = @from`,
        { runId, attempt, taskId, from, to, reason, now: this.#connection.timestamp() },
      )
      expectOne(task, `task ${taskId} of run ${runId} is not ${from} any more`)
      appendEvent(this.#connection, { subject: 'task', runId, attempt, taskId, from, to, detail: reason })
      this.#markRun({ runId, attempt }, run, `${taskId}: ${reason}`)
    })
  }

  #markRun({ runId, attempt }: AttemptKey, { from, to }: Mark['run'], why: string): void {
    const change = { runId, attempt, from, to, reason: to === 'success' ? null : why }
    const run = this.#connection.run(
      'update run set state = @to, reason = @reason where run_id = @runId and attempt = @attempt and state = @from',
      change,
    )
    expectOne(run, `run ${runId} is not ${from} any more`)
    if (to === from) return
    this.#connection.run('update attempt set state = @to, reason = @reason where run_id = @runId and attempt = @attempt', change)
    appendEvent(this.#connection, { subject: 'run', runId, from, to, detail: why })
  }
}

function expectOne({ changes }: { readonly changes: number }, problem: string): void {
  if (changes !== 1) throw new PipelineError(problem, { retryable: false })
}
