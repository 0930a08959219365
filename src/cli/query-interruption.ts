import { exitCodes, PipelineError } from '../errors.ts'

/** Ctrl-C and SIGTERM cancel the query where it runs; the command then ends with 130 or 143. */
export class QueryInterruption implements Disposable {
  readonly #controller = new AbortController()
  readonly #stop = (name: NodeJS.Signals): void => {
    const exitCode = name === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
    if (this.signal.aborted) process.exit(exitCode)
    this.#controller.abort(new PipelineError(`interrupted by ${name}`, { exitCode, retryable: false }))
  }

  constructor() {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, this.#stop)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, this.#stop)
  }
}
