import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runDir } from '../../src/lake/layout.ts'
import { readManifest } from '../../src/lake/manifest.ts'
import { seal } from '../../src/tasks/seal.ts'
import { LakeLab } from '../lake/lake-lab.ts'
import { taskContext } from '../support/task-context.ts'

test('the seal task says what it has sealed, writes down what was run, and may run twice', async () => {
  using lab = new LakeLab()
  lab.stage('r1')
  const directory = runDir(lab.lakeDir, 'r1')
  const context = taskContext({ lakeDir: lab.lakeDir, runId: 'r1', taskId: 'seal', params: { run_mode: 'dev' } })
  assert.deepEqual(await seal(context), { note: 'sealed 2 datasets, 2 rows, 37 bytes' })
  assert.equal(context.heard.steps.at(-1), '37/37 sha256')
  const { dag, session, params, code } = readManifest(directory)
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  assert.deepEqual([dag, session, params, code.version], ['main', '2026-04-20 06:00:00', { run_mode: 'dev' }, version])
  assert.match(code.commit ?? 'outside git', /^[0-9a-f]{40}$|^outside git$/)
  const note = `${directory} was sealed already and is unchanged: 2 datasets, 2 rows, 37 bytes`
  assert.deepEqual(await seal(context), { note })
})

test('a seal task that is stopped seals nothing', async () => {
  using lab = new LakeLab()
  lab.stage('r1')
  const signal = AbortSignal.abort(new Error('stopped by SIGTERM'))
  await assert.rejects(seal(taskContext({ lakeDir: lab.lakeDir, runId: 'r1', signal })), /stopped by SIGTERM/)
  assert.throws(() => readManifest(runDir(lab.lakeDir, 'r1')), /is no sealed run/)
})
