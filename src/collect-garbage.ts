/**
 * Buffers that native code fills become garbage by the gigabyte while the heap stays small. V8 lets 64 MB of them pile up in each thread,
 * then marks the whole heap in haste; collecting on time costs next to nothing.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' | 'major'; readonly flavor?: 'last-resort' }) => void

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

let isShrunk = false

/**
 * Gives back, once in a process, what its start has left: the heap grows while modules are loaded and would keep that size. Takes 0.05 s
 * and more, so it is for work that is long and needs little.
 */
export function shrinkHeap(): void {
  if (isShrunk) return
  isShrunk = true
  collect ??= exposedCollector()
  collect({ type: 'major', flavor: 'last-resort' })
}

function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
