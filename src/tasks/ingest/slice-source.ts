/** The main thread's side of the thread that reads a dump: slices, as many as are asked for, then the hash of the file. */
import { Worker } from 'node:worker_threads'
import { PipelineError } from '../../errors.ts'
import { XmlError } from '../../xml/xml-error.ts'
import type { ReaderSetup, SentSlice, SliceRequest, SliceResponse } from './messages.ts'

export interface SliceSourceOptions extends ReaderSetup {
  /** Told how many bytes of the file have been read. */
  readonly onRead: (compressedBytes: number) => void
}

export class SliceSource implements AsyncDisposable {
  readonly #thread: Worker
  readonly #onRead: (compressedBytes: number) => void
  readonly #arrived: SliceResponse[] = []
  #wake: () => void = () => {}
  #sha256: string | null = null
  #stopped: unknown = null

  constructor({ onRead, ...setup }: SliceSourceOptions) {
    this.#onRead = onRead
    this.#thread = new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData: setup })
    this.#thread.on('message', (response: SliceResponse) => this.#arrive(response))
    this.#thread.on('error', ({ message, stack = message }) =>
      this.#arrive({ kind: 'failed', message, stack, offset: null, isKnown: false, hint: undefined }),
    )
  }

  /** The sha256 of the file, known when the last slice has come. */
  get sha256(): string {
    if (this.#sha256 === null) throw new Error('the file has not been read to its end')
    return this.#sha256
  }

  /** Asks for one more slice. @param memory that is not needed any more */
  request(memory: SharedArrayBuffer | null): void {
    this.#thread.postMessage({ memory } satisfies SliceRequest)
  }

  /**
   * The next slice that was asked for; null after the last one.
   * @throws XmlError, PipelineError what went wrong with the file, after the slices before that place
   */
  async next(): Promise<SentSlice | null> {
    while (this.#arrived.length === 0 && this.#stopped === null) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#stopped !== null) throw this.#stopped
    const response = this.#arrived[0] as SliceResponse
    if (response.kind === 'slice') {
      this.#arrived.shift()
      return response.slice
    }
    if (response.kind === 'failed') throw errorOf(response)
    this.#sha256 = response.sha256
    return null
  }

  /** Makes this the error that {@link next} throws, at once. */
  stop(reason: unknown): void {
    this.#stopped = reason
    this.#wake()
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }

  #arrive(response: SliceResponse): void {
    if (response.kind !== 'failed') this.#onRead(response.compressedBytes)
    this.#arrived.push(response)
    this.#wake()
  }
}

function errorOf({ message, stack, offset, isKnown, hint }: Extract<SliceResponse, { kind: 'failed' }>): Error {
  if (offset !== null) return new XmlError(message, offset)
  if (!isKnown) return new PipelineError(`the thread that reads the dump failed: ${message}`, { cause: new Error(stack) })
  return new PipelineError(message, { retryable: false, ...(hint !== undefined && { hint }) })
}
