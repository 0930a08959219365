/** A lake, a state directory and small dags in a temporary directory; everything in it is real. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Config, loadConfig } from '../../src/config.ts'
import { type Dag, defineDag, type TaskKinds } from '../../src/scheduler/dag.ts'
import { retryRun, type RetryOptions, type RunOutcome, type TriggerOptions, triggerRun } from '../../src/scheduler/loop.ts'
import { parseSession } from '../../src/scheduler/session.ts'

export const scriptsDir = 'test/support/tasks'
export const session = parseSession('2026-01-20 20:55:49')
export const runId = 'lab__20260120_205549'

const params = () => z.strictObject({ prefix: z.string().default('lab'), publish: z.stringbool().default(false) })

export interface LabParams {
  readonly prefix: string
  readonly publish: boolean
}

/** A dag named `lab` whose run id begins with its param `prefix`. */
export function lab(list: (kinds: TaskKinds<LabParams>) => void, schedule?: string, stages = false): Dag {
  const when = schedule === undefined ? {} : { schedule }
  return defineDag('lab', { about: 'made for a test', params, runPrefix: ({ prefix }) => prefix, stages, ...when }, list)
}

export class Lab implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'lab-'))
  readonly config: Config = {
    ...loadConfig({ environment: {} }),
    stateDir: join(this.dir, 'state'),
    lakeDir: join(this.dir, 'lake'),
    rawDir: join(this.dir, 'raw'),
    parallelism: 2,
  }

  trigger(dag: Dag, options: Partial<TriggerOptions> = {}): Promise<RunOutcome> {
    return triggerRun({ dag, session, params: {}, config: this.config, scriptsDir, ...options })
  }

  retry(options: Partial<RetryOptions> = {}): Promise<RunOutcome> {
    return retryRun(runId, { config: this.config, scriptsDir, ...options })
  }

  /** Content of a file in the lake, once it is there. */
  async written(name: string): Promise<string> {
    for (let left = 1000; left > 0; left -= 1) {
      try {
        return readFileSync(join(this.dir, name), 'utf8')
      } catch {
        await sleep(10)
      }
    }
    throw new Error(`${name} was never written`)
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** State by task id. */
export function statesOf({ tasks }: RunOutcome): Record<string, string> {
  return Object.fromEntries(tasks.map((task) => [task.taskId, task.state]))
}

/** Long enough for a machine with much else to do, and shorter than the minute after which the daemon looks again by itself. */
const patienceMs = 30_000

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    if (condition()) return
    await sleep(10)
  }
  throw new Error(`never happened: ${what}`)
}
