/** Runs something that ends with a run's outcome in the foreground: signals, live display, exit code. */
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import type { RunEvent, RunOutcome } from '../scheduler/loop.ts'
import { processStart, signalGroup } from '../process-identity.ts'
import { liveDisplay } from './live.ts'
import { outliveOutput } from './output.ts'
import { recoverPointer } from './pointer.ts'
import { readStore } from './runs.ts'

export interface ExecuteOptions {
  readonly config: Config
  /** Nothing is shown while it runs. */
  readonly json: boolean
}

type Start = (settings: { readonly onEvent: (event: RunEvent) => void; readonly signal: AbortSignal }) => Promise<RunOutcome>

const stopSignals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.terminated } as const
type StopSignal = keyof typeof stopSignals

/** @returns the outcome and the exit code it deserves */
export async function execute(
  { config, json }: ExecuteOptions,
  start: Start,
): Promise<{ readonly outcome: RunOutcome; readonly exitCode: number }> {
  recoverPointer(config)
  // A closed terminal stops the run (SIGHUP), and how it ended must still be recorded.
  using _output = outliveOutput()
  using interruption = new Interruption(config)
  const display = liveDisplay(config, json)
  try {
    const outcome = await start({ onEvent: display.onEvent, signal: interruption.signal })
    const exitCode = outcome.state === 'success' ? exitCodes.success : (interruption.exitCode ?? exitCodes.failed)
    return { outcome, exitCode }
  } finally {
    display.end()
  }
}

/** The first signal asks the run to stop, the second one ends everything at once. */
class Interruption implements Disposable {
  /** Of the first signal, null while there was none. */
  exitCode: number | null = null
  readonly #controller = new AbortController()
  readonly #config: Config

  constructor(config: Config) {
    this.#config = config
    for (const name of signalNames) process.on(name, this.#stop)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const name of signalNames) process.off(name, this.#stop)
  }

  readonly #stop = (name: NodeJS.Signals): void => {
    const exitCode = stopSignals[signalNames.find((one) => one === name) ?? 'SIGTERM']
    if (this.exitCode !== null) {
      killTasks(this.#config)
      process.exit(exitCode)
    }
    this.exitCode = exitCode
    process.stderr.write(`\n${name}: stopping the tasks; once more kills them\n`)
    this.#controller.abort(new PipelineError(`stopped by ${name}`))
  }
}

const signalNames: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Kills every task that is running here; the next command finds that its scheduler has died. */
function killTasks(config: Config): void {
  using store = readStore(config)
  for (const { runId, attempt } of store.runningAttempts()) {
    const running = store.tries(runId).filter((one) => one.attempt === attempt && one.state === 'running')
    for (const { pid, pidStarted } of running) if (pid !== null && processStart(pid) === pidStarted) signalGroup(pid, 'SIGKILL')
  }
}
