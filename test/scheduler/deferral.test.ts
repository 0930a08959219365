/** Tasks that are not ready yet: how they wait, what is seen of them, and what ends the wait. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { untilEnded } from '../../src/cli/deferred.ts'
import { compile } from '../../src/scheduler/plan.ts'
import { renderShell } from '../../src/scheduler/render/sh.ts'
import { seenRun } from '../../src/scheduler/seen-state.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { standardTimetable } from '../../src/scheduler/timetable.ts'
import { dag as command, type Outcome } from '../cli/support.ts'
import { Lab, lab, runId, scriptsDir, session, statesOf, until } from './harness.ts'

const hourMs = 3_600_000

class DeferralLab extends Lab {
  ready(): void {
    writeFileSync(join(this.dir, 'later.ready'), '')
  }

  looks(): readonly string[] {
    const file = join(this.dir, 'later.looks')
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
  }

  read<Answer>(question: (store: Store) => Answer): Answer {
    using store = openStore(this.config.stateDir, { readonly: true })
    return question(store)
  }

  command(...args: readonly string[]): Promise<Outcome> {
    return command(args, { DAG_STATE: this.config.stateDir, DISCOGS_DATA_LAKE: this.config.lakeDir, NO_COLOR: '1' })
  }

  foreground(first: Awaited<ReturnType<Lab['trigger']>>, signal = new AbortController().signal, said: string[] = []) {
    return untilEnded(first, { config: this.config, scriptsDir, signal, log: (line) => void said.push(line) })
  }
}

const waiting = (pauseMs: number, deferLimitMs?: number) =>
  lab(({ task }) => {
    const later = task('later', { args: [String(pauseMs)], ...(deferLimitMs === undefined ? {} : { deferLimitMs }) })
    task('after', { script: 'quick', upstream: [later] })
    task('beside', { script: 'quick' })
  })

test('a deferred task leaves its run without a scheduler; status, explain, wait and SQL say what it waits for', async () => {
  using made = new DeferralLab()
  const outcome = await made.trigger(waiting(hourMs))
  assert.deepEqual([outcome.state, statesOf(outcome)], ['running', { later: 'deferred', after: 'waiting', beside: 'success' }])
  assert.deepEqual([outcome.deferral?.taskId, outcome.deferral?.reason], ['later', 'it is not ready'])
  const [one] = made.read((store) => store.tries(runId).filter(({ taskId }) => taskId === 'later'))
  assert.deepEqual([one?.state, one?.exitCode], ['deferred', 75])
  assert.equal(
    made.read((store) => seenRun(store, store.run(runId)).state),
    'deferred',
  )
  // Another run takes the lease, and leaves it as it is.
  const other = await made.trigger(
    lab(({ task }) => task('quick')),
    {
      params: { prefix: 'other' },
      session: { ...session, text: '2026-01-21 00:00:00', date: new Date('2026-01-21T00:00:00Z') } as typeof session,
    },
  )
  assert.equal(other.state, 'success')
  assert.equal(
    made.read((store) => store.run(runId).state),
    'running',
  )
  const status = await made.command('status', runId)
  assert.match(status.stdout, /state {5}⏲ deferred: later: it is not ready; it looks again at 20/)
  assert.match((await made.command('explain', runId, 'later')).stdout, /not yet: it is not ready\n.*it looks again at 20/)
  assert.match((await made.command('explain', runId, 'after')).stdout, /it waits for later, which is deferred/)
  assert.match((await made.command('runs')).stdout, new RegExp(`${runId} .*deferred`))
  const sql = 'select task_id, reason, since is not null, until > since from deferral'
  assert.equal(
    execFileSync('sqlite3', [join(made.config.stateDir, 'scheduler.db'), sql], { encoding: 'utf8' }),
    'later|it is not ready|1|1\n',
  )
})

test('a command in the foreground waits without the lease and continues the run when it is due, as often as it takes', async () => {
  using made = new DeferralLab()
  const said: string[] = []
  const ended = made.foreground(await made.trigger(waiting(1_000)), undefined, said)
  await until(() => made.looks().length >= 3, 'three looks')
  made.ready()
  const outcome = await ended
  assert.deepEqual([outcome.state, statesOf(outcome)], ['success', { later: 'success', after: 'success', beside: 'success' }])
  const looks = made.looks()
  const [first, ...later] = looks.map((look) => look.split(' ')[1])
  assert.equal(first, 'first')
  assert.equal(new Set(later).size, 1)
  const task = outcome.tasks.find(({ taskId }) => taskId === 'later')
  assert.deepEqual([task?.tries, task?.note], [looks.length, `ready at try ${looks.length}`])
  assert.match(said[0] ?? '', /waits: it is not ready; it looks again at .*; Ctrl-C leaves it waiting/)
})

test('wake lets it look at once; Ctrl-C leaves it waiting; retry continues it, cancel ends it', async () => {
  using made = new DeferralLab()
  const first = await made.trigger(waiting(hourMs))
  const stop = new AbortController()
  const left = made.foreground(first, stop.signal)
  const woken = await made.command('wake', 'latest')
  assert.deepEqual([woken.code, woken.stdout], [0, `run ${runId} looks again now: later\n`], woken.stderr)
  await until(
    () => made.looks().length === 2 && made.read((store) => store.tasks(runId)[0]?.state) === 'deferred',
    'a second look',
  )
  stop.abort(new Error('enough'))
  assert.equal((await left).deferral?.taskId, 'later')
  assert.equal((await made.command('wake', 'latest', 'beside')).code, 3)
  const retried = await made.retry()
  assert.deepEqual([retried.state, made.looks().length], ['running', 3])
  const cancelled = await made.command('cancel', 'latest', '--reason', 'a test')
  assert.deepEqual([cancelled.code, cancelled.stdout], [0, `run ${runId} is cancelled\n`], cancelled.stderr)
  made.ready()
  const resumed = await made.retry()
  assert.deepEqual([resumed.state, resumed.attempt], ['success', 2])
})

test('it gives up at the limit that the dag names, after a last look then, and is not tried again', async () => {
  using made = new DeferralLab()
  const outcome = await made.foreground(await made.trigger(waiting(hourMs, 1_500)))
  assert.deepEqual(statesOf(outcome), { later: 'failed', after: 'upstream_failed', beside: 'success' })
  assert.match(outcome.tasks[0]?.reason ?? '', /^gave up after waiting for .*: it is not ready$/)
  assert.equal(made.looks().length, 2)
})

test('a task that is deferred beside others keeps their scheduler, which wakes for it', async () => {
  using made = new DeferralLab()
  const dag = lab(({ task }) => {
    task('later', { args: ['1000'] })
    task('patient')
  })
  const ended = made.trigger(dag)
  await until(() => made.looks().length >= 2, 'a second look')
  made.ready()
  await until(() => made.read((store) => store.tasks(runId)[0]?.state) === 'success', 'the end of the wait')
  await made.command('cancel', 'latest')
  assert.deepEqual(statesOf(await ended), { later: 'success', patient: 'cancelled' })
})

test('exit code 75 without a time in the result file is a failure that says so', async () => {
  using made = new DeferralLab()
  const outcome = await made.trigger(lab(({ task }) => task('silent', { args: ['75'] })))
  assert.match(outcome.tasks[0]?.reason ?? '', /exit code 75 \(not yet\) without a line \{"deferred": …\} in its result file/)
})

test('the plan as a shell script waits by itself', async () => {
  using made = new DeferralLab()
  const plan = compile(waiting(1_000), { projectDir: made.config.projectDir, scriptsDir })
  const script = renderShell(plan, { ...made.config, runId, session: session.text, params: {} })
  const child = spawn('sh', ['-s'], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, DISCOGS_DATA_LAKE: made.config.lakeDir },
  })
  child.stdin.end(script)
  await until(() => made.looks().length >= 2, 'a second look')
  made.ready()
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

/** A daemon whose clock the test moves. */
class ScheduledLab extends DeferralLab {
  readonly #clock = join(this.dir, 'clock')
  #offsetMs = 0

  constructor() {
    super()
    writeFileSync(this.#clock, '0')
    mkdirSync(join(this.dir, 'dags'))
    const { zod, dag } = {
      zod: join(import.meta.dirname, '../../node_modules/zod/index.js'),
      dag: join(import.meta.dirname, '../../src/scheduler/dag.ts'),
    }
    writeFileSync(
      join(this.dir, 'dags/lab.ts'),
      `import { z } from ${JSON.stringify(zod)}
import { defineDag } from ${JSON.stringify(dag)}
const options = { about: 'waits', params: () => z.strictObject({}), runPrefix: () => 'lab', schedule: { cron: '30 2 22 * *', timeZone: 'Europe/Berlin' } }
export default defineDag('lab', options, ({ task }) => {
  const later = task('later', { args: ['${6 * hourMs}'], deferLimitMs: ${14 * 24 * hourMs} })
  task('after', { script: 'quick', upstream: [later] })
})
`,
    )
  }

  start(): ChildProcess {
    const preload = `--import=${join(import.meta.dirname, '../support/shifted-clock.mjs')}`
    const driver = join(import.meta.dirname, 'daemon-lab.ts')
    return spawn(process.execPath, [driver, this.dir, 'daemon'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: preload, CLOCK_FILE: this.#clock },
    })
  }

  /** The daemon is told as a person would: its timers know nothing of the jump. */
  passHours(hours: number): void {
    this.#offsetMs += hours * hourMs
    writeFileSync(this.#clock, String(this.#offsetMs))
    appendFileSync(join(this.dir, 'dags/lab.ts'), '\n')
  }

  startAt(instant: string): void {
    this.#offsetMs = Date.parse(instant) - Date.now()
    writeFileSync(this.#clock, String(this.#offsetMs))
    using store = openStore(this.config.stateDir)
    store.schedules.put(
      'lab',
      { ...standardTimetable, cron: '30 2 22 * *', timeZone: 'Europe/Berlin', catchUp: 'latest' },
      new Date(Date.parse(instant) + 60_000),
    )
  }
}

test('a scheduled run waits for five days, across two restarts and the end of summer time, and runs once', {
  timeout: 120_000,
}, async () => {
  using made = new ScheduledLab()
  made.startAt('2026-10-22T00:29:30Z')
  let daemon = made.start()
  try {
    made.passHours(1)
    await until(() => made.looks().length === 1, 'the first look')
    for (let day = 1; day <= 5; day++) {
      await until(
        () => made.read((store) => store.tasks(store.runs()[0]?.runId ?? '')[0]?.state) === 'deferred',
        `deferred on day ${day}`,
      )
      if (day === 2 || day === 4) {
        daemon.kill(day === 2 ? 'SIGKILL' : 'SIGTERM')
        await once(daemon, 'exit')
        daemon = made.start()
      }
      if (day === 5) made.ready()
      const before = made.looks().length
      made.passHours(24)
      await until(() => made.looks().length > before, `a look on day ${day}`)
    }
    const isOver = (): boolean => made.read((store) => store.runs().some(({ state }) => state === 'success'))
    await until(isOver, 'the end')
  } finally {
    daemon.kill('SIGKILL')
  }
  const runs = made.read((store) => store.runs())
  assert.deepEqual(
    runs.map(({ state, attempt }) => [state, attempt]),
    [['success', 1]],
  )
  const told = made.read((store) =>
    store.events(runs[0]?.runId ?? '').filter(({ subject, fromState }) => subject === 'run' && fromState === 'running'),
  )
  assert.deepEqual(
    told.map(({ toState }) => toState),
    ['success'],
  )
})
