import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { openStore } from '../../src/scheduler/store.ts'
import { backUpState } from '../../src/scheduler/store/backup.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab } from './harness.ts'

test('a backup while a run is going on is one whole file', async () => {
  using made = new Lab()
  const running = made.trigger(lab(({ task }) => void task('busy')))
  const file = join(made.dir, 'copy.db')
  await made.written('state/scheduler.db')
  await backUpState(made.config.stateDir, file, { replace: false })
  await running
  await assert.rejects(backUpState(made.config.stateDir, file, { replace: false }), { exitCode: 3 })
  await backUpState(made.config.stateDir, file, { replace: true })
  const database = new Database(file, { readonly: true })
  const states = database.prepare('select state from run').pluck().all()
  database.close()
  assert.deepEqual(states, ['success'])
  assert.deepEqual(
    readdirSync(made.dir).filter((name) => name.startsWith('copy.db')),
    ['copy.db'],
  )
})

test('without a state there is nothing to back up', async () => {
  using made = new Lab()
  await assert.rejects(backUpState(made.config.stateDir, join(made.dir, 'copy.db'), { replace: false }), { exitCode: 4 })
})

test('the log of the database is small again after a long reader has gone', async () => {
  using made = new Lab()
  const file = databaseFile(made.config.stateDir)
  openStore(made.config.stateDir).close()
  const reader = new Database(file, { readonly: true })
  reader.exec('BEGIN')
  reader.prepare('select count(*) from event').get()
  const fill = (store: ReturnType<typeof openStore>) => {
    for (let count = 0; count < 3000; count += 1)
      store.leases.acquire(`x${count}${'y'.repeat(4000)}`, { owner: 'o', pid: 1, pidStarted: 's', host: 'h' }, () => false)
  }
  {
    using store = openStore(made.config.stateDir)
    store.change.transaction(() => fill(store))
    assert.ok(statSync(`${file}-wal`).size > 16_777_216)
    reader.close()
    store.change.transaction(() => store.schedules.setPaused('none', true))
    store.requests.open('none')
  }
  assert.equal(existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 16_777_216, false)
})
