/** Ctrl-C and SIGTERM end what is under way instead of the process, so that it can tidy up. */
import { exitCodes, PipelineError } from '../errors.ts'

export interface Interruption extends Disposable {
  readonly signal: AbortSignal
  /** The promise; once interrupted, its failure is the interruption. */
  of<Value>(promise: Promise<Value>): Promise<Value>
}

/** Until it is disposed of. The reason of the abort is a PipelineError with exit 130 or 143. */
export function interruptible(): Interruption {
  const controller = new AbortController()
  const abort = (code: number) => (): void =>
    controller.abort(new PipelineError('interrupted', { exitCode: code, retryable: false }))
  const [onInterrupt, onTerminate] = [abort(exitCodes.interrupted), abort(exitCodes.terminated)]
  // Not `once`: signal-exit, which log-update brings, would find itself alone and end the process at once.
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate)
  return {
    signal: controller.signal,
    of: (promise) =>
      promise.catch((error: unknown) => {
        controller.signal.throwIfAborted()
        throw error
      }),
    [Symbol.dispose]: () => void process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate),
  }
}
