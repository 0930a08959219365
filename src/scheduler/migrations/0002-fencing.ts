/**
 * A lease has a fencing token and counts its heartbeats; a task knows since when it has been queued. Indexes for a state of many runs.
 * Never edited again: later changes are migrations of their own.
 */
export const sql = `
alter table lease add column token integer not null default 0;
alter table lease add column beats integer not null default 0;
alter table task add column queued_at text;
create index run_by_creation on run (created_at, run_id);
create index attempt_running on attempt (state) where state = 'running';
create index promotion_begun on promotion (state) where state = 'begun';
`
