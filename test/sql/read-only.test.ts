/** Which statements only read. DuckDB judges for itself as well, so its cases go through an engine. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { readingPart } from '../../src/sql/read-only.ts'

const readOnBoth = [
  'select 1;',
  '-- a comment\n(select 1)',
  '/* drop table t */ with a as (select 1 as x) select x from a',
  'values (1)',
  'table t',
  'show tables',
  'describe t',
  'explain select 1',
  'explain analyze select 1',
  "select 'drop table t; insert into t'",
  'use main',
  '',
]

const writesOnBoth = [
  'drop table t',
  '/* harmless */ DROP TABLE t',
  'insert into t values (1)',
  'create table u as select 1 as x',
  'create or replace view v as select 1 as x',
  'delete from t',
  'update t set x = 1',
  'alter table t add column y int',
  'explain analyze insert into t values (1)',
  'explain analyze verbose delete from t',
  'call something()',
  "prepare p from 'drop table t'",
  "execute immediate 'drop table t'",
  'truncate table t',
  'comment on table t is null',
  'analyze t',
  'merge into t using u on true when matched then delete',
]

function refusal(what: RegExp): object {
  return { exitCode: 2, message: what, hint: /`dag sql --write`/ }
}

test('on Trino, queries and settings of the session read; everything else may write', () => {
  const onlyTrino = ["set session query_max_run_time = '1m'", 'explain (type distributed) select 1', "set time zone 'UTC'"]
  for (const text of [...readOnBoth, ...onlyTrino]) readingPart({ name: text, text }, 'trino')
  const writing = ['grant select on t to x', 'start transaction', 'explain (type io) drop table t', 'refresh materialized view m']
  for (const text of [...writesOnBoth, ...writing])
    assert.throws(() => readingPart({ name: text, text }, 'trino'), refusal(/only runs statements that read/), text)
})

test('on DuckDB, what writes is refused, and not even prepared', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'read-only-'))
  const at = (name: string): string => join(directory, name)
  try {
    await using engine = await DuckDbEngine.open({ threads: 1 })
    await engine.execute('create table t(x int)')
    const onlyDuckDb = [
      'from t',
      'summarize t',
      'set threads = 1',
      'set variable a = 1',
      "set search_path = 'main'",
      'reset threads',
      "pragma table_info('t')",
      'begin',
      'rollback',
      'explain (analyze, format json) select 1',
      'explain (select 1)',
      'selec 1',
    ]
    for (const text of [...readOnBoth, ...onlyDuckDb]) await engine.requireReadOnly(text)
    const writing = [
      'create temp table u as select 1 as x',
      'with a as (select 1 as x) insert into t select x from a',
      'explain analyze with a as (select 1 as x) insert into t select x from a',
      `copy t to '${at('a.csv')}'`,
      `explain analyze copy t to '${at('a.csv')}'`,
      `copy t from '${at('a.csv')}'`,
      `attach '${at('a.db')}' as a`,
      `export database '${at('exported')}'`,
      `explain export database '${at('exported')}'`,
      `set log_query_path = '${at('a.log')}'`,
      `set session profiling_output = '${at('a.txt')}'`,
      `pragma profile_output = '${at('a.txt')}'`,
      'pragma enable_profiling',
      `call enable_logging(storage = 'file', storage_path = '${at('logs')}')`,
      `select * from enable_logging(storage = 'file', storage_path = '${at('logs')}')`,
      'install json',
      'load json',
      'vacuum',
      'checkpoint',
      'prepare p as insert into t values (1)',
      'detach memory',
    ]
    for (const text of [...writesOnBoth, ...writing])
      await assert.rejects(engine.requireReadOnly(text), refusal(/only runs statements that read/), text)
    assert.deepEqual(await engine.query('select count(*) as n from t'), [{ n: 0n }])
    assert.deepEqual(readdirSync(directory), [])
  } finally {
    if (existsSync(directory)) rmSync(directory, { recursive: true })
  }
})
