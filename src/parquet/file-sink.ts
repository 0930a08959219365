import { closeSync, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { hasCode, messageOf, PipelineError } from '../errors.ts'

/**
 * The output stream that parquetjs writes to. An error is kept and thrown by {@link check}: the library does not await
 * all of its writes, and a rejection nobody awaits would end the process.
 */
export class FileSink extends Writable {
  readonly #file: string
  #descriptor: number | null
  #error: unknown = null

  constructor(file: string) {
    super({ decodeStrings: false })
    this.#file = file
    this.#descriptor = openSync(file, 'wx')
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    try {
      if (this.#error === null && this.#descriptor !== null) {
        for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written)
      }
    } catch (error) {
      this.#error = error
    }
    done()
  }

  /** @throws PipelineError naming the file, when something went wrong so far */
  check(): void {
    if (this.#error === null) return
    const hint = hasCode(this.#error, 'ENOSPC') ? { hint: 'free some disk space, then dag retry' } : {}
    throw new PipelineError(`writing ${this.#file}: ${messageOf(this.#error)}`, { cause: this.#error, ...hint })
  }

  /** Syncs and closes the file. @returns its size in bytes */
  finish(): number {
    this.check()
    if (this.#descriptor === null) throw new Error('the file is closed already')
    fsyncSync(this.#descriptor)
    const { size } = fstatSync(this.#descriptor)
    this.abandon()
    return size
  }

  /** Closes the file, whatever is in it. */
  abandon(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }
}
