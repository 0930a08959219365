-- Schema 7 of state/scheduler.db, as the migrations leave it. A test compares it.

CREATE TABLE plan (
  plan_hash text primary key check (length(plan_hash) = 64),
  dag_id text not null,
  json text not null check (json_valid(json)),
  created_at text not null
) strict;

CREATE TABLE run (
  run_id text primary key,
  dag_id text not null,
  session text not null,
  params text not null check (json_valid(params)),
  state text not null check (state in ('running', 'success', 'failed', 'cancelled')),
  reason text,
  trigger text not null check (trigger in ('manual', 'schedule', 'backfill')),
  triggered_by text not null,
  attempt integer not null check (attempt >= 1),
  created_at text not null,
  ended_at text, lake_dir text, raw_dir text,
  unique (dag_id, session),
  check ((state = 'running') = (ended_at is null))
) strict;

CREATE TABLE attempt (
  run_id text not null references run (run_id),
  attempt integer not null check (attempt >= 1),
  plan_hash text not null references plan (plan_hash),
  state text not null check (state in ('running', 'success', 'failed', 'cancelled')),
  reason text,
  parallelism integer not null check (parallelism >= 1),
  pid integer not null,
  host text not null,
  started_at text not null,
  ended_at text,
  primary key (run_id, attempt),
  check ((state = 'running') = (ended_at is null))
) strict, without rowid;

CREATE TABLE check_result (
  check_result_id integer primary key,
  run_id text not null,
  attempt integer not null,
  task_id text not null,
  try integer not null,
  check_name text not null,
  severity text not null check (severity in ('CRITICAL', 'WARN', 'INFO')),
  dataset text,
  value text,
  expected text,
  previous text,
  ok integer not null check (ok in (0, 1)),
  details text not null,
  duration_ms real not null check (duration_ms >= 0),
  sample text not null check (json_valid(sample)),
  recorded_at text not null,
  foreign key (run_id, attempt, task_id, try) references try (run_id, attempt, task_id, try)
) strict;

CREATE INDEX check_result_by_task on check_result (run_id, attempt, task_id, try);

CREATE TABLE promotion (
  promotion_id integer primary key,
  kind text not null check (kind in ('promote', 'rollback')),
  state text not null check (state in ('begun', 'done', 'undone', 'failed')),
  from_run_id text,
  to_run_id text not null,
  prev_link text,
  who text not null,
  reason text not null,
  verdict text not null,
  note text,
  begun_at text not null,
  ended_at text,
  check ((state = 'begun') = (ended_at is null))
) strict;

CREATE INDEX promotion_by_run on promotion (to_run_id);

CREATE TABLE schedule (
  dag_id text primary key,
  cron text not null,
  paused integer not null default 0 check (paused in (0, 1)),
  next_slot text not null,
  last_slot text,
  catch_up_ms integer not null check (catch_up_ms >= 0),
  updated_at text not null
, time_zone text not null default 'UTC', catch_up text not null default 'latest' check (catch_up in ('none', 'latest', 'all')), problem text) strict;

CREATE TABLE lease (
  name text primary key,
  owner text not null,
  pid integer not null,
  pid_started text not null,
  host text not null,
  acquired_at text not null,
  heartbeat_at text not null
, token integer not null default 0, beats integer not null default 0) strict;

CREATE TABLE event (
  event_id integer primary key autoincrement,
  at text not null,
  subject text not null check (subject in ('run', 'attempt', 'task', 'try', 'promotion', 'schedule', 'lease')),
  run_id text,
  attempt integer,
  task_id text,
  try integer,
  from_state text,
  to_state text not null,
  detail text
) strict;

CREATE INDEX event_by_run on event (run_id, event_id);

CREATE TRIGGER event_is_never_changed before update on event begin select raise(abort, 'the event log is append-only'); end;

CREATE TRIGGER event_is_never_deleted before delete on event begin select raise(abort, 'the event log is append-only'); end;

CREATE VIEW promotion_history as
select promotion_id, kind, state, from_run_id, to_run_id, prev_link, who, reason, verdict, note, begun_at, ended_at,
  round((julianday(coalesce(ended_at, 'now')) - julianday(begun_at)) * 86400, 3) as duration_s
from promotion;

CREATE INDEX run_by_creation on run (created_at, run_id);

CREATE INDEX attempt_running on attempt (state) where state = 'running';

CREATE INDEX promotion_begun on promotion (state) where state = 'begun';

CREATE TABLE slot (
  dag_id text not null,
  slot text not null,
  state text not null check (state in ('due', 'started', 'missed')),
  reason text,
  run_id text,
  noticed_at text not null,
  primary key (dag_id, slot),
  check ((state = 'started') = (run_id is not null))
) strict, without rowid;

CREATE INDEX slot_due on slot (state, slot) where state = 'due';

CREATE TRIGGER slot_starts_with_its_run after insert on run begin
  update slot set state = 'started', run_id = new.run_id, reason = null
  where dag_id = new.dag_id and slot = new.session and state = 'due';
end;

CREATE TABLE request (
  request_id integer primary key,
  kind text not null check (kind in ('cancel')),
  run_id text not null references run (run_id),
  task_id text,
  who text not null,
  reason text not null,
  state text not null check (state in ('open', 'done', 'refused')),
  note text,
  requested_at text not null,
  ended_at text,
  check ((state = 'open') = (ended_at is null))
) strict;

CREATE INDEX request_open on request (run_id) where state = 'open';

CREATE TABLE notice (
  notice_id integer primary key,
  at text not null,
  dag_id text not null,
  session text not null,
  run_id text,
  attempt integer,
  state text not null check (state in ('success', 'failed', 'cancelled', 'missed')),
  reason text,
  settled integer not null default 0 check (settled in (0, 1))
) strict;

CREATE INDEX notice_unsettled on notice (notice_id) where settled = 0;

CREATE TRIGGER run_end_makes_a_notice after update of state on run when old.state = 'running' and new.state <> 'running' begin
  insert into notice (at, dag_id, session, run_id, attempt, state, reason)
  values (new.ended_at, new.dag_id, new.session, new.run_id, new.attempt, new.state, new.reason);
end;

CREATE TRIGGER missed_slot_makes_a_notice after insert on slot when new.state = 'missed' and new.reason <> 'paused' begin
  insert into notice (at, dag_id, session, state, reason) values (new.noticed_at, new.dag_id, new.slot, 'missed', new.reason);
end;

CREATE TABLE delivery (
  notice_id integer not null references notice (notice_id),
  channel text not null check (channel in ('command', 'webhook')),
  kind text not null check (kind in ('success', 'failure', 'recovery', 'cancelled', 'missed')),
  state text not null check (state in ('pending', 'sent', 'given_up')),
  tries integer not null default 0 check (tries >= 0),
  not_before text not null,
  error text,
  ended_at text,
  primary key (notice_id, channel),
  check ((state = 'pending') = (ended_at is null))
) strict, without rowid;

CREATE INDEX delivery_pending on delivery (not_before) where state = 'pending';

CREATE TABLE task (
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

CREATE INDEX task_by_state on task (state);

CREATE TABLE try (
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

CREATE VIEW run_latest as
select run.run_id, run.dag_id, run.session, run.state, run.reason, run.attempt, attempt.started_at, attempt.ended_at,
  round((julianday(coalesce(attempt.ended_at, 'now')) - julianday(attempt.started_at)) * 86400, 3) as duration_s,
  (select count(*) from task where task.run_id = run.run_id and task.attempt = run.attempt) as tasks,
  (select count(*) from task where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'success') as tasks_done,
  (select group_concat(task_id, ', ') over (order by position rows between unbounded preceding and unbounded following) from task
    where task.run_id = run.run_id and task.attempt = run.attempt and task.state = 'failed' limit 1) as failed_tasks
from run join attempt on attempt.run_id = run.run_id and attempt.attempt = run.attempt;

CREATE VIEW task_latest as
select task.* from task join run on run.run_id = task.run_id and run.attempt = task.attempt;

CREATE VIEW task_duration as
select run_id, attempt, task_id, state, tries, started_at, ended_at,
  round((julianday(coalesce(ended_at, 'now')) - julianday(started_at)) * 86400, 3) as duration_s
from task where started_at is not null and carried_from is null;

CREATE VIEW check_latest as
select check_result.*, task.attempt as task_attempt
from task_latest as task join check_result
  on check_result.run_id = task.run_id and check_result.task_id = task.task_id
  and check_result.attempt = coalesce(task.carried_from, task.attempt) and check_result.try = task.tries;

CREATE VIEW check_failed as
select run_id, task_id, check_name, severity, dataset, value, expected, previous, details, sample
from check_latest where ok = 0;

CREATE VIEW task_rows as
select task.run_id, task.attempt, task.task_id, dataset.key as dataset, dataset.value as row_count
from task join json_each(task.rows) as dataset
where task.carried_from is null;

CREATE VIEW deferral as
select run.run_id, run.dag_id, run.session, task.attempt, task.task_id, task.reason, task.not_before as until,
  (select min(try.ended_at) from try where try.run_id = task.run_id and try.attempt = task.attempt and try.task_id = task.task_id
    and try.state = 'deferred') as since
from run join task on task.run_id = run.run_id and task.attempt = run.attempt
where run.state = 'running' and task.state = 'deferred' and not exists (
  select 1 from task as busy where busy.run_id = run.run_id and busy.attempt = run.attempt
    and busy.state in ('queued', 'running', 'retry_wait'));

CREATE TRIGGER run_end_answers_its_requests after update of state on run when old.state = 'running' and new.state <> 'running' begin
  update request set state = 'done', ended_at = new.ended_at, note = coalesce(
    (select 'task ' || task_id || ' is ' || task.state from task
      where task.run_id = new.run_id and task.attempt = new.attempt and task.task_id = request.task_id),
    'run ' || new.run_id || ' is ' || new.state)
  where run_id = new.run_id and state = 'open';
end;
