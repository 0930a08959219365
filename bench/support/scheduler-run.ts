/**
 * A scheduler as a process of its own: runs `argv[4]` sleeping tasks of a dag in the state directory `argv[2]`, one after the other
 * (`argv[3]` = chain) or side by side (fan). Prints what the run took and the most memory, as JSON.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { loadConfig } from '../../src/config.ts'
import { defineDag, type TaskRef } from '../../src/scheduler/dag.ts'
import { triggerRun } from '../../src/scheduler/loop.ts'
import { sessionOf } from '../../src/scheduler/session.ts'

const [, , dir = '', shape = 'chain', count = '40', parallelism = '1'] = process.argv
const options = { about: 'tasks that sleep', params: () => z.strictObject({}), runPrefix: () => 'bench' }
const dag = defineDag('bench', options, ({ task }) => {
  let before: readonly TaskRef[] = []
  for (let index = 0; index < Number(count); index += 1) {
    const sleeping = task(`t${index}`, { script: 'sleep', args: [join(dir, 'tally')], upstream: before })
    if (shape === 'chain') before = [sleeping]
  }
})
const config = { ...loadConfig({ environment: { DAG_STATE: join(dir, 'state') } }), parallelism: Number(parallelism) }
const started = performance.now()
const { state } = await triggerRun({ dag, session: sessionOf(new Date()), params: {}, config, scriptsDir: 'bench/support/tasks' })
const runMs = performance.now() - started
process.stdout.write(JSON.stringify({ state, runMs, maxRssMb: process.resourceUsage().maxRSS / 1024 }))
