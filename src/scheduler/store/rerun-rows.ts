/** Scheduled runs that failed for a reason that may pass. Apart from the rest of the store, as the daemon is. */
import type { Rerun } from '../dag.ts'
import { exitCodes } from '../../errors.ts'
import type { Connection } from './connection.ts'

export interface FailedRun {
  readonly runId: string
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number
  /** When it is tried again. */
  readonly at: Date
}

/** What failed longer ago is a matter for a person: nobody expects it to start again by itself. */
const newsMs = 86_400_000

/**
 * A failed check, a closed gate, a wait that was given up and exit code 78 do not pass by themselves; an error, a signal or a timeout may.
 * The attempt counts: a run that somebody resumed by hand has used up its turns sooner.
 */
export function failedRuns(connection: Connection, dagId: string, { times, delayMs }: Rerun): readonly FailedRun[] {
  const oldest = new Date(connection.now().getTime() - delayMs - newsMs).toISOString()
  const rows = connection.all<{ readonly run_id: string; readonly attempt: number; readonly ended_at: string }>(
    `select run_id, attempt, ended_at from run
     where dag_id = @dagId and trigger = 'schedule' and state = 'failed' and attempt <= @times and ended_at >= @oldest
       and exists (select 1 from task where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'failed')
       and not exists (
         select 1 from task left join try
           on try.run_id = task.run_id and try.attempt = task.attempt and try.task_id = task.task_id and try.try = task.tries
         where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'failed'
           and (try.try is null or try.exit_code in (0, @neverRetry, @notYet)))
     order by session`,
    { dagId, times, oldest, neverRetry: exitCodes.neverRetry, notYet: exitCodes.notYet },
  )
  return rows.map((row) => ({ runId: row.run_id, attempt: row.attempt, at: new Date(Date.parse(row.ended_at) + delayMs) }))
}
