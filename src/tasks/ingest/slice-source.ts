/** The slices of a dump in the kernel's memory, one for each time that somebody asks, then the hash of the file. */
import { createHash } from 'node:crypto'
import { hasGeneratedMark } from '../../discogs/generated-mark.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { inflatedChunks } from '../../xml/gunzip.ts'
import { type Slice, slicesOf } from '../../xml/slices.ts'
import { GarbageCollector } from '../../collect-garbage.ts'
import type { SentSlice } from './messages.ts'

export interface SliceSourceOptions {
  readonly kernel: Kernel
  /** The dump's file. */
  readonly path: string
  readonly root: string
  readonly record: string
  readonly sliceBytes: number
  readonly signal: AbortSignal
  /** Told how many bytes of the file have been read. */
  readonly onRead: (compressedBytes: number) => void
}

export class SliceSource implements AsyncDisposable {
  readonly #slices: AsyncGenerator<Slice>
  readonly #onRead: (compressedBytes: number) => void
  readonly #hash = createHash('sha256')
  #compressedBytes = 0
  #sha256: string | null = null
  #isGenerated = false

  constructor({ kernel, path, root, record, sliceBytes, signal, onRead }: SliceSourceOptions) {
    this.#onRead = onRead
    const chunks = collected(inflatedChunks(path, { signal, onCompressed: (chunk) => this.#hashChunk(chunk) }))
    const allocate = (size: number): Buffer => kernel.bytes(kernel.exports.allocate(size), size)
    const free = ({ byteOffset }: Buffer): void => kernel.exports.free(byteOffset)
    this.#slices = slicesOf(chunks, { root, record, sliceBytes, allocate, free })
  }

  /** The sha256 of the file, known when the last slice has come. */
  get sha256(): string {
    if (this.#sha256 === null) throw new Error('the file has not been read to its end')
    return this.#sha256
  }

  /** Whether the dump carries the mark of generated ones, known when the first slice has come. */
  get isGenerated(): boolean {
    return this.#isGenerated
  }

  /**
   * The next slice, null after the last one. It belongs to the caller, who frees its memory.
   * @throws XmlError, PipelineError what went wrong with the file, after the slices before that place; the reason of an abort
   */
  async next(): Promise<SentSlice | null> {
    const { done, value } = await this.#slices.next()
    this.#onRead(this.#compressedBytes)
    if (done === true) {
      this.#sha256 = this.#hash.digest('hex')
      return null
    }
    const { offset, bytes, length, isFirst, isLast, isRootless } = value
    if (isFirst) this.#isGenerated = hasGeneratedMark(bytes.subarray(0, length))
    return { offset, address: bytes.byteOffset, length, isFirst, isLast, isRootless }
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#slices.return(undefined)
  }

  #hashChunk(chunk: Buffer): void {
    this.#hash.update(chunk)
    this.#compressedBytes += chunk.length
  }
}

async function* collected(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const garbage = new GarbageCollector('minor', 4 * 1024 * 1024)
  for await (const chunk of chunks) {
    yield chunk
    garbage.discarded(chunk.length)
  }
}
