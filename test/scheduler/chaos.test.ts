import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { leftovers, randomFrom, survive } from '../support/chaos.ts'
import { Lab, runId } from './harness.ts'

const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 2 ** 32)

test('scheduler, shells, tasks and their helpers killed at random instants: the run succeeds, nothing is lost, doubled or left', async () => {
  console.log(`CHAOS_SEED=${seed}`)
  using made = new Lab()
  const { stateDir, lakeDir } = made.config
  mkdirSync(lakeDir, { recursive: true })
  writeFileSync(join(lakeDir, 'go'), '')
  const start = (verb: string) =>
    spawn(process.execPath, [join(import.meta.dirname, 'driver.ts'), made.dir, verb, 'chaos'], { stdio: 'ignore' })
  const killed = await survive({ stateDir, runId, start, kills: 12, pauseMs: 700, random: randomFrom(seed) })
  console.log(JSON.stringify(killed))
  assert.deepEqual(leftovers({ stateDir, runId }), [])
  assert.equal(readFileSync(join(lakeDir, 'published'), 'utf8'), runId)
})
