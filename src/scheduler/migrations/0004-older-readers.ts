/**
 * People read the state with the sqlite3 of their system, and one view that it cannot parse makes the whole database unreadable: the order
 * within an aggregate came with SQLite 3.44, a window function does it in any that knows strict tables (3.37).
 * The end of a run answers what is still asked of it. Never edited again: later changes are migrations of their own.
 */
export const sql = `
drop view run_latest;
create view run_latest as
select run.run_id, run.dag_id, run.session, run.state, run.reason, run.attempt, attempt.started_at, attempt.ended_at,
  round((julianday(coalesce(attempt.ended_at, 'now')) - julianday(attempt.started_at)) * 86400, 3) as duration_s,
  (select count(*) from task where task.run_id = run.run_id and task.attempt = run.attempt) as tasks,
  (select count(*) from task where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'success') as tasks_done,
  (select group_concat(task_id, ', ') over (order by position rows between unbounded preceding and unbounded following) from task
    where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'failed' limit 1) as failed_tasks
from run join attempt on attempt.run_id = run.run_id and attempt.attempt = run.attempt;

create trigger run_end_answers_its_requests after update of state on run when old.state = 'running' and new.state <> 'running' begin
  update request set state = 'done', ended_at = new.ended_at, note = coalesce(
    (select 'task ' || task_id || ' is ' || task.state from task
      where task.run_id = new.run_id and task.attempt = new.attempt and task.task_id = request.task_id),
    'run ' || new.run_id || ' is ' || new.state)
  where run_id = new.run_id and state = 'open';
end;

update request set state = 'refused', note = 'its run had ended', ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
where state = 'open' and run_id in (select run_id from run where state <> 'running');
`
