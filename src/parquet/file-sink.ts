import { closeSync, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { hasCode, messageOf, PipelineError } from '../errors.ts'

/** A file that is written from its beginning to its end. */
export class FileSink {
  readonly #file: string
  #descriptor: number | null
  /** Bytes written so far. */
  bytes = 0

  /** Creates the file, which must not exist yet. */
  constructor(file: string) {
    this.#file = file
    this.#descriptor = openSync(file, 'wx')
  }

  /** @throws PipelineError naming the file, and what to do when the disk is full */
  write(bytes: Uint8Array): void {
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#open(), bytes, written)
    } catch (error) {
      const hint = hasCode(error, 'ENOSPC') ? { hint: 'free some disk space, then dag retry' } : {}
      throw new PipelineError(`writing ${this.#file}: ${messageOf(error)}`, { cause: error, ...hint })
    }
    this.bytes += bytes.length
  }

  /** Syncs and closes the file. @returns its size in bytes */
  finish(): number {
    const descriptor = this.#open()
    fsyncSync(descriptor)
    const { size } = fstatSync(descriptor)
    this.abandon()
    return size
  }

  /** Closes the file, whatever is in it. */
  abandon(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }

  #open(): number {
    if (this.#descriptor === null) throw new Error('the file is closed already')
    return this.#descriptor
  }
}
