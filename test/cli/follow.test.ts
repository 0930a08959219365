import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { followTask } from '../../src/cli/follow.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { Lab, lab, runId, until } from '../scheduler/harness.ts'

test('following a task prints all of its tries, from before the first one until the last has ended', async () => {
  using place = new Lab()
  const dag = lab(({ task }) => {
    const first = task('quick')
    task('flaky', { upstream: [first], retries: 2, retryDelayMs: 50 })
  })
  const run = place.trigger(dag)
  using store = openStore(place.config.stateDir, { readonly: true })
  await until(() => store.findRun(runId) !== null, 'the run')
  const pieces: Buffer[] = []
  assert.equal(await followTask(store, runId, 'flaky', (piece) => pieces.push(piece)), true)
  const tries = store.tries(runId).filter((one) => one.taskId === 'flaky')
  assert.ok(tries.length > 1, `${tries.length} tries`)
  assert.equal(Buffer.concat(pieces).toString(), tries.map((one) => readFileSync(one.logFile, 'utf8')).join(''))
  await run
})

test('a task whose scheduler was killed is followed as long as its process lives, and no longer', async () => {
  using made = new Lab()
  const driver = join(import.meta.dirname, '../scheduler/driver.ts')
  const scheduler = spawn(process.execPath, [driver, made.dir, 'trigger', 'gated'], { stdio: ['ignore', 'ignore', 'inherit'] })
  await made.written('lake/gate.starts')
  scheduler.kill('SIGKILL')
  await once(scheduler, 'close')
  using store = openStore(made.config.stateDir, { readonly: true })
  const pieces: Buffer[] = []
  const following = followTask(store, runId, 'gate', (piece) => pieces.push(piece))
  assert.equal(await Promise.race([following, sleep(1000, 'still there')]), 'still there')
  writeFileSync(join(made.config.lakeDir, 'go'), '')
  assert.equal(await following, false)
  assert.match(Buffer.concat(pieces).toString(), /the way is free/)
})
