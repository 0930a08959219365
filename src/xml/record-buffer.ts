/** The bytes of the inflated XML from the first one still needed to the last one that came. */
export class RecordBuffer {
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  /** Offset in the XML of `bytes[0]`. */
  #base: number

  /** @param offset in the XML of the first byte to come */
  constructor(offset = 0) {
    this.#base = offset
  }

  /** May hold bytes before `start` and after `end` that do not count. Replaced by `append`. */
  get bytes(): Buffer {
    return this.#bytes
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  get length(): number {
    return this.#end - this.#start
  }

  /** Offset in the XML of the byte at `index`. */
  offsetOf(index: number): number {
    return this.#base + index
  }

  /** Forgets everything before `index`. */
  consume(index: number): void {
    this.#start = index
  }

  /**
   * Adds a chunk; bytes still needed move to the front.
   * @returns by how much indexes got smaller
   */
  append(chunk: Buffer): number {
    const moved = this.#start
    const length = this.length
    if (length === 0) this.#bytes = chunk
    else if (length + chunk.length <= this.#bytes.length && this.#owned) {
      this.#bytes.copyWithin(0, this.#start, this.#end)
      chunk.copy(this.#bytes, length)
    } else {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * length, length + chunk.length))
      this.#bytes.copy(grown, 0, this.#start, this.#end)
      chunk.copy(grown, length)
      this.#bytes = grown
    }
    this.#owned = length > 0
    this.#base += moved
    this.#start = 0
    this.#end = length + chunk.length
    return moved
  }

  /** Whether `bytes` is ours to write to, not the chunk of someone else. */
  #owned = false
}
