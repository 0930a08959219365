/** A try between its start and the record of its end: which files it owns, and its process, whoever has started that. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { AdoptedChild, type Child, type Outcome, StartedChild } from './child.ts'
import { childEnvironment } from './child-environment.ts'
import type { Progress } from './context.ts'
import type { PlannedTask } from './plan-graph.ts'
import { ResultFile } from './result-file.ts'
import type { RunRecord, TryKey, TryRecord } from './store.ts'

/** Relative to the state's directory. */
export interface TryFiles {
  readonly logFile: string
  readonly resultFile: string
}

export interface StartOptions {
  readonly config: Config
  readonly run: RunRecord
  readonly deferredSince: Date | null
  readonly graceMs: number
}

export class RunningTry {
  readonly key: TryKey
  readonly task: PlannedTask
  readonly results: ResultFile
  /** Null before the process is there, and when it could not be started. */
  child: Child | null = null
  /** Null while it is running. */
  outcome: Outcome | null = null
  /** The progress that was shown last. */
  shown: Progress | null = null
  readonly #resultFile: string
  readonly #logFile: string

  constructor(key: TryKey, task: PlannedTask, files: { readonly logFile: string; readonly resultFile: string }) {
    this.key = key
    this.task = task
    this.#logFile = files.logFile
    this.#resultFile = files.resultFile
    this.results = new ResultFile(files.resultFile)
  }

  /** Starts the process; its task begins with {@link begin}. */
  start({ config, run, deferredSince, graceMs }: StartOptions): void {
    try {
      this.child = new StartedChild({
        command: this.task.command,
        cwd: config.projectDir,
        environment: childEnvironment({ ...run, ...this.key, deferredSince, resultFile: this.#resultFile }, config),
        logFile: this.#logFile,
        resultFile: this.#resultFile,
        timeoutMs: this.task.timeoutMs,
        graceMs,
      })
    } catch (error) {
      this.outcome = { exitCode: null, signal: null, isTold: true, stopped: null, startError: messageOf(error) }
    }
  }

  begin(): void {
    if (this.child instanceof StartedChild) this.child.begin()
  }

  /** Finds the process of a try that another scheduler has started; one that is gone has an outcome at once. */
  adopt({ pid, pidStarted, deadline }: TryRecord, { graceMs, now }: { readonly graceMs: number; readonly now: Date }): void {
    if (pid === null || pidStarted === null) {
      // It was never let begin: see the shell's script in child.ts.
      this.outcome = { exitCode: null, signal: null, isTold: false, stopped: null, startError: null }
      return
    }
    const { timeoutMs } = this.task
    const leftMs = deadline === null || timeoutMs === null ? null : new Date(deadline).getTime() - now.getTime()
    this.child = new AdoptedChild({
      pid,
      pidStarted,
      resultFile: this.#resultFile,
      timeoutMs,
      // Within the limits of the task, wherever the clock was set to in between.
      ...(leftMs === null || timeoutMs === null ? {} : { deadlineMs: Math.min(timeoutMs, Math.max(0, leftMs)) }),
      graceMs,
    })
  }
}

export function filesOf({ runId, attempt, taskId, tryNumber }: TryKey): TryFiles {
  const name = join(runId, String(attempt), `${taskId}.${tryNumber}`)
  return { logFile: join('logs', `${name}.log`), resultFile: join('results', `${name}.jsonl`) }
}
