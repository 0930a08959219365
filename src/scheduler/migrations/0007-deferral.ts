/**
 * A task may be deferred: it has said that what it needs is not there yet, and is started again at a time. The view \`deferral\` lists the runs
 * in which nothing else can happen. Tables whose CHECKs name the states are rebuilt, together with the views and the trigger that name them.
 * Never edited again.
 */
export const sql = `
drop view run_latest;
drop view task_latest;
drop view task_duration;
drop view check_latest;
drop view check_failed;
drop view task_rows;
drop trigger run_end_answers_its_requests;

create table task_before as select * from task;
drop table task;

create table task (
  run_id text not null,
  attempt integer not null,
  task_id text not null,
  position integer not null,
  kind text not null check (kind in ('task', 'check', 'promote')),
  state text not null check (state in
    ('waiting', 'queued', 'running', 'retry_wait', 'deferred', 'success', 'failed', 'upstream_failed', 'skipped', 'cancelled')),
  reason text,
  carried_from integer check (carried_from >= 1 and carried_from < attempt),
  tries integer not null default 0 check (tries >= 0),
  retries integer not null check (retries >= 0),
  not_before text,
  queued_at text,
  started_at text,
  ended_at text,
  rows text check (rows is null or json_valid(rows)),
  bytes integer check (bytes >= 0),
  note text,
  inputs text check (inputs is null or json_valid(inputs)),
  primary key (run_id, attempt, task_id),
  unique (run_id, attempt, position),
  foreign key (run_id, attempt) references attempt (run_id, attempt),
  check ((state in ('retry_wait', 'deferred')) = (not_before is not null)),
  check (carried_from is null or state = 'success')
) strict, without rowid;
create index task_by_state on task (state);

insert into task (run_id, attempt, task_id, position, kind, state, reason, carried_from, tries, retries, not_before, queued_at,
  started_at, ended_at, rows, bytes, note, inputs)
select run_id, attempt, task_id, position, kind, state, reason, carried_from, tries, retries, not_before, queued_at,
  started_at, ended_at, rows, bytes, note, inputs
from task_before;
drop table task_before;

create table try_before as select * from try;
drop table try;

create table try (
  run_id text not null,
  attempt integer not null,
  task_id text not null,
  try integer not null check (try >= 1),
  state text not null check (state in ('running', 'success', 'failed', 'cancelled', 'deferred')),
  reason text,
  pid integer,
  pid_started text,
  exit_code integer,
  signal text,
  log_file text not null,
  result_file text not null,
  deadline text,
  started_at text not null,
  ended_at text,
  primary key (run_id, attempt, task_id, try),
  foreign key (run_id, attempt, task_id) references task (run_id, attempt, task_id),
  check ((state = 'running') = (ended_at is null))
) strict, without rowid;

insert into try (run_id, attempt, task_id, try, state, reason, pid, pid_started, exit_code, signal, log_file, result_file, deadline,
  started_at, ended_at)
select run_id, attempt, task_id, try, state, reason, pid, pid_started, exit_code, signal, log_file, result_file, deadline,
  started_at, ended_at
from try_before;
drop table try_before;

create view run_latest as
select run.run_id, run.dag_id, run.session, run.state, run.reason, run.attempt, attempt.started_at, attempt.ended_at,
  round((julianday(coalesce(attempt.ended_at, 'now')) - julianday(attempt.started_at)) * 86400, 3) as duration_s,
  (select count(*) from task where task.run_id = run.run_id and task.attempt = run.attempt) as tasks,
  (select count(*) from task where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'success') as tasks_done,
  (select group_concat(task_id, ', ') over (order by position rows between unbounded preceding and unbounded following) from task
    where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'failed' limit 1) as failed_tasks
from run join attempt on attempt.run_id = run.run_id and attempt.attempt = run.attempt;

create view task_latest as
select task.* from task join run on run.run_id = task.run_id and run.attempt = task.attempt;

create view task_duration as
select run_id, attempt, task_id, state, tries, started_at, ended_at,
  round((julianday(coalesce(ended_at, 'now')) - julianday(started_at)) * 86400, 3) as duration_s
from task where started_at is not null and carried_from is null;

create view check_latest as
select check_result.*, task.attempt as task_attempt
from task_latest as task join check_result
  on check_result.run_id = task.run_id and check_result.task_id = task.task_id
  and check_result.attempt = coalesce(task.carried_from, task.attempt) and check_result.try = task.tries;

create view check_failed as
select run_id, task_id, check_name, severity, dataset, value, expected, previous, details, sample
from check_latest where ok = 0;

create view task_rows as
select task.run_id, task.attempt, task.task_id, dataset.key as dataset, dataset.value as row_count
from task join json_each(task.rows) as dataset
where task.carried_from is null;

create view deferral as
select run.run_id, run.dag_id, run.session, task.attempt, task.task_id, task.reason, task.not_before as until,
  (select min(try.ended_at) from try where try.run_id = task.run_id and try.attempt = task.attempt and try.task_id = task.task_id
    and try.state = 'deferred') as since
from run join task on task.run_id = run.run_id and task.attempt = run.attempt
where run.state = 'running' and task.state = 'deferred' and not exists (
  select 1 from task as busy where busy.run_id = run.run_id and busy.attempt = run.attempt
    and busy.state in ('queued', 'running', 'retry_wait'));

create trigger run_end_answers_its_requests after update of state on run when old.state = 'running' and new.state <> 'running' begin
  update request set state = 'done', ended_at = new.ended_at, note = coalesce(
    (select 'task ' || task_id || ' is ' || task.state from task
      where task.run_id = new.run_id and task.attempt = new.attempt and task.task_id = request.task_id),
    'run ' || new.run_id || ' is ' || new.state)
  where run_id = new.run_id and state = 'open';
end;
`
