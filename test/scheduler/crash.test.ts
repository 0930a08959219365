import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { processStart, signalGroup } from '../../src/process-identity.ts'
import { acquireLease } from '../../src/scheduler/lease.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab, runId, statesOf, until } from './harness.ts'

interface Driver {
  readonly process: ChildProcess
  /** Exit code and what it printed. */
  readonly ended: Promise<readonly [number | null, string]>
}

function drive(made: Lab, args: readonly string[], variables: Readonly<Record<string, string>> = {}): Driver {
  return start([process.execPath, driverScript, made.dir, ...args], variables)
}

const driverScript = join(import.meta.dirname, 'driver.ts')

/** Runs a command as the only one in a PID namespace, as a container does. */
const contained = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const cannotUnshare = spawnSync('unshare', [...contained.slice(1), 'true']).status === 0 ? false : 'unshare is not permitted here'

function start([program = '', ...args]: readonly string[], variables: Readonly<Record<string, string>> = {}): Driver {
  const child = spawn(program, args, {
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

function startsOf(made: Lab, task: string): readonly number[] {
  return readFileSync(join(made.config.lakeDir, `${task}.starts`), 'utf8')
    .trim()
    .split('\n')
    .map(Number)
}

/** Pid of the shell around the task that is running. */
function shellOf(made: Lab): number {
  using store = openStore(made.config.stateDir, { readonly: true })
  return store.tries(runId).find((one) => one.state === 'running')?.pid ?? 0
}

function open(made: Lab): void {
  writeFileSync(join(made.config.lakeDir, 'go'), '')
}

test('when the scheduler is killed its task goes on, the next one adopts it, and its result counts', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  await kill(driver)
  const resumed = made.retry()
  await sleep(300)
  open(made)
  const outcome = await resumed
  assert.deepEqual(
    [outcome.state, outcome.attempt, outcome.tasks.map((task) => [task.state, task.tries])],
    [
      'success',
      1,
      [
        ['success', 1],
        ['success', 1],
      ],
    ],
  )
  assert.equal(startsOf(made, 'gate').length, 1)
  using store = openStore(made.config.stateDir, { readonly: true })
  const [first] = store.tries(runId)
  assert.match(readFileSync(first?.logFile ?? '', 'utf8'), /the way is free/)
  assert.ok(store.events(runId).some((event) => event.subject === 'attempt' && /scheduler died: pid/.test(event.detail ?? '')))
})

test('a task that ended while no scheduler was there is judged by its exit file and its result', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const shell = shellOf(made)
  await kill(driver)
  open(made)
  await until(() => processStart(shell) === null, 'the task has ended')
  const outcome = await made.retry()
  assert.deepEqual([outcome.state, outcome.attempt, outcome.tasks[0]?.tries], ['success', 1, 1])
  assert.equal(outcome.tasks[0]?.rows?.['things'], 7)
})

test('when scheduler and shell are killed, what is left of the group is ended, and the task is tried again beyond its retries', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const pids = [...startsOf(made, 'gate'), Number(await made.written('lake/gate.helper'))]
  const shell = shellOf(made)
  await kill(driver)
  process.kill(shell, 'SIGKILL')
  await until(() => processStart(shell) === null, 'the shell is gone')
  open(made)
  const outcome = await made.retry()
  assert.deepEqual([outcome.state, outcome.attempt], ['success', 1])
  assert.deepEqual(
    pids.map((pid) => processStart(pid)),
    [null, null],
  )
})

test('when only the shell around a task is killed, the rest of its group is ended before the next try begins', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const [pid = 0] = startsOf(made, 'gate')
  process.kill(shellOf(made), 'SIGKILL')
  await until(() => startsOf(made, 'gate').length === 2, 'a second try')
  assert.equal(processStart(pid), null)
  open(made)
  assert.equal(JSON.parse((await driver.ended)[1]).state, 'success')
})

test('a task that has ended but for a helper is recorded when the helper is gone', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const helper = Number(await made.written('lake/gate.helper'))
  open(made)
  assert.equal(JSON.parse((await driver.ended)[1]).state, 'success')
  assert.equal(processStart(helper), null)
})

test('a pid that belongs to another process by now is neither watched nor killed', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const shell = shellOf(made)
  await kill(driver)
  signalGroup(shell, 'SIGKILL')
  const stranger = spawn('sleep', ['100'], { detached: true })
  const database = new Database(databaseFile(made.config.stateDir))
  database.prepare("update try set pid = ? where state = 'running'").run(stranger.pid)
  database.close()
  open(made)
  assert.equal((await made.retry()).state, 'success')
  assert.ok(processStart(stranger.pid ?? 0) !== null)
  stranger.kill('SIGKILL')
})

test('the machine was rebooted: nothing of the boot before is looked for, the task is tried again', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const shell = shellOf(made)
  await kill(driver)
  signalGroup(shell, 'SIGKILL')
  const database = new Database(databaseFile(made.config.stateDir))
  database.exec(`update try set pid = ${process.pid}, pid_started = 'another-boot 1' where state = 'running'`)
  database.close()
  open(made)
  const outcome = await made.retry()
  assert.deepEqual([outcome.state, outcome.tasks[0]?.tries], ['success', 2])
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.equal(store.tries(runId)[0]?.reason, 'its process is gone and left neither an exit code nor a result')
})

test('the run of a dead scheduler ends when another run is triggered, once its living task has ended; its result is kept', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  await kill(driver)
  const other = made.trigger(
    lab(({ task }) => task('gate', { script: 'gated' })),
    { session: parseSession('2026-02-20') },
  )
  await until(() => startsOf(made, 'gate').length === 2, 'the other run')
  open(made)
  assert.equal((await other).state, 'success')
  const resumed = await made.retry()
  assert.equal(resumed.state, 'success')
  assert.deepEqual(resumed.tasks[0]?.rows, { things: 7 })
  assert.equal(startsOf(made, 'gate').length, 2)
})

test('a scheduler that was stopped for long is replaced, its task goes on, and when it wakes up it writes nothing', async () => {
  using made = new Lab()
  const stale = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  stale.process.kill('SIGSTOP')
  await sleep(400)
  const leader = drive(made, ['retry'])
  await until(() => holderOf(made) === leader.process.pid, 'the second one leads')
  stale.process.kill('SIGCONT')
  const [code, output] = await stale.ended
  assert.deepEqual([code, output], [5, 'another scheduler has taken over this state directory'])
  assert.equal(holderOf(made), leader.process.pid)
  open(made)
  assert.equal(JSON.parse((await leader.ended)[1]).state, 'success')
  assert.equal(startsOf(made, 'gate').length, 1)
})

test('a scheduler that lives is not replaced, wherever the clock was set to', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  for (const hours of [-1, 1]) {
    const now = () => new Date(Date.now() + hours * 3_600_000)
    using store = openStore(made.config.stateDir, { now })
    await assert.rejects(acquireLease(store, { heartbeatEveryMs: 50, silentAfterMs: 300, watchedForMs: 500 }), { exitCode: 5 })
  }
  open(made)
  assert.equal(JSON.parse((await driver.ended)[1]).state, 'success')
})

test('a scheduler in another PID namespace is not replaced while it lives', { skip: cannotUnshare }, async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'gated'])
  await made.written('lake/gate.starts')
  const [code, output] = await start([...contained, process.execPath, driverScript, made.dir, 'retry']).ended
  assert.equal(code, 5)
  assert.match(output, new RegExp(`a scheduler is already at work on .*: pid ${driver.process.pid} in another PID namespace on `))
  open(made)
  assert.equal(JSON.parse((await driver.ended)[1]).state, 'success')
})

test('a task in another PID namespace is adopted by its signs of life, neither signalled nor started again', {
  skip: cannotUnshare,
}, async () => {
  using made = new Lab()
  // The shell stays when the scheduler is killed: the namespace goes on, and with it the task.
  const script = '"$@" & echo started; wait; echo $! >"$0"; exec sleep 60'
  const command = ['sh', '-c', script, join(made.dir, 'killed'), process.execPath, driverScript, made.dir, 'trigger', 'gated']
  const container = start([...contained, ...command])
  await made.written('lake/gate.starts')
  const inside = holderOf(made)
  spawnSync('nsenter', ['--target', String(childOf(container)), '--pid', '--mount', 'kill', '-KILL', String(inside)])
  await made.written('killed')
  const resumed = made.retry({ leaseTimes: { heartbeatEveryMs: 50, silentAfterMs: 300, watchedForMs: 500 } })
  await until(() => holderOf(made) === process.pid, 'this process leads')
  open(made)
  const { state, attempt, tasks } = await resumed
  assert.deepEqual([state, attempt, tasks[0]?.tries, startsOf(made, 'gate').length], ['success', 1, 1, 1])
  container.process.kill('SIGKILL')
})

/** Pid, here, of the first process of a container. */
function childOf({ process: { pid = 0 } }: Driver): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

function holderOf(made: Lab): number | null {
  using store = openStore(made.config.stateDir, { readonly: true })
  return store.leases.holder('scheduler')?.pid ?? null
}

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
  const shell = shellOf(made)
  await kill(driver)
  signalGroup(shell, 'SIGTERM')
  // The dead one is replaced at once, although its lease was never released; what died with it is retried.
  const { state, attempt } = await made.retry()
  assert.deepEqual([state, attempt], ['success', 2])
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

test('a task held at a named point can be seen there, goes on being held after the scheduler was killed, and ends with its group', async () => {
  using made = new Lab()
  const driver = drive(made, ['trigger', 'publishing'], { TASK_FAULT: 'publish:after-intent:hold' })
  const pid = Number(await made.written('state/held-publish-after-intent'))
  await kill(driver)
  assert.equal(existsSync(join(made.config.lakeDir, 'published')), false)
  process.kill(pid, 'SIGKILL')
  assert.equal((await made.retry()).state, 'success')
})
