import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { processStart } from '../../src/process-identity.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { Lab, runId, statesOf, until } from './harness.ts'

interface Driver {
  readonly process: ChildProcess
  /** Exit code and what it printed. */
  readonly ended: Promise<readonly [number | null, string]>
}

function drive(made: Lab, args: readonly string[], variables: Readonly<Record<string, string>> = {}): Driver {
  const script = join(import.meta.dirname, 'driver.ts')
  const child = spawn(process.execPath, [script, made.dir, ...args], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.once('exit', resolve)
  return { process: child, ended: Promise.all([promise, text(child.stdout)]) }
}

async function kill({ process: { pid = 0 }, ended }: Driver): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await ended
}

test('when the scheduler is killed its tasks end by themselves, and a retry resumes the run', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'long'])
  const pid = Number(await made.written('lake/patient.started'))
  await kill(driver)
  await made.written('lake/patient.cleaned')
  await until(() => processStart(pid) === null, 'the task has ended')
  const outcome = await made.retry()
  assert.deepEqual(
    [outcome.state, outcome.attempt, outcome.tasks.map((task) => task.carriedFrom)],
    ['success', 2, [1, null, null]],
  )
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(
    store.attempts(runId).map((attempt) => [attempt.state, attempt.reason]),
    [
      ['failed', 'scheduler died'],
      ['success', null],
    ],
  )
  assert.deepEqual(
    store.tasks(runId, 1).map((task) => [task.taskId, task.state, task.reason]),
    [
      ['first', 'success', null],
      ['patient', 'failed', 'scheduler died'],
      ['last', 'cancelled', 'scheduler died'],
    ],
  )
})

test('a task that survives its scheduler is killed before the run is resumed', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'stubborn'])
  const pids = (await made.written('lake/stubborn.pids')).split(' ').map(Number)
  await kill(driver)
  assert.ok(processStart(pids[0] ?? 0) !== null)
  const stop = new AbortController()
  const resumed = made.retry({ signal: stop.signal, graceMs: 50 })
  await until(() => pids.every((pid) => processStart(pid) === null), 'both processes are gone')
  stop.abort(new Error('enough'))
  assert.equal((await resumed).state, 'cancelled')
})

test('SIGINT to the command ends the tasks and records the run as cancelled', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'long'])
  await made.written('lake/patient.started')
  driver.process.kill('SIGINT')
  const [code, output] = await driver.ended
  assert.deepEqual([code, JSON.parse(output)], [0, { state: 'cancelled', reason: 'interrupted by SIGINT', attempt: 1 }])
  assert.ok(existsSync(join(made.config.lakeDir, 'patient.cleaned')))
  assert.equal((await made.retry()).state, 'success')
})

test('two schedulers at the same moment: one works, the other is told who does', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'long'])
  await made.written('lake/patient.started')
  const [code, output] = await drive(made, ['retry']).ended
  assert.equal(code, 5)
  assert.match(output, new RegExp(`a scheduler is already at work on .*: pid ${driver.process.pid} on `))
  await kill(driver)
  // The dead one is replaced at once, although its lease was never released.
  assert.equal((await made.retry()).state, 'success')
})

test('two processes that open a new state at once both get it', async () => {
  using made = new Lab()
  const codes = await Promise.all(Array.from({ length: 4 }, () => drive(made, ['trigger', 'publishing']).ended))
  const exits = codes.map(([code]) => code ?? -1).sort((left, right) => left - right)
  assert.deepEqual([exits[0], exits.slice(1).every((code) => code === 3 || code === 5)], [0, true], JSON.stringify(codes))
})

test('a promote task killed after its intent leaves a promotion that the next attempt undoes and repeats', async () => {
  using made = new Lab()
  const [, output] = await drive(made, ['trigger', 'publishing'], { TASK_FAULT: 'publish:after-intent:kill' }).ended
  assert.equal(JSON.parse(output).state, 'failed')
  assert.equal(existsSync(join(made.config.lakeDir, 'published')), false)
  assert.deepEqual(statesOf(await made.retry()), { verified: 'success', publish: 'success' })
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(
    store.promotions().map((one) => [one.state, one.note]),
    [
      ['done', null],
      ['undone', 'its process died'],
    ],
  )
})

test('a task held at a named point can be seen there, and is gone after the scheduler was killed and the run resumed', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'publishing'], { TASK_FAULT: 'publish:after-intent:hold' })
  const pid = Number(await made.written('state/held-publish-after-intent'))
  await kill(driver)
  assert.equal(existsSync(join(made.config.lakeDir, 'published')), false)
  assert.equal((await made.retry()).state, 'success')
  assert.equal(processStart(pid), null)
})
