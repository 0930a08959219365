import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promotionSteps } from '../../src/lake/promotion.ts'
import { z } from 'zod'
import { dag, month, outcomeOf, Place, startDag, taskShape } from './support.ts'

const place = new Place()
before(() => place.generate())
after(() => place[Symbol.dispose]())

const publishing = ['--param', `dump_month=${month}`, '--param', 'run_mode=prod', '--param', 'allow_promote=true']

/** What a consumer reads through the pointer, null while nothing is published. */
function target(): string | null {
  const link = join(place.lakeDir, 'active')
  if (!existsSync(link)) return null
  assert.ok(readdirSync(link).includes('_manifest.json'), 'active is a whole snapshot')
  return readlinkSync(link)
}

// What is killed after the swap is finished by the next command: a run can meet one such step only.
const taskSteps = promotionSteps.filter((step) => step !== 'before-record')
const schedulerSteps = promotionSteps.filter((step) => step !== 'after-swap')

const leftovers = (): string[] => readdirSync(place.lakeDir).filter((name) => name.startsWith('.active'))

test('the promote task killed at each step of the promotion: active stays valid, and retry finishes the run', async () => {
  const runId = `${month}__20260420_060000`
  let args = ['trigger', 'main', '--session', '2026-04-20 06:00:00', ...publishing]
  for (const step of taskSteps) {
    const killed = await dag(args, { ...place.env, TASK_FAULT: `promote:${step}:kill` })
    assert.equal(killed.code, 1, killed.stdout)
    const seen = target()
    const asked = await place.dag('active')
    console.log(
      `killed ${step}: consumers saw ${seen ?? 'nothing'}, dag active says ${asked.code === 0 ? 'published' : 'nothing published'}`,
    )
    assert.ok(seen === null || seen === `_runs/${runId}`)
    assert.deepEqual(leftovers(), [])
    args = ['retry', runId]
  }
  // The last one was killed between swap and record: the run is published.
  const states = async (): Promise<Record<string, string>> => {
    const tasks = await place.json(z.array(taskShape), 'tasks', runId)
    return Object.fromEntries(tasks.slice(-2).map(({ taskId, state }) => [taskId, state]))
  }
  assert.deepEqual(await states(), { promote: 'success', report: 'cancelled' })
  const status = await place.dag('status', runId)
  assert.match(status.stdout, /state .*failed.*promotion \d published the run; the process ended before it could report that/)
  const last = await place.dag('retry', runId)
  assert.equal(last.code, 0, last.stdout)
  assert.match(last.stdout, /promote .*done in attempt/)
  assert.deepEqual(await states(), { promote: 'success', report: 'success' })
  assert.equal(target(), `_runs/${runId}`)
})

test('a run whose promote task was killed between swap and record is settled by any command, and the command says so', async () => {
  const runId = `${month}__20260420_063000`
  const args = ['trigger', 'main', '--session', '2026-04-20 06:30:00', ...publishing]
  const killed = await dag(args, { ...place.env, TASK_FAULT: 'promote:before-record:kill' })
  assert.equal(killed.code, 1, killed.stdout)
  assert.equal(target(), `_runs/${runId}`)
  const { stderr, stdout } = await place.dag('runs')
  assert.match(stderr, /^an interrupted promotion was done: /)
  const told = `run ${runId} is published: its interrupted task promote is recorded as success now; \`dag retry ${runId}\` runs report`
  assert.ok(stderr.endsWith(`${told}\n`), stderr)
  assert.match(stdout, new RegExp(`\\* +${runId}`))
  assert.equal((await place.dag('runs')).stderr, '')
  // The test below starts from the first run.
  assert.equal((await place.dag('rollback')).code, 0)
})

test('scheduler and promote task killed at each step: the run before stays active or the new one is, and retry finishes', async () => {
  const older = `_runs/${month}__20260420_060000`
  const runId = `${month}__20260420_070000`
  let args = ['trigger', 'main', '--session', '2026-04-20 07:00:00', ...publishing]
  for (const step of schedulerSteps) {
    const held = join(place.stateDir, `held-promote-${step}`)
    const scheduler = startDag(args, { ...place.env, TASK_FAULT: `promote:${step}:hold` })
    const outcome = outcomeOf(scheduler)
    for (let waited = 0; !existsSync(held) && waited < 60_000; waited += 50) await sleep(50)
    const child = Number(readFileSync(held, 'utf8'))
    scheduler.kill('SIGKILL')
    process.kill(child, 'SIGKILL')
    await outcome
    rmSync(held)
    assert.ok(target() === older || target() === `_runs/${runId}`, `after ${step}: ${target()}`)
    assert.equal((await place.dag('active')).code, 0)
    assert.deepEqual(leftovers(), [])
    args = ['retry', runId]
  }
  const last = await place.dag('retry', runId)
  assert.equal(last.code, 0, last.stdout + last.stderr)
  assert.equal(target(), `_runs/${runId}`)
})
