/** What an operating system does to a scheduler besides killing it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab, runId } from './harness.ts'

test('a flood of output, and a line that never ends, go to the log and cost the scheduler nothing', async () => {
  using made = new Lab()
  const before = process.memoryUsage.rss()
  const outcome = await made.trigger(lab(({ task }) => task('flood', { args: ['log', '1024'] })))
  assert.equal(outcome.state, 'success')
  assert.ok(process.memoryUsage.rss() - before < 64 * 2 ** 20)
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.equal(statSync(store.tries(runId)[0]?.logFile ?? '').size, 2 ** 30)
})

test('a result file that is too large, or has a line that is, fails the task and is not read to its end', async () => {
  using made = new Lab()
  const before = process.memoryUsage.rss()
  const { tasks } = await made.trigger(
    lab(({ task }) => {
      task('line', { script: 'flood', args: ['line', '200'] })
      task('lines', { script: 'flood', args: ['lines', '80'] })
    }),
  )
  assert.deepEqual(
    tasks.map((task) => [task.state, task.reason]),
    [
      ['failed', 'its result file has a line longer than 8 MiB'],
      ['failed', 'its result file is larger than 64 MiB'],
    ],
  )
  assert.ok(process.memoryUsage.rss() - before < 128 * 2 ** 20)
})

test('a reader that keeps the state open for 10 s keeps nobody waiting', async () => {
  using made = new Lab()
  openStore(made.config.stateDir).close()
  const reader = new Database(databaseFile(made.config.stateDir), { readonly: true })
  reader.exec('begin; select count(*) from run')
  reader.prepare('select count(*) from run').get()
  const reading = sleep(10_000).then(() => reader.close())
  const started = performance.now()
  const outcome = await made.trigger(lab(({ task }) => task('first', { script: 'quick' })))
  assert.equal(outcome.state, 'success')
  assert.ok(performance.now() - started < 9_000)
  await reading
})

test('a state that another program has locked for writing is waited for, and nothing is lost', async () => {
  using made = new Lab()
  const { child, ended } = drive(made, 'gated')
  await made.written('lake/gate.starts')
  const other = new Database(databaseFile(made.config.stateDir), { timeout: 5_000 })
  other.exec('begin immediate')
  writeFileSync(join(made.config.lakeDir, 'go'), '')
  await sleep(11_000)
  assert.equal(child.exitCode, null)
  other.exec('commit')
  other.close()
  assert.match((await ended).join(), /"state":"success"/)
})

test('a state directory that may not be written is refused in plain words', async () => {
  using made = new Lab()
  mkdirSync(made.config.stateDir, { recursive: true })
  chmodSync(made.dir, 0o755)
  chmodSync(made.config.stateDir, 0o555)
  // Root may write everywhere: then somebody else tries.
  const [code, output] = await drive(made, 'gated', process.getuid?.() === 0 ? { uid: 65_534 } : {}).ended
  chmodSync(made.config.stateDir, 0o755)
  assert.deepEqual(
    [code, output.replace(made.config.stateDir, 'STATE')],
    [1, "the scheduler's state STATE/scheduler.db cannot be opened"],
  )
})

/** A scheduler in a process of its own. */
function drive(made: Lab, dag: string, options: { readonly uid?: number } = {}) {
  const script = join(import.meta.dirname, 'driver.ts')
  const child = spawn(process.execPath, [script, made.dir, 'trigger', dag], { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.once('exit', resolve)
  return { child, ended: Promise.all([promise, text(child.stdout)]) }
}
