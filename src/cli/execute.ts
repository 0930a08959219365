/** Runs something that ends with the outcome of runs in the foreground: signals, live display, exit code. */
import type { Config } from '../config.ts'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { openStore } from '../scheduler/store.ts'
import type { RunEvent, RunOutcome } from '../scheduler/loop.ts'
import { isAlive, signalGroup } from '../process-identity.ts'
import { liveDisplay } from './live.ts'
import { outliveOutput } from './output.ts'
import { recoverPointer } from './pointer.ts'
import { readStore } from './runs.ts'
import { tell } from './tell.ts'

export interface ExecuteOptions {
  readonly config: Config
  /** Nothing is shown while it runs. */
  readonly json: boolean
  /** A line a transition, on a terminal too: several runs share the screen. */
  readonly lines?: boolean
}

interface StartSettings {
  readonly onEvent: (event: RunEvent) => void
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

const stopSignals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.terminated } as const
type StopSignal = keyof typeof stopSignals

/** @returns the outcome and the exit code it deserves */
export async function execute(
  options: ExecuteOptions,
  start: (settings: StartSettings) => Promise<RunOutcome>,
): Promise<{ readonly outcome: RunOutcome; readonly exitCode: number }> {
  const { result: outcome, exitCode } = await executeAll(options, start, (run) => run.state === 'success')
  const isLeft = outcome.deferral !== null && exitCode === exitCodes.failed
  return { outcome, exitCode: isLeft ? exitCodes.notYet : exitCode }
}

/** @returns what came out, and the exit code it deserves */
export async function executeAll<Result>(
  { config, json, lines = false }: ExecuteOptions,
  start: (settings: StartSettings) => Promise<Result>,
  isGood: (result: Result) => boolean,
): Promise<{ readonly result: Result; readonly exitCode: number }> {
  recoverPointer(config)
  // A closed terminal stops the run (SIGHUP), and how it ended must still be recorded.
  using _output = outliveOutput()
  const display = liveDisplay(config, { quiet: json, lines })
  using interruption = new Interruption(config, display.say)
  try {
    const result = await start({ onEvent: display.onEvent, signal: interruption.signal, log: display.say })
    const exitCode = isGood(result) ? exitCodes.success : (interruption.exitCode ?? exitCodes.failed)
    return { result, exitCode }
  } finally {
    display.end()
    await tellOfRuns(config)
  }
}

/** That this fails is told, and changes nothing. */
async function tellOfRuns(config: Config): Promise<void> {
  try {
    using store = openStore(config.stateDir)
    await tell(config, store)
  } catch (error) {
    process.stderr.write(`notices and metrics: ${messageOf(error)}\n`)
  }
}

/** The first signal asks the run to stop, the second one ends everything at once. */
class Interruption implements Disposable {
  /** Of the first signal, null while there was none. */
  exitCode: number | null = null
  readonly #controller = new AbortController()
  readonly #config: Config
  readonly #say: (line: string) => void

  constructor(config: Config, say: (line: string) => void) {
    this.#config = config
    this.#say = say
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
    this.#say(`${name}: stopping the tasks; once more kills them`)
    this.#controller.abort(new PipelineError(`stopped by ${name}`))
  }
}

const signalNames: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Kills every task that is running here; the next command finds that its scheduler has died. */
function killTasks(config: Config): void {
  using store = readStore(config)
  for (const { runId, attempt } of store.runningAttempts()) {
    const running = store.tries(runId).filter((one) => one.attempt === attempt && one.state === 'running')
    for (const { pid, pidStarted } of running)
      if (pid !== null && pidStarted !== null && isAlive(pid, pidStarted)) signalGroup(pid, 'SIGKILL')
  }
}
