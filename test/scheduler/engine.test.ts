/** Several runs under one lease. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dag, defineDag, type TaskKinds } from '../../src/scheduler/dag.ts'
import { Engine } from '../../src/scheduler/engine.ts'
import { compile } from '../../src/scheduler/plan.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { z } from 'zod'
import { Lab, scriptsDir } from './harness.ts'

interface Limits {
  readonly maxActiveRuns?: number
  readonly pools?: Readonly<Record<string, number>>
}

function dagOf(limits: Limits, list: (kinds: TaskKinds<object>) => void): Dag {
  return defineDag('lab', { about: 'made for a test', params: () => z.strictObject({}), runPrefix: () => 'r', ...limits }, list)
}

/** Executes runs of a dag side by side. @returns their ids */
async function runAll(made: Lab, store: Store, dag: Dag, count: number): Promise<readonly string[]> {
  const plan = compile(dag, { projectDir: made.config.projectDir, scriptsDir })
  await using engine = await Engine.open(store, { config: made.config, parallelism: 8 })
  const ids = Array.from({ length: count }, (_, index) => `r${index}`)
  const create = (runId: string) => () => {
    const origin = { trigger: 'backfill', triggeredBy: 'test', parallelism: 8 } as const
    store.change.createRun({ runId, session: runId, params: {}, plan, ...origin, ...made.config })
    return store.run(runId)
  }
  return await Promise.all(ids.map((runId) => engine.execute(plan, create(runId), {})))
}

/** The most tries that were running at the same moment, by the event log. */
function mostAtOnce(store: Store, ids: readonly string[], taskId: string): number {
  const events = ids.flatMap((id) => store.events(id)).filter((one) => one.subject === 'try' && one.taskId === taskId)
  let [running, most] = [0, 0]
  for (const { toState } of events.toSorted((left, right) => left.id - right.id)) {
    running += toState === 'running' ? 1 : -1
    most = Math.max(most, running)
  }
  return most
}

test('a dag has no more active runs than it allows; those that wait begin in the order they came', async () => {
  using made = new Lab()
  using store = openStore(made.config.stateDir)
  const ids = await runAll(
    made,
    store,
    dagOf({ maxActiveRuns: 1 }, ({ task }) => void task('t', { script: 'quick' })),
    3,
  )
  const runs = ids.map((id) => store.run(id))
  assert.deepEqual(
    runs.map((run) => run.state),
    ['success', 'success', 'success'],
  )
  for (const [index, { createdAt }] of runs.entries()) if (index > 0) assert.ok(createdAt >= (runs[index - 1]?.endedAt ?? '~'))
})

test('runs share the places of a pool', async () => {
  using made = new Lab()
  using store = openStore(made.config.stateDir)
  const dag = dagOf({ pools: { net: 1 } }, ({ task }) => {
    task('pooled', { script: 'quick', pool: 'net' })
    task('free', { script: 'quick' })
  })
  const ids = await runAll(made, store, dag, 4)
  assert.deepEqual([mostAtOnce(store, ids, 'pooled'), mostAtOnce(store, ids, 'free')], [1, 4])
  assert.deepEqual(
    ids.map((id) => store.run(id).state),
    ['success', 'success', 'success', 'success'],
  )
})
