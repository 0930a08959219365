/**
 * Claim: of many registered months, the history of a new one takes little more than reading that month's data once (1.5 times was asked for),
 * and reads no old snapshot at all.
 *
 *     npm run bench -- history [releases] [months] [rounds]      default 24400 (1 M rows), 24 and 3
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
 * Of the old months only the sizes are left: a history run that reads one of them fails. CPU time, of a command and all
 * of its tasks, tells of the work when others are at work on the machine too; of waiting for each other it tells nothing.
 *
 * Found on two idle cores: nothing is read again, and 1.5 times does not hold. A run when nothing is new takes 0.65 s, of which the scheduler takes
 * 0.25 s and each of the eight tasks little more than node's start: 1.6 times the scan of 1 M rows already (0.40 s). With a new month of
 * 1 M rows it takes 1.7 s (4.3 times its scan), of 10 M rows 2.2 s (2.3 times), of 89 M rows 10.3 s (1.9 times). What a new month costs beside its
 * data is opening DuckDB three times (0.12 s each, half of it to load the hundred modules of its client) and drawing the page (0.3 s). Of 89 M rows
 * the questions take 6 s of CPU time, the hashes of records 9, a third of that for MD5, which stays comparable when DuckDB changes; the scan takes 10.
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
import { median, runNode, runTree, type Usage } from './support/measure.ts'
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
  readonly cpuMs: number
  readonly taskMs: ReadonlyMap<string, number>
}

let sessions = 0

async function runHistory(): Promise<HistoryRun> {
  const session = `2099-04-01 00:00:${String(sessions++).padStart(2, '0')}`
  const environment = { DISCOGS_DATA_LAKE: lakeDir, DISCOGS_RAW: root, DAG_STATE: stateDir, SQL_ENGINE: 'duckdb' }
  const cache = `NODE_COMPILE_CACHE=${join(stateDir, 'compile-cache')}`
  const { wallMs, cpuMs, output } = await runTree(
    `${cache} node src/cli/dag.ts trigger history --json --session "${session}"`,
    environment,
  )
  const { tasks } = outcome.parse(JSON.parse(output))
  const durations = tasks.map(({ taskId, startedAt, endedAt }) => [taskId, Date.parse(endedAt) - Date.parse(startedAt)] as const)
  return { wallMs, cpuMs, taskMs: new Map(durations) }
}

/** Registers and measures all months but the last, which is away meanwhile. @returns directory of the last one */
async function prepare(): Promise<string> {
  const runIds = sealMonths(lakeDir, sources, months)
  const newest = runDir(lakeDir, runIds.at(-1) ?? '')
  renameSync(newest, join(root, 'newest'))
  const { wallMs } = await runHistory()
  console.error(`${months - 1} months measured in ${(wallMs / 1000).toFixed(1)} s`)
  cpSync(meta, `${meta}.before`, { recursive: true, preserveTimestamps: true })
  renameSync(join(root, 'newest'), newest)
  for (const runId of runIds.slice(0, -1)) hollowOut(lakeDir, runId)
  return newest
}

/** As it was before the newest month came. */
function forgetNewest(): void {
  rmSync(meta, { recursive: true })
  cpSync(`${meta}.before`, meta, { recursive: true, preserveTimestamps: true })
}

interface Round {
  readonly scan: Usage
  readonly open: Usage
  readonly run: HistoryRun
  readonly idle: HistoryRun
}

async function measureRound(newest: string): Promise<Round> {
  forgetNewest()
  const [scan, open] = [await runNode([scanner, newest]), await runNode([scanner])]
  return { scan, open, run: await runHistory(), idle: await runHistory() }
}

function show(rounds: readonly Round[], rows: number): void {
  const head = ['what', 'least, ms', 'median, ms', 'least of the scan', 'when nothing is new: least, ms']
  const table = new Table({ head, style: { head: [], border: [] } })
  const leastOf = (value: (round: Round) => number): number => Math.min(...rounds.map(value))
  const add = (
    what: string,
    value: (round: Round) => number,
    scan: (round: Round) => number,
    idle?: (round: Round) => number,
  ) => {
    const ratio = leastOf(value) / leastOf(scan)
    const numbers = [leastOf(value), median(rounds.map(value))].map((ms) => ms.toFixed(0))
    table.push([what, ...numbers, `${ratio.toFixed(2)} x`, idle === undefined ? '' : leastOf(idle).toFixed(0)])
  }
  const scanMs = ({ scan }: Round): number => scan.wallMs
  const scanCpuMs = ({ scan }: Round): number => scan.cpuMs
  const msOf = (run: HistoryRun, task: string): number => run.taskMs.get(task) ?? NaN
  const sum = ({ taskMs }: HistoryRun): number => [...taskMs.values()].reduce((total, ms) => total + ms, 0)
  add('scan', scanMs, scanMs)
  add('… of which node and DuckDB start', ({ open }) => open.wallMs, scanMs)
  for (const task of rounds[0]?.run.taskMs.keys() ?? [])
    add(
      task,
      ({ run }) => msOf(run, task),
      scanMs,
      ({ idle }) => msOf(idle, task),
    )
  add(
    'sum of the tasks',
    ({ run }) => sum(run),
    scanMs,
    ({ idle }) => sum(idle),
  )
  add(
    'dag trigger history',
    ({ run }) => run.wallMs,
    scanMs,
    ({ idle }) => idle.wallMs,
  )
  add('CPU time of the scan', scanCpuMs, scanCpuMs)
  add('… of which node and DuckDB start', ({ open }) => open.cpuMs, scanCpuMs)
  add(
    'CPU time of dag trigger history',
    ({ run }) => run.cpuMs,
    scanCpuMs,
    ({ idle }) => idle.cpuMs,
  )
  console.log(`${months} months, ${rows} rows in the newest, ${rounds.length} rounds\n${table.toString()}`)
  const [fixed, idle] = [leastOf(({ open }) => open.cpuMs), leastOf((round) => round.idle.cpuMs)]
  const ratio = (leastOf(({ run }) => run.cpuMs) - idle) / (leastOf(scanCpuMs) - fixed)
  console.log(`beyond a run with nothing new, the month costs ${ratio.toFixed(2)} x the CPU time of the scan`)
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
