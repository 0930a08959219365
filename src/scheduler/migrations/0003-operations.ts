/** Slots of schedules, requests to a running scheduler, notices and their deliveries. Never edited again. */
export const sql = `
alter table schedule add column time_zone text not null default 'UTC';
alter table schedule add column catch_up text not null default 'latest' check (catch_up in ('none', 'latest', 'all'));
alter table schedule add column problem text;

create table slot (
  dag_id text not null,
  slot text not null,
  state text not null check (state in ('due', 'started', 'missed')),
  reason text,
  run_id text,
  noticed_at text not null,
  primary key (dag_id, slot),
  check ((state = 'started') = (run_id is not null))
) strict, without rowid;
create index slot_due on slot (state, slot) where state = 'due';

create trigger slot_starts_with_its_run after insert on run begin
  update slot set state = 'started', run_id = new.run_id, reason = null
  where dag_id = new.dag_id and slot = new.session and state = 'due';
end;

create table request (
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
create index request_open on request (run_id) where state = 'open';

create table notice (
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
create index notice_unsettled on notice (notice_id) where settled = 0;

create trigger run_end_makes_a_notice after update of state on run when old.state = 'running' and new.state <> 'running' begin
  insert into notice (at, dag_id, session, run_id, attempt, state, reason)
  values (new.ended_at, new.dag_id, new.session, new.run_id, new.attempt, new.state, new.reason);
end;

create trigger missed_slot_makes_a_notice after insert on slot when new.state = 'missed' and new.reason <> 'paused' begin
  insert into notice (at, dag_id, session, state, reason) values (new.noticed_at, new.dag_id, new.slot, 'missed', new.reason);
end;

create table delivery (
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
create index delivery_pending on delivery (not_before) where state = 'pending';
`
