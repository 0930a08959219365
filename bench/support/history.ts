/** A state with a long past. */
import Database from 'better-sqlite3'
import { z } from 'zod'
import { defineDag } from '../../src/scheduler/dag.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { canonicalJson, compile, planHash } from '../../src/scheduler/plan.ts'

/** Finished runs, a minute apart, each with its attempt, tasks, tries and all of their events. */
export function fillHistory(stateDir: string, runs: number, tasks: number): void {
  openStore(stateDir).close()
  const options = { about: 'the past', params: () => z.strictObject({}), runPrefix: () => 'past' }
  const dag = defineDag('past', options, ({ task }) => {
    for (let index = 0; index < tasks; index += 1) task(`t${index}`, { script: 'sleep' })
  })
  const plan = compile(dag, { projectDir: process.cwd(), scriptsDir: 'bench/support/tasks' })
  const database = new Database(databaseFile(stateDir))
  database.pragma('synchronous = OFF')
  database
    .prepare('insert into plan values (?, ?, ?, ?)')
    .run(planHash(plan), 'past', canonicalJson(plan), '2020-01-01T00:00:00.000Z')
  database.exec(historySql(planHash(plan), runs, tasks))
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}

function historySql(hash: string, runs: number, tasks: number): string {
  const at = "strftime('%Y-%m-%dT%H:%M:%fZ', '2020-01-01', '+' || n || ' minutes')"
  const id = "'past__' || strftime('%Y%m%d_%H%M%S', '2020-01-01', '+' || n || ' minutes')"
  const every = `with recursive number (n) as (select 0 union all select n + 1 from number where n < ${runs - 1})`
  const everyTask = `${every}, member (i) as (select 0 union all select i + 1 from member where i < ${tasks - 1})`
  const event = (subject: string, task: string, from: string, to: string) =>
    `${task === 'null' ? every : everyTask} insert into event (at, subject, run_id, attempt, task_id, from_state, to_state, detail) select ${at}, '${subject}', ${id}, 1, ${task}, ${from}, '${to}', 'as ever' from number${task === 'null' ? '' : ', member'};`
  return `begin;
    ${every} insert into run (run_id, dag_id, session, params, state, trigger, triggered_by, attempt, created_at, ended_at)
      select ${id}, 'past', strftime('%Y-%m-%d %H:%M:%S', '2020-01-01', '+' || n || ' minutes'), '{}', 'success', 'manual', 'me', 1, ${at}, ${at} from number;
    ${every} insert into attempt (run_id, attempt, plan_hash, state, parallelism, pid, host, started_at, ended_at)
      select ${id}, 1, '${hash}', 'success', 2, 1, 'here', ${at}, ${at} from number;
    ${everyTask} insert into task (run_id, attempt, task_id, position, kind, state, tries, retries, started_at, ended_at)
      select ${id}, 1, 't' || i, i, 'task', 'success', 1, 0, ${at}, ${at} from number, member;
    ${everyTask} insert into try (run_id, attempt, task_id, try, state, exit_code, log_file, result_file, started_at, ended_at)
      select ${id}, 1, 't' || i, 1, 'success', 0, 'logs/x.log', 'results/x.jsonl', ${at}, ${at} from number, member;
    ${event('run', 'null', 'null', 'running')}
    ${event('run', 'null', "'running'", 'success')}
    ${event('task', "'t' || i", 'null', 'waiting')}
    ${event('task', "'t' || i", "'waiting'", 'queued')}
    ${event('task', "'t' || i", "'queued'", 'running')}
    ${event('try', "'t' || i", 'null', 'running')}
    ${event('try', "'t' || i", "'running'", 'success')}
    ${event('task', "'t' || i", "'running'", 'success')}
    commit;`
}
