/**
 * Claim: readers that resolve `active` once never fail, however often it moves; a promotion costs its three fsyncs and little else.
 *
 *     npm run bench -- promote [promotions] [readers]      default 2000 and 20
 *
 * Three rows: promotions with nobody reading, promotions under readers, and a bare loop of symlink(2) and rename(2) with and
 * without fsync of the directory, on the same disk. A few more readers go through `active` for each step (`naive`): list and
 * open are two steps, so these may fail; they are counted apart.
 */
import { renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import Table from 'cli-table3'
import { syncDirectory } from '../src/lake/atomic-file.ts'
import { promoteRun } from '../src/lake/promotion.ts'
import { LakeLab, target } from '../test/lake/lake-lab.ts'
import { Readers, type ReaderKind, type Tally } from '../test/lake/reader-thread.ts'

const [promotions = 2000, readerCount = 20] = process.argv.slice(2).map(Number)
const naiveCount = 2
const runs = ['r1', 'r2'] as const

interface Row {
  readonly name: string
  /** Of each move, in microseconds, ascending. */
  readonly micros: readonly number[]
  readonly once?: Tally
  readonly naive?: Tally
}

/** Calls `step` so often and keeps the time of each call. */
function timed(name: string, step: (index: number) => void): Row {
  const micros = Array.from({ length: promotions }, (_, index) => {
    const start = performance.now()
    step(index)
    return (performance.now() - start) * 1000
  })
  return { name, micros: micros.toSorted((left, right) => left - right) }
}

function bare(name: string, sync: boolean): Row {
  using lab = new LakeLab()
  return timed(name, (index) => {
    const temporary = join(lab.lakeDir, `.new-${index}`)
    symlinkSync(target(runs[index % 2] ?? 'r1'), temporary)
    renameSync(temporary, join(lab.lakeDir, 'active'))
    if (sync) syncDirectory(lab.lakeDir)
  })
}

async function promoting(name: string, kinds: readonly ReaderKind[]): Promise<Row> {
  using lab = new LakeLab()
  await lab.seal(...runs)
  const request = { lakeDir: lab.lakeDir, ledger: lab.ledger(), who: 'bench', reason: 'bench', now: () => new Date() }
  promoteRun({ ...request, runId: 'r2' })
  const readers = new Readers(lab.lakeDir, kinds)
  await readers.started()
  const row = timed(name, (index) => {
    if (!promoteRun({ ...request, runId: runs[index % 2] ?? 'r1' }).moved) throw new Error(`promotion ${index} moved nothing`)
  })
  const tallies = await readers.stop()
  const of = (kind: ReaderKind): Tally => sum(tallies.filter((_, index) => kinds[index] === kind))
  return kinds.length === 0 ? row : { ...row, once: of('once'), naive: of('naive') }
}

function sum(tallies: readonly Tally[]): Tally {
  const add = (left: Tally, right: Tally): Tally => ({
    reads: left.reads + right.reads,
    failures: left.failures + right.failures,
    first: left.first ?? right.first,
  })
  return tallies.reduce(add, { reads: 0, failures: 0, first: null })
}

function percentile({ micros }: Row, share: number): number {
  return micros[Math.min(micros.length - 1, Math.floor(micros.length * share))] ?? 0
}

function print(rows: readonly Row[], baseline: Row): void {
  const table = new Table({
    head: ['moves', 'per second', 'p50 µs', 'p99 µs', 'p50 to bare', 'reads', 'failures', 'naive reads', 'naive failures'],
    style: { head: [], border: [] },
  })
  for (const row of rows) {
    const perSecond = (1e6 * row.micros.length) / row.micros.reduce((total, one) => total + one, 0)
    const ratio = percentile(row, 0.5) / percentile(baseline, 0.5)
    const times = [perSecond, percentile(row, 0.5), percentile(row, 0.99)].map((value) => value.toFixed(0))
    const reads = [row.once?.reads, row.once?.failures, row.naive?.reads, row.naive?.failures].map((value) => value ?? '')
    table.push([row.name, ...times, `${ratio.toFixed(1)} x`, ...reads])
  }
  console.log(`${promotions} moves each, ${readerCount} readers that resolve once, ${naiveCount} naive ones\n${table.toString()}`)
}

const baseline = bare('bare symlink + rename', false)
const kinds = [...Array<ReaderKind>(readerCount).fill('once'), ...Array<ReaderKind>(naiveCount).fill('naive')]
const rows = [
  baseline,
  bare('bare + fsync', true),
  await promoting('promotions, no reader', []),
  await promoting('promotions under readers', kinds),
]
print(rows, baseline)
const failed = rows.find(({ once }) => (once?.failures ?? 0) > 0)
if (failed?.once !== undefined) {
  console.error(`${failed.once.failures} reads failed, the first: ${failed.once.first}`)
  process.exitCode = 1
}
