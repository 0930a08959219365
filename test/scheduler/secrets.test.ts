import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { PipelineError } from '../../src/errors.ts'
import { defineDag } from '../../src/scheduler/dag.ts'
import { secret } from '../../src/scheduler/params.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { Lab, runId, session } from './harness.ts'
import { dag as command } from '../cli/support.ts'

const token = `s3cr$t "quoted" 'x'; touch /tmp/pwned`
const params = () => z.strictObject({ token: secret(z.string().min(3).default('')), size: z.string().default('small') })
const dag = defineDag('lab', { about: 'made for a test', params, runPrefix: () => 'lab' }, ({ task }) => void task('leaky'))

/** Files below a directory that hold the text. */
function filesWith(directory: string, text: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(text))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

test('a secret reaches its tasks, in every attempt, and nothing else', async () => {
  using made = new Lab()
  await made.trigger(dag, { params: { token } })
  assert.equal((await made.retry()).state, 'success')
  const inLake = [1, 2].map((attempt) => readFileSync(join(made.config.lakeDir, `token.${attempt}`), 'utf8'))
  assert.deepEqual(inLake, [token, token])
  const file = `secrets/${runId}.json`
  assert.deepEqual(filesWith(made.config.stateDir, 's3cr$t'), [file])
  assert.equal(statSync(join(made.config.stateDir, file)).mode & 0o777, 0o600)
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual(store.run(runId).params, { size: 'small', token: '***' })
  assert.equal(store.tasks(runId)[0]?.note, 'done with ***')
  const env = { DAG_STATE: made.config.stateDir, DISCOGS_DATA_LAKE: made.config.lakeDir }
  const shown = await Promise.all([command(['status', 'latest', '--json'], env), command(['logs', 'latest', 'leaky'], env)])
  for (const { stdout, stderr } of shown) assert.doesNotMatch(stdout + stderr, /s3cr/)
})

test('a run whose secrets are gone starts nothing with `***`: it fails, says how to give them again, and goes on with them', async () => {
  using made = new Lab()
  await made.trigger(dag, { params: { token } })
  const file = join(made.config.stateDir, 'secrets', `${runId}.json`)
  rmSync(file)
  const expected = {
    exitCode: 2,
    retryable: false,
    message: `the secret params of run ${runId} must be given again: ${file} is gone`,
  }
  const hint = `write {"token":"…"} to ${file}, for its owner alone (chmod 600); then \`dag retry ${runId}\``
  await assert.rejects(made.retry(), { ...expected, hint })
  {
    using store = openStore(made.config.stateDir, { readonly: true })
    const { state, reason, attempt } = store.run(runId)
    assert.deepEqual([state, reason, attempt, store.tasks(runId)[0]?.state], ['failed', expected.message, 2, 'cancelled'])
  }
  assert.equal(existsSync(join(made.config.lakeDir, 'token.2')), false)
  writeFileSync(file, JSON.stringify({ token }), { mode: 0o600 })
  assert.equal((await made.retry()).state, 'success')
  assert.equal(readFileSync(join(made.config.lakeDir, 'token.3'), 'utf8'), token)
})

test('secrets of a dead run that cannot be read hold up no other run, and no message repeats them', async () => {
  using made = new Lab()
  await made.trigger(dag, { params: { token } })
  writeFileSync(join(made.config.stateDir, 'secrets', `${runId}.json`), token)
  dieAtBegin(made)
  const other = await made.trigger(dag, { params: { token }, session: parseSession('2026-02-20') })
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual([other.state, other.tasks[0]?.tries, store.run(runId).reason], ['failed', 1, 'scheduler died'])
  dieAtBegin(made)
  const refusal = await made.retry().catch((error: unknown) => error)
  assert.ok(refusal instanceof PipelineError)
  assert.deepEqual([refusal.exitCode, store.run(runId).state, store.run(runId).reason], [2, 'failed', refusal.message])
  assert.match(refusal.message, /must be given again: .* cannot be read$/)
})

/** As a scheduler leaves a run that is killed in the moment an attempt has begun. */
function dieAtBegin(made: Lab): void {
  using store = openStore(made.config.stateDir)
  store.change.createAttempt({ runId, plan: store.planOf(runId), parallelism: 1, carried: [] }, store.run(runId))
}

test('`***` is no value: it stands for one that is not shown', () => {
  assert.throws(() => dag.resolve(session, { size: '***' }), { exitCode: 2, message: /size: \*\*\* stands for a value/ })
})

test('neither a refusal nor a description shows a secret', () => {
  assert.throws(
    () => dag.resolve(session, { token: 'ab' }),
    (error: Error) => /token=\*\*\*: /.test(error.message),
  )
  assert.equal(dag.describeParams(session)[1]?.name, 'size')
  assert.equal(dag.describeParams(session)[0]?.standard, '***')
})

test('a megabyte of params is refused, and no message repeats it', () => {
  const given = { size: 'x'.repeat(1_000_000) }
  assert.throws(
    () => dag.resolve(session, given),
    (error: Error) => /1000004 bytes of params are too many/.test(error.message) && error.message.length < 1000,
  )
})
