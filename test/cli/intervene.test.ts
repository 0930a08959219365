import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import type { PipelineError } from '../../src/errors.ts'
import { processStart, signalGroup } from '../../src/process-identity.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { Lab, lab, runId, statesOf, until } from '../scheduler/harness.ts'
import { dag, outcomeOf, startDag } from './support.ts'

/** A run of another process, and the command line beside it. */
class Scene extends Lab {
  start(name: string): Promise<unknown> {
    return once(this.spawn(name), 'exit')
  }

  spawn(name: string): ChildProcess {
    const driver = join(import.meta.dirname, '../scheduler/driver.ts')
    return spawn(process.execPath, [driver, this.dir, 'trigger', name], { stdio: 'ignore' })
  }

  dag(...args: readonly string[]) {
    return dag(args, { DAG_STATE: this.config.stateDir, DISCOGS_DATA_LAKE: this.config.lakeDir })
  }

  read<Answer>(question: (store: Store) => Answer): Answer {
    using store = openStore(this.config.stateDir, { readonly: true })
    return question(store)
  }

  states(): readonly string[] {
    return this.read((store) =>
      (store.findRun(runId) === null ? [] : store.tasks(runId)).map((task) => `${task.taskId} ${task.state}`),
    )
  }
}

describe('beside a run of another process', { concurrency: 2 }, () => {
  test('a task can be explained, watched and cancelled; what is below it does not start', async () => {
    using scene = new Scene()
    const ended = scene.start('long')
    await scene.written('lake/patient.started')
    const watching = outcomeOf(startDag(['status', 'latest', '--watch'], { DAG_STATE: scene.config.stateDir }))
    const following = outcomeOf(startDag(['logs', 'latest', 'patient', '-f'], { DAG_STATE: scene.config.stateDir }))
    const explained = await scene.dag('explain', 'latest', 'last')
    const cancelled = await scene.dag('cancel', 'latest', 'patient', '--reason', 'a test')
    await ended
    assert.match(explained.stdout, /last {2}· waiting\n {2}it waits for patient, which is running for \d+ s/)
    assert.deepEqual([cancelled.code, cancelled.stdout], [0, 'task patient is cancelled\n'], cancelled.stderr)
    assert.deepEqual(scene.states(), ['first success', 'patient cancelled', 'last upstream_failed'])
    assert.match(
      scene.read((store) => store.tasks(runId)[1]?.reason ?? ''),
      /^cancelled by .*@.*: a test$/,
    )
    const watched = await watching
    assert.match(watched.stdout, /patient cancelled: cancelled by .*\n[^]*run .* failed/)
    // What has waited for an end says with its exit code how it was, as `dag trigger` does; what only asks has its answer.
    const seen = [(await scene.dag('status', 'latest', '--watch')).code, (await scene.dag('logs', 'latest', 'first', '-f')).code]
    assert.deepEqual([watched.code, (await following).code, ...seen, (await scene.dag('status', 'latest')).code], [1, 1, 1, 0, 0])
    const after = await scene.dag('explain', 'latest', 'last', '--json')
    assert.match(JSON.parse(after.stdout).reasons.join('\n'), /the cause: patient is cancelled: cancelled by/)
  })

  test('a run whose task ignores every wish to end is cancelled within five seconds', async () => {
    using scene = new Scene()
    const ended = scene.start('stubborn')
    await scene.written('lake/stubborn.pids')
    const { code, stdout, stderr } = await scene.dag('cancel', 'latest')
    await ended
    assert.deepEqual([code, stdout], [0, `run ${runId} is cancelled\n`], stderr)
    const database = new Database(databaseFile(scene.config.stateDir), { readonly: true })
    const sql = 'select (julianday(ended_at) - julianday(requested_at)) * 86400 from request'
    const tookSeconds = Number(database.prepare(sql).pluck().get())
    database.close()
    assert.ok(tookSeconds < 5, `${tookSeconds} s`)
    const again = await scene.dag('cancel', 'latest')
    assert.deepEqual([again.code, /there is nothing to cancel/.test(again.stderr)], [3, true])
  })

  test('a task that waits for its next try is cancelled at once', async () => {
    using scene = new Scene()
    const waiting = lab(({ task }) => void task('flaky', { retries: 3, retryDelayMs: 600_000 }))
    const running = scene.trigger(waiting)
    await until(() => scene.states()[0] === 'flaky retry_wait', 'the task waits')
    const explained = await scene.dag('explain', 'latest', 'flaky')
    const { code } = await scene.dag('cancel', 'latest', 'flaky')
    assert.match(explained.stdout, /try 1 of 4 failed: try 1 fails\n {2}the next try starts at/)
    assert.deepEqual([code, statesOf(await running)], [0, { flaky: 'cancelled' }])
  })
})

test('a run whose scheduler was killed is shown as interrupted, with the hint to resume it', async () => {
  using scene = new Scene()
  const scheduler = scene.spawn('gated')
  await scene.written('lake/gate.starts')
  const hintOnSession = async (): Promise<string> =>
    await scene.trigger(lab(({ task }) => void task('quick'))).then(String, (error: PipelineError) => error.hint ?? '')
  const whileRunning = [(await scene.dag('status', 'latest')).stdout.split('\n')[1], await hintOnSession()]
  scheduler.kill('SIGKILL')
  await once(scheduler, 'exit')
  const stateIn = (json: string): unknown => [JSON.parse(json)].flat().map(({ state }) => state)
  const [runs, status, tasks] = await Promise.all([
    scene.dag('runs', '--json'),
    scene.dag('status', 'latest'),
    scene.dag('tasks', 'latest', '--json'),
  ])
  const told = await hintOnSession()
  const gate = scene.read((store) => store.tries(runId).at(-1)?.pid)
  signalGroup(Number(gate), 'SIGKILL')
  await until(() => processStart(Number(gate)) === null, 'the task has ended')
  const later = await scene.dag('tasks', 'latest', '--json')
  assert.deepEqual(whileRunning, [
    'state     ▶ running',
    `\`dag status ${runId} --watch\` follows it, \`dag cancel ${runId}\` stops it`,
  ])
  assert.deepEqual(
    [stateIn(runs.stdout), stateIn(tasks.stdout), stateIn(later.stdout)],
    [['interrupted'], ['running', 'waiting'], ['interrupted', 'waiting']],
  )
  assert.match(status.stdout, /^state {5}! interrupted: its scheduler was killed; `dag retry .*` resumes it$/m)
  assert.equal(told, `\`dag retry ${runId}\` resumes it`)
})

describe('after a run', () => {
  test('a failed task can be marked, with a trace, and the run goes on from there', async () => {
    using scene = new Scene()
    const made = lab(({ task, check }) => {
      const poor = task('poor', { script: 'hopeless' })
      check('sure', { script: 'verify', args: ['fail'], upstream: [poor] })
    })
    await scene.trigger(made)
    const refused = await Promise.all([
      scene.dag('mark', 'latest', 'sure', 'success', '--reason', 'I know better'),
      scene.dag('mark', 'latest', 'poor', 'failed', '--reason', 'again'),
      scene.dag('mark', 'latest', 'por', 'success', '--reason', 'x'),
      scene.dag('mark', 'latest', 'poor', 'done', '--reason', 'x'),
      scene.dag('mark', 'latest', 'poor', 'success'),
    ])
    assert.deepEqual(
      refused.map(({ code }) => code),
      [3, 3, 4, 2, 2],
    )
    assert.match(refused[0].stderr, /it is a check; only its own result opens the gate/)
    assert.match(refused[2].stderr, /did you mean "poor"\?/)
    const marked = await scene.dag('mark', 'latest', 'poor', 'success', '--reason', `by hand; $(touch ${scene.dir}/pwned)`)
    assert.deepEqual([marked.code, marked.stdout], [0, `task poor is now success, it was failed; run ${runId} is failed\n`])
    assert.deepEqual(statesOf(await scene.retry()), { poor: 'success', sure: 'success' })
    const trace = scene.read((store) => store.events(runId).find((event) => event.detail?.startsWith('marked success by')))
    assert.deepEqual([trace?.fromState, trace?.toState], ['failed', 'success'])
  })

  test('a task that succeeded runs again only together with what was made from it', async () => {
    using scene = new Scene()
    const made = lab(({ task }) => {
      const first = task('first', { script: 'quick' })
      task('last', { script: 'quick', upstream: [first] })
      task('beside', { script: 'quick' })
    })
    await scene.trigger(made)
    await assert.rejects(scene.retry({ redo: { taskId: 'first', downstream: false } }), {
      exitCode: 2,
      message: /last below first succeeded/,
    })
    await assert.rejects(scene.retry({ redo: { taskId: 'frst', downstream: true } }), {
      exitCode: 4,
      hint: 'did you mean "first"?',
    })
    const again = await scene.retry({ redo: { taskId: 'first', downstream: true } })
    assert.deepEqual(Object.fromEntries(again.tasks.map(({ taskId, carriedFrom }) => [taskId, carriedFrom])), {
      beside: 1,
      first: null,
      last: null,
    })
    const stats = await scene.dag('runs', '--stats', '--json')
    assert.deepEqual(
      JSON.parse(stats.stdout)[0].stats.map((one: { readonly taskId: string | null }) => one.taskId),
      [null, 'first', 'last'],
    )
  })
})
