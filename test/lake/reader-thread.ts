/**
 * A consumer of the lake in a thread of its own, reading the published run again and again until it is told to stop.
 * `once` resolves `active` once and then reads the run it found; `naive` goes through the link for each step.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { readManifest } from '../../src/lake/manifest.ts'
import { resolveActive } from '../../src/lake/pointer.ts'

/** Between two reads of the whole run. */
const pauseMs = 5

export type ReaderKind = 'once' | 'naive'

const tally = z.object({ reads: z.number(), failures: z.number(), first: z.string().nullable() })

/** How many times a reader read the whole published run, how many of them failed, and what the first failure was. */
export type Tally = z.infer<typeof tally>

export class Readers {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4))
  readonly #started: Promise<unknown>
  readonly #tallies: Promise<Tally[]>

  constructor(lakeDir: string, kinds: readonly ReaderKind[]) {
    const workers = kinds.map((kind) => new Worker(new URL(import.meta.url), { workerData: { lakeDir, kind, stop: this.#stop } }))
    this.#started = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))))
    this.#tallies = Promise.all(
      workers.map(
        (worker) =>
          new Promise<Tally>((resolve, reject) => {
            worker.once('error', reject)
            worker.once('message', (message) => resolve(tally.parse(message)))
          }),
      ),
    )
  }

  async started(): Promise<void> {
    await this.#started
  }

  /** Ends all readers. @returns what they saw, in the order they were asked for */
  async stop(): Promise<readonly Tally[]> {
    Atomics.store(this.#stop, 0, 1)
    Atomics.notify(this.#stop, 0)
    return await this.#tallies
  }
}

/** Reads every file of the published run and checks that all are of one run. */
function readAll(lakeDir: string, kind: ReaderKind): void {
  const active = resolveActive(lakeDir)
  if (active === null) throw new Error('active is missing')
  const dir = kind === 'once' ? active.dir : join(lakeDir, 'active')
  const { runId, datasets } = readManifest(dir)
  if (kind === 'once' && runId !== active.runId) throw new Error(`the manifest of ${active.runId} is of ${runId}`)
  for (const { name } of datasets) {
    for (const file of readdirSync(join(dir, name))) {
      const content = readFileSync(join(dir, name, file), 'utf8')
      if (content !== `PAR1 ${runId} ${name} PAR1`) throw new Error(`${name}/${file} of ${runId} holds ${content}`)
    }
  }
}

function readUntilStopped({ lakeDir, kind, stop }: { lakeDir: string; kind: ReaderKind; stop: Int32Array }): Tally {
  const seen: Tally = { reads: 0, failures: 0, first: null }
  // The pause leaves the promoter a share of two cores that 20 readers would otherwise take whole.
  while (Atomics.wait(stop, 0, 0, pauseMs) === 'timed-out') {
    seen.reads += 1
    try {
      readAll(lakeDir, kind)
    } catch (error) {
      seen.failures += 1
      seen.first ??= String(error)
    }
  }
  return seen
}

const task = z.object({ lakeDir: z.string(), kind: z.enum(['once', 'naive']), stop: z.instanceof(Int32Array) })
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
if (!isMainThread && parentPort !== null) parentPort.postMessage(readUntilStopped(task.parse(workerData)))
