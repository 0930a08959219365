import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { defineDag } from '../../src/scheduler/dag.ts'
import { secret } from '../../src/scheduler/params.ts'
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
