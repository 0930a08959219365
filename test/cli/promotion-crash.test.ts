import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promotionSteps } from '../../src/lake/promotion.ts'
import { dag, month, outcomeOf, Place, startDag } from './support.ts'

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
  const last = await place.dag('retry', runId)
  assert.equal(last.code, 0, last.stdout)
  assert.equal(target(), `_runs/${runId}`)
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
