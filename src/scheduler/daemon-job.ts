/** What the daemon has `dag` do in a process of its own, one job at a time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { messageOf } from '../errors.ts'
import type { FailedRun } from './store/rerun-rows.ts'
import type { DueSlot } from './store/schedule-rows.ts'

export type Job =
  | { readonly kind: 'slot'; readonly due: DueSlot }
  /** `until`: the end of its deferral, null for a run that was interrupted. */
  | { readonly kind: 'resume'; readonly runId: string; readonly until: Date | null }
  /** A run that failed for a reason that may pass. */
  | { readonly kind: 'rerun'; readonly failed: FailedRun }
  | { readonly kind: 'notify' }

/** How a job has ended. */
export interface JobEnd {
  /** Null: killed, or never started. */
  readonly code: number | null
  /** What it wrote to stderr, or why it could not be started. */
  readonly complaint: string
}

/** @param params of the run of a slot */
export function argumentsOf(job: Job, params: Readonly<Record<string, string>>): readonly string[] {
  if (job.kind === 'notify') return ['notify', '--json']
  if (job.kind === 'resume') return ['retry', job.runId, '--by-schedule']
  if (job.kind === 'rerun') return ['retry', job.failed.runId, '--by-schedule']
  const { dagId, slot } = job.due
  const given = Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`])
  return ['trigger', dagId, '--session', slot, '--by-schedule', ...given]
}

export class JobProcess {
  readonly #dag: readonly string[]
  #child: ChildProcess | null = null

  /** @param dag the command line `dag`, program first */
  constructor(dag: readonly string[]) {
    this.#dag = dag
  }

  get isBusy(): boolean {
    return this.#child !== null
  }

  /** @returns its end; what keeps it from being started at all is thrown, or the complaint of its end */
  start(given: readonly string[]): Promise<JobEnd> {
    const [program = '', ...args] = [...this.#dag, ...given]
    // A group of its own: Ctrl-C on a terminal is for the daemon, which hands it on once.
    const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], detached: true })
    this.#child = child
    return this.#end(child)
  }

  async #end(child: ChildProcess): Promise<JobEnd> {
    let complaint = ''
    child.once('error', (error) => {
      complaint = messageOf(error)
    })
    // There is none when no further file can be opened.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(-4000)
    })
    const [code] = await once(child, 'close').catch(() => [null])
    this.#child = null
    return { code: typeof code === 'number' ? code : null, complaint }
  }

  /** Asks it to stop and waits for it. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  }
}
