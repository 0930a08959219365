/** Has the slices of a dump read by workers, several at a time, and gives what they found in the order of the dump. */
import { type CensusLine, CensusTotals, type SymbolPath } from '../../discogs/census.ts'
import { paddingBytes } from '../../xml/record-scanner.ts'
import type { ReadSlice, SentSlice } from './messages.ts'
import type { SliceSource } from './slice-source.ts'
import type { WorkerPool } from './worker-pool.ts'

interface Underway {
  readonly done: Promise<Read>
}

interface Read extends ReadSlice {
  readonly worker: number
}

export class DumpReader {
  readonly #pool: WorkerPool
  readonly #source: SliceSource
  readonly #ahead: Underway[] = []
  #isExhausted = false
  /** Why there are no more slices, thrown when those before are through. */
  #failure: unknown = null
  readonly #census = new CensusTotals()
  /** By worker, then by symbol: each worker learns names in an order of its own. */
  readonly #paths: readonly SymbolPath[][]
  /** Memory to use again. */
  readonly #sparePacked: SharedArrayBuffer[] = []
  /** Records that sax read. */
  unusual = 0
  /** Bytes of XML read so far. */
  xmlBytes = 0

  constructor(pool: WorkerPool, source: SliceSource) {
    this.#pool = pool
    this.#source = source
    this.#paths = Array.from({ length: pool.size }, () => [])
    for (let slices = 0; slices < slicesAhead(pool); slices++) source.request(null)
  }

  /** What every slice held. Its memory is used again when the next one is asked for. */
  async *read(): AsyncGenerator<ReadSlice> {
    for (;;) {
      const head = await this.#next()
      if (head === null) return
      yield head
      this.#count(head)
      this.#sparePacked.push(head.packed.memory)
      if (head.findings.unfinishedFrom !== -1) await this.#join(head)
      this.#source.request(head.slice.memory)
    }
  }

  census(): CensusLine[] {
    return this.#census.lines()
  }

  /** The next slice in the order of the dump, when it has been read. */
  async #next(): Promise<Read | null> {
    while (!this.#isExhausted && this.#ahead.length < slicesAhead(this.#pool)) await this.#readAhead()
    const head = this.#ahead.shift()
    if (head === undefined && this.#failure !== null) throw this.#failure
    return (await head?.done) ?? null
  }

  async #readAhead(): Promise<void> {
    try {
      const slice = await this.#source.next()
      if (slice === null) this.#isExhausted = true
      else this.#ahead.push(this.#send(slice))
    } catch (error) {
      this.#isExhausted = true
      this.#failure = error
    }
  }

  #send({ offset, memory, length, isFirst, isLast }: SentSlice): Underway {
    const spare = this.#sparePacked.pop() ?? null
    const job = { kind: 'read', slice: { offset, memory, length, isFirst, isLast }, spare } as const
    const done = this.#pool.run<'read'>(job).then(({ result, worker }) => {
      this.#paths[worker]?.push(...result.learnt)
      return { ...result, worker }
    })
    // It may fail before anybody waits for it.
    done.catch(() => {})
    return { done }
  }

  /** Has the unfinished end of a slice read again, together with the next slice. */
  async #join(head: Read): Promise<void> {
    const next = await this.#next()
    if (next === null) throw new Error('the last slice is never unfinished')
    this.#ahead.unshift(this.#send(joined(head.slice, head.findings.unfinishedFrom, next.slice)))
  }

  #count({ worker, slice, counts, strayTexts, findings }: Read): void {
    this.unusual += findings.unusual
    this.xmlBytes = slice.offset + slice.length
    for (const line of findings.census) this.#census.add(line)
    for (const [symbol, count] of counts.entries()) {
      if (count === 0) continue
      const known = this.#paths[worker]?.[symbol]
      if (known === undefined) throw new Error(`worker ${worker} did not say what symbol ${symbol} is`)
      this.#census.add({ path: known.path, status: known.status, count })
      const stray = strayTexts[symbol] ?? 0
      if (stray > 0) this.#census.add({ path: known.textPath, status: known.textStatus, count: stray })
    }
  }
}

/** Slices that are being read, or wait for it: enough that no worker ever waits for one. */
function slicesAhead(pool: WorkerPool): number {
  return 4 * pool.size
}

/** The end of a slice, from `start` on, and the next slice. */
function joined(slice: SentSlice, start: number, next: SentSlice): SentSlice {
  const rest = Buffer.from(slice.memory, start, slice.length - start)
  const memory = new SharedArrayBuffer(rest.length + next.length + paddingBytes)
  const bytes = Buffer.from(memory)
  rest.copy(bytes)
  Buffer.from(next.memory, 0, next.length).copy(bytes, rest.length)
  return {
    offset: slice.offset + start,
    memory,
    length: rest.length + next.length,
    isFirst: slice.isFirst && start === 0,
    isLast: next.isLast,
  }
}
