/**
 * Buffers that native code fills become garbage by the gigabyte while the heap stays small. V8 lets 64 MB of them pile up in each thread,
 * then marks the whole heap in haste; collecting on time costs next to nothing.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' | 'major' }) => void

let collect: Collect | null = null

export class GarbageCollector {
  readonly #type: 'minor' | 'major'
  readonly #everyBytes: number
  #bytes = 0

  /**
   * @param type `minor` finds buffers that nobody ever kept; those of zlib's synchronous functions hang on to handles that only `major` lets go
   * @param everyBytes how much may pile up
   */
  constructor(type: 'minor' | 'major', everyBytes: number) {
    this.#type = type
    this.#everyBytes = everyBytes
  }

  /** Tells that so many bytes of this thread's buffers have become garbage; collects them when it is time to. */
  discarded(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < this.#everyBytes) return
    this.#bytes = 0
    collect ??= exposedCollector()
    collect({ type: this.#type })
  }
}

function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
