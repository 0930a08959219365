/**
 * Claim: of 24 registered months of 1 M rows each, the history of one new month takes at most 1.5 times as long as reading that month's data
 * once; growth and exports read no old snapshot but the previous one.
 *
 *     node bench/history.ts [releases] [months] [rounds]      default 24400 (1 M rows), 24 and 3
 *
 * Three months that evolve are generated and sealed by the main pipeline, once, in /tmp/bench-history. The others are hard links of their
 * files under run ids of their own, with manifests that are true of them. All but the newest are registered and measured; then, in turns,
 * so that a busy machine is busy for both:
 *
 * - scan: a node process that opens DuckDB and reads every value of every table of the newest month once, `bit_xor(hash(column))` of each
 *   column. A count or a minimum would be answered from the footers of the files.
 * - `dag trigger history` for the newest month: the whole command, and its tasks one by one, as the scheduler saw their processes.
 * - what is fixed in both: a node process that opens DuckDB and reads nothing; `dag trigger history` when nothing is new.
 *
 * Of the old months but the previous one only the sizes are left: a history run that reads one of them fails.
 */
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { z } from 'zod'
import { historyDir } from '../src/history/places.ts'
import { runDir } from '../src/lake/layout.ts'
import { readManifest } from '../src/lake/manifest.ts'
import { hollowOut } from '../test/support/copy-run.ts'
import { median, runNode, runShell } from './support/measure.ts'
import { mainRuns, sealMonths } from './support/sealed-months.ts'

const [releases = 24_400, months = 24, rounds = 3] = process.argv.slice(2).map(Number)
const scanner = join(import.meta.dirname, 'support/scan-run.ts')
const sources = await mainRuns(releases)
// Beside the sources: hard links do not leave a disk.
const root = mkdtempSync(join(tmpdir(), 'bench-history', 'lake-'))
const [lakeDir, stateDir] = [join(root, 'lake'), join(root, 'state')]
const meta = historyDir(lakeDir)

const outcome = z.object({
  state: z.literal('success'),
  tasks: z.array(z.object({ taskId: z.string(), startedAt: z.string(), endedAt: z.string() })),
})

interface HistoryRun {
  readonly wallMs: number
  readonly taskMs: ReadonlyMap<string, number>
}

let sessions = 0

async function runHistory(): Promise<HistoryRun> {
  const session = `2099-04-01 00:00:${String(sessions++).padStart(2, '0')}`
  const environment = { DISCOGS_DATA_LAKE: lakeDir, DISCOGS_RAW: root, DAG_STATE: stateDir, SQL_ENGINE: 'duckdb' }
  const cache = `NODE_COMPILE_CACHE=${join(stateDir, 'compile-cache')}`
  const { wallMs, output } = await runShell(
    `${cache} exec node src/cli/dag.ts trigger history --json --session "${session}"`,
    environment,
  )
  const { tasks } = outcome.parse(JSON.parse(output))
  const durations = tasks.map(({ taskId, startedAt, endedAt }) => [taskId, Date.parse(endedAt) - Date.parse(startedAt)] as const)
  return { wallMs, taskMs: new Map(durations) }
}

/** Registers and measures all months but the last, which is away meanwhile. @returns directory of the last one */
async function prepare(): Promise<string> {
  const runIds = sealMonths(lakeDir, sources, months)
  const newest = runDir(lakeDir, runIds.at(-1) ?? '')
  renameSync(newest, join(root, 'newest'))
  const { wallMs } = await runHistory()
  console.error(`${months - 1} months measured in ${(wallMs / 1000).toFixed(1)} s`)
  cpSync(meta, `${meta}.before`, { recursive: true })
  renameSync(join(root, 'newest'), newest)
  for (const runId of runIds.slice(0, -2)) hollowOut(lakeDir, runId)
  return newest
}

/** As it was before the newest month came. */
function forgetNewest(): void {
  rmSync(meta, { recursive: true })
  cpSync(`${meta}.before`, meta, { recursive: true })
}

interface Round {
  readonly scanMs: number
  readonly openMs: number
  readonly run: HistoryRun
  readonly idle: HistoryRun
}

async function measureRound(newest: string): Promise<Round> {
  forgetNewest()
  const { wallMs: scanMs } = await runNode([scanner, newest])
  const { wallMs: openMs } = await runNode([scanner])
  return { scanMs, openMs, run: await runHistory(), idle: await runHistory() }
}

function show(measured: readonly Round[], rows: number): void {
  const table = new Table({ head: ['what', 'ms', 'of the scan', 'when nothing is new, ms'], style: { head: [], border: [] } })
  const of = (value: (round: Round) => number): number => median(measured.map(value))
  const scanMs = of((round) => round.scanMs)
  const add = (what: string, ms: number, idleMs?: number): void => {
    table.push([what, ms.toFixed(0), `${(ms / scanMs).toFixed(2)} x`, idleMs?.toFixed(0) ?? ''])
  }
  const sum = ({ taskMs }: HistoryRun): number => [...taskMs.values()].reduce((total, ms) => total + ms, 0)
  add('scan', scanMs)
  add(
    '… of which node and DuckDB start',
    of((round) => round.openMs),
  )
  for (const task of measured[0]?.run.taskMs.keys() ?? [])
    add(
      task,
      of(({ run }) => run.taskMs.get(task) ?? NaN),
      of(({ idle }) => idle.taskMs.get(task) ?? NaN),
    )
  const [tasksMs, idleMs] = [of(({ run }) => sum(run)), of(({ idle }) => sum(idle))]
  add('sum of the tasks', tasksMs, idleMs)
  add(
    'dag trigger history',
    of(({ run }) => run.wallMs),
    of(({ idle }) => idle.wallMs),
  )
  add(
    'what the month costs: with it less without',
    of(({ run, idle }) => run.wallMs - idle.wallMs),
  )
  console.log(`${months} months, ${rows} rows in the newest, medians of ${measured.length} rounds\n${table.toString()}`)
}

try {
  const newest = await prepare()
  const rows = readManifest(newest).datasets.reduce((sum, dataset) => sum + dataset.rows, 0)
  const measured: Round[] = []
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(newest))
  show(measured, rows)
} finally {
  rmSync(root, { recursive: true, force: true })
}
