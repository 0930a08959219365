import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { wakeScheduler } from '../../src/scheduler/requests.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab, runId, statesOf, until } from './harness.ts'

const unwritable = `create trigger no_answers before update on request
  when (select state from run where run_id = new.run_id) = 'running' begin select raise(abort, 'the disk is full'); end`

test('an answer that cannot be written is told and tried again, at last by the end of the run; neither the scheduler nor its run ends by it', async () => {
  using made = new Lab()
  const { stateDir, lakeDir } = made.config
  const told: string[] = []
  const both = lab(({ task }) => ['first', 'second'].forEach((id) => task(id, { script: 'gated' })))
  const ended = made.trigger(both, { log: (line) => told.push(line) })
  await until(() => ['first', 'second'].every((id) => existsSync(join(lakeDir, `${id}.starts`))), 'both run')
  using store = openStore(stateDir)
  const database = new Database(databaseFile(stateDir))
  const ask = (taskId: string): number => store.requests.add({ runId, taskId, who: 'me', reason: 'a test' })
  database.exec(unwritable)
  const first = ask('first')
  wakeScheduler(stateDir)
  await until(() => told.length === 1, 'it is told')
  database.exec('drop trigger no_answers')
  await until(() => store.requests.get(first).state === 'done', 'it is answered')
  database.exec(unwritable)
  const second = ask('second')
  wakeScheduler(stateDir)
  assert.deepEqual(statesOf(await ended), { first: 'cancelled', second: 'cancelled' })
  const { state, note } = store.requests.get(second)
  assert.deepEqual([state, note], ['done', 'task second is cancelled'])
  assert.deepEqual([...new Set(told)], [`requests to run ${runId}: the disk is full`])
  database.close()
  writeFileSync(join(lakeDir, 'go'), '')
  assert.deepEqual(statesOf(await made.retry()), { first: 'success', second: 'success' })
})
