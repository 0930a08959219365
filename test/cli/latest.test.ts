/** What `latest` names after a run of a dag that writes no snapshot. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { defineDag } from '../../src/scheduler/dag.ts'
import { compile } from '../../src/scheduler/plan.ts'
import { LakeLab } from '../lake/lake-lab.ts'
import { scriptsDir } from '../scheduler/harness.ts'
import { dag } from './support.ts'

const counting = compile(
  defineDag('counting', { about: 'reads only', params: () => z.strictObject({}), runPrefix: () => 'counting' }, ({ task }) => {
    task('count', { script: 'quick' })
  }),
  { projectDir: join(import.meta.dirname, '../..'), scriptsDir },
)

test('latest is the newest run of all dags, latest:<dag> of one, and for data the newest with a snapshot', async () => {
  using lab = new LakeLab()
  const [snapshot, other] = ['2026-04__20260420_060000', 'counting__20260421_060000']
  await lab.seal(snapshot)
  const by = { trigger: 'manual', triggeredBy: 'me', plan: counting, parallelism: 1 } as const
  lab
    .store()
    .change.createRun({ runId: other, session: '2026-04-21 06:00:00', params: {}, ...by, lakeDir: lab.lakeDir, rawDir: lab.dir })
  const env = { DISCOGS_DATA_LAKE: lab.lakeDir, DAG_STATE: lab.stateDir }
  const statusOf = async (run: string): Promise<unknown> => {
    const { code, stdout, stderr } = await dag(['status', run, '--json'], env)
    return code === 0 ? z.object({ runId: z.string() }).parse(JSON.parse(stdout)).runId : stderr
  }
  assert.deepEqual(
    [await statusOf('latest'), await statusOf('latest:lab'), await statusOf('latest:counting'), await statusOf('latest:other')],
    [other, snapshot, other, 'dag: there is no run of dag other\nhint: `npm start` makes one, or `dag trigger main`\n'],
  )

  const unsealed = await dag(['promote', other], env)
  const hint = 'hint: `dag promote latest` names the newest run with a snapshot'
  const told = `dag: run ${other} has no snapshot in ${lab.lakeDir}: dag counting writes none\n${hint}\n`
  assert.deepEqual(unsealed, { code: 4, stdout: '', stderr: told })
  const none = await dag(['promote', 'latest:counting'], env)
  assert.deepEqual([none.code, none.stderr.split('\n')[0]], [4, `dag: no run of dag counting has a snapshot in ${lab.lakeDir}`])
  const promoted = await dag(['promote', 'latest'], env)
  assert.deepEqual(promoted, { code: 0, stdout: `active moved to ${snapshot}\n`, stderr: '' })
})
