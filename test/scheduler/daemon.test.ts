import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { maxResumptions } from '../../src/scheduler/resumption.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { standardTimetable, type Timetable } from '../../src/scheduler/timetable.ts'
import { Lab, until } from './harness.ts'

/** Leap days: slots far apart, so that a test knows how many there are. */
const cron = '0 6 29 2 *'
const leapDays = ['2012-02-29 06:00:00', '2016-02-29 06:00:00', '2020-02-29 06:00:00', '2024-02-29 06:00:00']
const timetable = { ...standardTimetable, cron, catchUp: 'all', catchUpMs: 20 * 366 * 86_400_000 } as const

class DaemonLab extends Lab {
  readonly #daemons: ChildProcess[] = []

  /** A dag of one task whose slots have been waiting since 2012. */
  write(name: string, task: string, first = leapDays[0], catchUp: Timetable['catchUp'] = 'all', more = ''): void {
    mkdirSync(join(this.dir, 'dags'), { recursive: true })
    const source = join(import.meta.dirname, '../../src/scheduler/dag.ts')
    writeFileSync(
      join(this.dir, 'dags', `${name}.ts`),
      `import { z } from ${JSON.stringify(join(import.meta.dirname, '../../node_modules/zod/index.js'))}
import { defineDag } from ${JSON.stringify(source)}
const options = { about: 'made for a test', params: () => z.strictObject({}), runPrefix: () => '${name}', schedule: ${JSON.stringify({ ...timetable, catchUp })}, ${more} }
export default defineDag('${name}', options, ({ task, check }) => { ${task} })
`,
    )
    using store = openStore(this.config.stateDir)
    store.schedules.put(name, { ...timetable, catchUp }, new Date(`${first?.replace(' ', 'T')}Z`))
  }

  start(): ChildProcess {
    const driver = join(import.meta.dirname, 'daemon-lab.ts')
    const daemon = spawn(process.execPath, [driver, this.dir, 'daemon'], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#daemons.push(daemon)
    return daemon
  }

  read<Answer>(question: (store: Store) => Answer): Answer {
    using store = openStore(this.config.stateDir, { readonly: true })
    return question(store)
  }

  override [Symbol.dispose](): void {
    // Of a test that failed half-way.
    for (const daemon of this.#daemons) daemon.kill('SIGKILL')
    super[Symbol.dispose]()
  }

  /** `2012-02-29 06:00:00 success` and so on. */
  runs(): readonly string[] {
    return this.read((store) => store.runs().map(({ session, state }) => `${session} ${state}`)).toSorted()
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

const allDone = leapDays.map((slot) => `${slot} success`)

test('slots that were missed are run, each once, in their order', async () => {
  using made = new DaemonLab()
  made.write('lab', `task('quick')`)
  const daemon = made.start()
  await until(() => made.runs().filter((run) => run.endsWith('success')).length === 4, 'all slots are run')
  await end(daemon, 'SIGTERM')
  assert.deepEqual([daemon.exitCode, made.runs()], [0, allDone])
  const order = made.read((store) => store.runs().map((run) => run.session)).toReversed()
  assert.deepEqual(order, leapDays)
})

test('a daemon killed again and again runs every slot exactly once', { timeout: 60_000 }, async () => {
  using made = new DaemonLab()
  made.write('lab', `task('quick')`)
  for (const ms of [150, 420, 260, 610, 340, 700]) {
    const daemon = made.start()
    await sleep(ms)
    await end(daemon, 'SIGKILL')
  }
  const daemon = made.start()
  await until(() => made.runs().filter((run) => run.endsWith('success')).length === 4, 'all slots are run')
  await end(daemon, 'SIGTERM')
  assert.deepEqual(made.runs(), allDone)
  const database = new Database(databaseFile(made.config.stateDir), { readonly: true })
  const slots = database.prepare("select slot || ' ' || state from slot order by slot").pluck().all()
  database.close()
  assert.deepEqual(
    slots,
    leapDays.map((slot) => `${slot} started`),
  )
})

test('SIGTERM stops the run as well, and the next daemon resumes it', async () => {
  using made = new DaemonLab()
  made.write('lab', `task('patient', { args: ['2'] })`, leapDays[3])
  const first = made.start()
  await made.written('lake/patient.started')
  await end(first, 'SIGTERM')
  assert.deepEqual(made.runs(), [`${leapDays[3]} cancelled`])
  const second = made.start()
  await until(() => made.runs()[0]?.endsWith('success') === true, 'the run is resumed')
  await end(second, 'SIGTERM')
  assert.deepEqual(
    made.read((store) => store.attempts('lab__20240229_060000').map((attempt) => attempt.state)),
    ['cancelled', 'success'],
  )
})

test('a scheduled run that failed is tried again as its dag says; what cannot pass by itself waits for a person', async () => {
  using made = new DaemonLab()
  const rerun = 'rerun: { times: 2, delayMs: 1 }'
  made.write('mending', `task('flaky', { args: ['1000', '3'] })`, leapDays[3], 'all', rerun)
  made.write('broken', `task('flaky')`, leapDays[3], 'all', rerun)
  made.write('hopeless', `task('hopeless')`, leapDays[3], 'all', rerun)
  made.write('checked', `check('verify', { args: ['fail'] })`, leapDays[3], 'all', rerun)
  const daemon = made.start()
  const states = (): Record<string, readonly [string, number]> =>
    made.read((store) => Object.fromEntries(store.runs().map(({ dagId, state, attempt }) => [dagId, [state, attempt] as const])))
  const isOver = (): boolean => {
    const { mending, broken, hopeless, checked } = states()
    return (
      mending?.[0] === 'success' &&
      broken?.[1] === 3 &&
      broken[0] === 'failed' &&
      hopeless !== undefined &&
      checked?.[0] === 'failed'
    )
  }
  await until(isOver, 'all that can be done')
  await sleep(300)
  await end(daemon, 'SIGTERM')
  assert.deepEqual(states(), { mending: ['success', 3], broken: ['failed', 3], hopeless: ['failed', 1], checked: ['failed', 1] })
  const told = made.read((store) =>
    store
      .events('mending__20240229_060000')
      .flatMap(({ subject, fromState, toState }) => (subject === 'run' && fromState === 'running' ? [toState] : [])),
  )
  assert.deepEqual(told, ['failed', 'failed', 'success'])
})

test('a run that is interrupted again and again is given up after some restarts, with a notice, and stays so', async () => {
  using made = new DaemonLab()
  made.write('lab', `task('patient')`, leapDays[3])
  const isStarted = join(made.config.lakeDir, 'patient.started')
  for (let begun = 0; begun <= maxResumptions; begun += 1) {
    const daemon = made.start()
    await made.written('lake/patient.started')
    await end(daemon, 'SIGTERM')
    rmSync(isStarted)
  }
  const last = made.start()
  await until(() => made.runs()[0]?.endsWith('failed') === true, 'it is given up')
  await end(last, 'SIGTERM')
  const further = made.start()
  await once(further.stdout ?? further, 'data')
  await sleep(1_000)
  await end(further, 'SIGTERM')
  const { reason, attempt, state } = made.read((store) => store.run('lab__20240229_060000'))
  const expected = 'given up: resumed 5 times by itself, and no task has succeeded in between'
  assert.deepEqual([state, reason, attempt, existsSync(isStarted)], ['failed', expected, maxResumptions + 2, false])
  const database = new Database(databaseFile(made.config.stateDir), { readonly: true })
  const notice = database.prepare('select state, reason from notice order by notice_id desc').raw().get()
  database.close()
  assert.deepEqual(notice, ['failed', expected])
})

test('a dag file that does not load stops no other, and its slot is run once it is mended', async () => {
  using made = new DaemonLab()
  made.write('good', `task('quick')`, leapDays[3])
  made.write('poor', `nonsense(`, leapDays[3])
  const daemon = made.start()
  await until(() => made.read((store) => store.findRun('good__20240229_060000')?.state === 'success'), 'the good one runs')
  const problemOf = (): string | null => made.read((store) => store.schedules.find('poor')?.problem ?? null)
  // Which of the two files the daemon reads first is open: under load the good run may end before the problem is recorded.
  await until(() => problemOf() !== null, 'the problem is recorded')
  const problem = problemOf()
  made.write('poor', `task('quick')`, leapDays[3])
  await until(() => made.read((store) => store.findRun('poor__20240229_060000')?.state === 'success'), 'the mended one runs')
  await end(daemon, 'SIGTERM')
  assert.match(problem ?? '', /SyntaxError|Expected|Unexpected/)
  assert.equal(problemOf(), null)
})

test('slots that were missed alone update the metrics too', async () => {
  using made = new DaemonLab()
  made.write('lab', `task('quick')`, leapDays[0], 'none')
  const metrics = join(made.dir, 'measured')
  writeFileSync(metrics, '')
  const daemon = made.start()
  const next = `dag_next_slot_timestamp_seconds{dag="lab"} ${Date.UTC(2028, 1, 29, 6) / 1000}`
  await until(() => readFileSync(metrics, 'utf8').includes(next), 'the next slot is in the metrics')
  await end(daemon, 'SIGTERM')
  assert.deepEqual(made.runs(), [])
})

test('a state that cannot be written is told and tried again, before a slot and after one: the daemon lives', async () => {
  using made = new DaemonLab()
  made.write('lab', `task('absent')`, leapDays[3])
  const database = new Database(databaseFile(made.config.stateDir))
  database.exec(`
create trigger no_slots before insert on slot begin select raise(abort, 'no slots'); end;
create trigger no_problems before update of problem on schedule when new.problem is not null begin select raise(abort, 'no problems'); end;`)
  const daemon = made.start()
  let told = ''
  daemon.stdout?.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  await until(() => told.includes('no slots'), 'it tells that it cannot write a slot')
  database.exec('drop trigger no_slots')
  await until(() => told.includes('no problems'), 'it tells that it cannot write what is wrong with the dag')
  database.exec('drop trigger no_problems')
  made.write('lab', `task('quick')`, leapDays[3])
  await until(() => made.runs()[0]?.endsWith('success') === true, 'the slot is run')
  database.close()
  await end(daemon, 'SIGTERM')
  assert.deepEqual(
    [daemon.exitCode, told.match(/^trouble, tried again: .*$/gm)],
    [0, ['trouble, tried again: no slots', 'trouble, tried again: no problems']],
  )
})

test('slots of a paused dag pass by, and what somebody ran by hand is not run again', async () => {
  using made = new DaemonLab()
  made.write('idle', `task('quick')`)
  {
    using store = openStore(made.config.stateDir)
    store.schedules.setPaused('idle', true)
  }
  const daemon = made.start()
  await until(() => made.read((store) => store.schedules.find('idle')?.lastSlot !== null), 'its slots have passed')
  await end(daemon, 'SIGTERM')
  assert.deepEqual(made.runs(), [])
})
