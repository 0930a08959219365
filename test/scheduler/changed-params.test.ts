import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type Dag, defineDag } from '../../src/scheduler/dag.ts'
import type { RunOutcome } from '../../src/scheduler/loop.ts'
import { readBy, wholeNumber } from '../../src/scheduler/params.ts'
import { compile } from '../../src/scheduler/plan.ts'
import { planChanges } from '../../src/scheduler/plan-changes.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { Lab, runId, scriptsDir } from './harness.ts'

const schema = z.strictObject({
  prefix: z.string().default('lab'),
  cap: readBy(wholeNumber().default(2), { scripts: ['quick'], isLimit: true }),
  target: readBy(z.string().default('here'), { scripts: ['environment'] }),
  free: z.string().default('x'),
})

/** Two tasks that succeed, and one that fails in the first attempt. */
function dagWith(rows = '1'): Dag {
  return defineDag('lab', { about: 'made for a test', params: () => schema, runPrefix: ({ prefix }) => prefix }, ({ task }) => {
    task('limited', { script: 'quick', args: [rows] })
    task('aimed', { script: 'environment' })
    task('last', { script: 'flaky', args: ['9', '2'] })
  })
}

async function failedRun(): Promise<Lab> {
  const made = new Lab()
  await made.trigger(dagWith())
  return made
}

/** By task the attempt in which it succeeded, null for one that ran again. */
function carried({ tasks }: RunOutcome): Record<string, number | null> {
  return Object.fromEntries(tasks.map(({ taskId, carriedFrom }) => [taskId, carriedFrom]))
}

const cases = [
  {
    title: 'a higher limit keeps what has passed the lower one',
    params: { cap: '3' },
    kept: { limited: 1, aimed: 1, last: null },
  },
  { title: 'a lower limit runs its readers again', params: { cap: '1' }, kept: { limited: null, aimed: 1, last: null } },
  { title: 'another value runs its readers again', params: { target: 'there' }, kept: { limited: 1, aimed: null, last: null } },
  { title: 'the value it has changes nothing', params: { target: 'here' }, kept: { limited: 1, aimed: 1, last: null } },
  {
    title: 'a param without readers runs everything again',
    params: { free: 'y' },
    kept: { limited: null, aimed: null, last: null },
  },
]
for (const { title, params, kept } of cases) {
  test(`a retry with a param: ${title}`, async () => {
    using made = await failedRun()
    const outcome = await made.retry({ dag: dagWith(), keepPlan: true, params })
    assert.deepEqual([outcome.state, carried(outcome)], ['success', kept])
  })
}

test('the tasks of the retry and the state have the new value, and the event log says what changed', async () => {
  using made = await failedRun()
  await made.retry({ dag: dagWith(), keepPlan: true, params: { target: 'there', cap: '3' } })
  const seen: unknown = JSON.parse(await made.written('lake/environment.json')).context.params
  const expected = { prefix: 'lab', cap: '3', target: 'there', free: 'x' }
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual([seen, store.run(runId).params], [expected, expected])
  assert.ok(store.events(runId).some(({ detail }) => detail === 'params: target: here → there, cap: 2 → 3'))
})

test('a param that is not valid, or is part of the run id, is refused and nothing is written', async () => {
  using made = await failedRun()
  const retry = (params: Record<string, string>) => made.retry({ dag: dagWith(), keepPlan: true, params })
  await assert.rejects(retry({ cap: 'many' }), { exitCode: 2, message: /cap=many/ })
  await assert.rejects(retry({ caps: '1' }), { exitCode: 2, message: /caps: there is no such param/ })
  await assert.rejects(retry({ prefix: 'other' }), {
    exitCode: 2,
    message: `run ${runId} cannot take prefix=other: that would be run ${runId.replace('lab', 'other')}`,
  })
  using store = openStore(made.config.stateDir, { readonly: true })
  assert.deepEqual([store.run(runId).attempt, store.run(runId).params['cap']], [1, '2'])
})

test('a mended definition counts only when it is asked for', async () => {
  using made = await failedRun()
  const old = await made.retry({ dag: dagWith('5'), keepPlan: true, params: { cap: '1' } })
  assert.deepEqual(old.tasks[0]?.rows, { things: 1 })
  using other = await failedRun()
  const mended = await other.retry({ dag: dagWith('5') })
  assert.deepEqual([mended.tasks[0]?.rows, carried(mended)], [{ things: 5 }, { limited: null, aimed: 1, last: null }])
})

test('the changes of a plan name each task that was added, removed or changed', () => {
  const options = { projectDir: '.', scriptsDir }
  const before = compile(dagWith(), options)
  const after = compile(
    defineDag('lab', { about: 'made for a test', params: () => schema, runPrefix: () => 'lab' }, ({ task }) => {
      const limited = task('limited', { script: 'quick', args: ['2'], retries: 1 })
      task('last', { script: 'flaky', args: ['9', '2'], upstream: [limited] })
      task('more', { script: 'quick' })
    }),
    options,
  )
  const scripts = `exec node ${scriptsDir}`
  assert.deepEqual(planChanges(before, before), [])
  assert.deepEqual(planChanges(before, after).toSorted(), [
    `+ more: ${scripts}/quick.ts`,
    '- aimed',
    '~ last: upstream [] → ["limited"]',
    `~ limited: command ${scripts}/quick.ts 1 → ${scripts}/quick.ts 2`,
    '~ limited: retries 0 → 1',
  ])
})
