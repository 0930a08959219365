/**
 * A run belongs to a lake and a raw directory (NULL: it was last run before they were recorded), and a task knows the files that it read.
 * Never edited again.
 */
export const sql = `
alter table run add column lake_dir text;
alter table run add column raw_dir text;
alter table task add column inputs text check (inputs is null or json_valid(inputs));
`
