/** Has the slices of a dump read by workers, several at a time, and gives what they found in the order of the dump. */
import { type CensusLine, CensusTotals, SymbolTotals } from '../../discogs/census.ts'
import type { StoredTable } from '../../discogs/record-hashes.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { paddingBytes } from '../../xml/slices.ts'
import type { Job, ReadSlice, SentSlice } from './messages.ts'
import { RowBatch } from './row-batch.ts'
import type { SliceSource } from './slice-source.ts'
import type { WorkerPool } from './worker-pool.ts'

interface Underway {
  readonly done: Promise<Read>
}

interface Read extends ReadSlice {
  readonly batch: RowBatch
}

export interface DumpReaderOptions {
  readonly kernel: Kernel
  readonly datasets: readonly StoredTable[]
  readonly pool: WorkerPool
  readonly source: SliceSource
  /** Records to read, the rejected ones included; null: all. */
  readonly limit: number | null
}

export class DumpReader {
  readonly #kernel: Kernel
  readonly #datasets: readonly StoredTable[]
  readonly #pool: WorkerPool
  readonly #source: SliceSource
  readonly #limit: number | null
  readonly #ahead: Underway[] = []
  #isExhausted = false
  /** Why there are no more slices, thrown when those before are through. */
  #failure: unknown = null
  /** Resolved when a slice has been taken, and when one has been added. */
  #onTaken: () => void = () => {}
  #onAdded: () => void = () => {}
  readonly #census = new CensusTotals()
  /** By worker. */
  readonly #symbols: readonly SymbolTotals[]
  /** Empty ones, to use again. */
  readonly #spareBatches: RowBatch[] = []
  #records = 0
  /** Whether reading ended at the limit, before the end of the dump. */
  isCut = false
  /** Records that sax read. */
  unusual = 0
  /** Bytes of XML read so far. */
  xmlBytes = 0

  constructor({ kernel, datasets, pool, source, limit }: DumpReaderOptions) {
    this.#kernel = kernel
    this.#datasets = datasets
    this.#pool = pool
    this.#source = source
    this.#limit = limit
    this.#symbols = Array.from({ length: pool.size }, () => new SymbolTotals())
  }

  /** What every slice held. Its batch is used again when the next one is asked for. */
  async *read(): AsyncGenerator<Read> {
    void this.#readAhead()
    for (;;) {
      const whole = await this.#next()
      if (whole === null) return
      const head = this.#reachesLimit(whole) ? await this.#cut(whole) : whole
      this.#records += head.findings.records
      yield head
      this.#count(head)
      head.batch.reset()
      this.#spareBatches.push(head.batch)
      if (head.findings.unfinishedFrom !== -1) await this.#join(head)
      this.#kernel.exports.free(head.slice.address)
      if (this.isCut) return
    }
  }

  #reachesLimit({ slice, findings }: Read): boolean {
    if (this.#limit === null) return false
    const records = this.#records + findings.records
    return records > this.#limit || (records === this.#limit && !(slice.isLast && findings.failure === null))
  }

  /** Reads the slice again, up to the last record that is wanted. */
  async #cut({ slice, batch }: Read): Promise<Read> {
    this.isCut = true
    batch.reset()
    this.#spareBatches.push(batch)
    const { done } = this.#send(slice, (this.#limit ?? 0) - this.#records)
    return done
  }

  /** What was met, when all slices have been read. */
  census(): CensusLine[] {
    for (const symbols of this.#symbols) for (const line of symbols.lines()) this.#census.add(line)
    return this.#census.lines()
  }

  /** The next slice in the order of the dump, when it has been read. */
  async #next(): Promise<Read | null> {
    while (this.#ahead.length === 0 && !this.#isExhausted) await new Promise<void>((resolve) => (this.#onAdded = resolve))
    const head = this.#ahead.shift()
    this.#onTaken()
    if (head === undefined && this.#failure !== null) throw this.#failure
    return (await head?.done) ?? null
  }

  /** Reads all slices, as fast as they are taken. */
  async #readAhead(): Promise<void> {
    try {
      for (let slice = await this.#source.next(); slice !== null; slice = await this.#source.next()) {
        if (this.isCut) return
        this.#ahead.push(this.#send(slice))
        this.#onAdded()
        while (this.#ahead.length >= this.#slicesAhead) await new Promise<void>((resolve) => (this.#onTaken = resolve))
      }
    } catch (error) {
      this.#failure = error
    }
    this.#isExhausted = true
    this.#onAdded()
  }

  /**
   * How many slices may be read or wait for it: what is inflated while the workers encode a row group. The first one is alone: a worker
   * that starts beside a thread that inflates starts late.
   */
  get #slicesAhead(): number {
    return this.xmlBytes === 0 ? 1 : 10 * this.#pool.size
  }

  #send(slice: SentSlice, maxRecords?: number): Underway {
    // Taken when a worker is there: slices wait, batches need not.
    let batch: RowBatch | null = null
    const job = (): Job => {
      batch = this.#spareBatches.pop() ?? new RowBatch(this.#kernel, this.#datasets)
      return { kind: 'read', slice, batch: batch.address, ...(maxRecords === undefined ? {} : { maxRecords }) }
    }
    const done = this.#pool.run<'read'>('read', job).then((result) => {
      if (batch === null) throw new Error('a slice was read into no batch')
      this.#symbols[result.worker]?.learn(result.learnt)
      return { ...result, batch }
    })
    // It may fail before anybody waits for it.
    done.catch(() => {})
    return { done }
  }

  /** Has the unfinished end of a slice read again, together with the next slice. */
  async #join(head: Read): Promise<void> {
    const next = await this.#next()
    if (next === null) throw new Error('the last slice is never unfinished')
    this.#ahead.unshift(this.#send(this.#joined(head.slice, head.findings.unfinishedFrom, next.slice)))
    next.batch.reset()
    this.#spareBatches.push(next.batch)
    this.#kernel.exports.free(next.slice.address)
  }

  /** The end of a slice, from `start` on, and the next slice. */
  #joined(slice: SentSlice, start: number, next: SentSlice): SentSlice {
    const kernel = this.#kernel
    const rest = slice.length - start
    const length = rest + next.length
    const address = kernel.exports.allocate(length + paddingBytes) >>> 0
    const bytes = kernel.bytes(address, length)
    kernel.bytes(slice.address + start, rest).copy(bytes)
    kernel.bytes(next.address, next.length).copy(bytes, rest)
    const isFirst = slice.isFirst && start === 0
    return { offset: slice.offset + start, address, length, isFirst, isLast: next.isLast, isRootless: next.isRootless }
  }

  #count({ slice, findings, worker, counts }: Read): void {
    this.#symbols[worker]?.add(counts.elements, counts.strayTexts)
    this.unusual += findings.unusual
    this.xmlBytes = slice.offset + slice.length
    for (const line of findings.census) this.#census.add(line)
  }
}
