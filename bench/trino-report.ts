/**
 * Claim: the sanity report of 2 million releases takes a local Trino a minute at most (docs/trino.md).
 *
 *     npm run bench -- trino-report [megabytes]      default 7000: XML of the releases dump, 2 million of them; other dumps in proportion
 *
 * Makes dumps and a published run of them once, below the system's directory for temporary files, which takes a quarter of an hour. Starts a
 * server of its own with the flags that TRINO_JVM and TRINO_HEAP_MB name, asks it to read every column of every table once, for
 * comparison, and measures the report: on a server just started, and again. The slowest checks of the second one follow.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { loadConfig } from '../src/config.ts'
import { datasets, dumps } from '../src/discogs/catalogue.ts'
import { localSettings, startTrino, stopTrino } from '../src/infra/trino-server.ts'
import { openRunOnTrino } from '../src/serving/trino-lake.ts'
import { identifiers, valueCounts } from '../src/sql/quote.ts'
import type { TrinoSettings } from '../src/sql/trino.ts'
import { build } from '../src/tasks/build.ts'
import { ingest } from '../src/tasks/ingest.ts'
import { report } from '../src/tasks/report.ts'
import { seal } from '../src/tasks/seal.ts'
import { publish } from '../test/cli/small-lake.ts'
import { taskContext } from '../test/support/task-context.ts'
import { makeDumps, month } from './support/dumps.ts'

const [megabytes = 7000] = process.argv.slice(2).map(Number)
const runId = `${month}__20260420_060000`
const lakeDir = join(tmpdir(), 'bench-ingest', `lake-${megabytes}`)
// Generated dumps refer to ids of a world that is larger than they are.
const params = { dump_month: month, workers: '1', orphan_percent: '100', rollback_on_failure: 'false' }

await makeRun()
const stateDir = mkdtempSync(join(tmpdir(), 'bench-trino-'))
const settings = { ...loadConfig().localTrino, stateDir }
const server = await startTrino({ settings, lakeDir, say: (line) => console.error(line) })
try {
  await measure(localSettings(server))
} finally {
  await stopTrino(stateDir)
  rmSync(stateDir, { recursive: true })
}

async function makeRun(): Promise<void> {
  if (existsSync(join(lakeDir, 'active'))) return
  const rawDir = await makeDumps(
    dumps.map(({ name }) => name),
    megabytes,
    null,
  )
  const context = taskContext({ lakeDir, runId, rawDir, params })
  for (const { name } of dumps) await ingest({ ...context, args: [name] })
  await build(context)
  await seal(context)
  publish(lakeDir, runId)
}

async function measure(trino: TrinoSettings): Promise<void> {
  const table = new Table({ head: ['what', 'seconds', 'CPU seconds of the server'] })
  const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const [start, cpuStart] = [performance.now(), cpuSeconds()]
    await work()
    table.push([what, ((performance.now() - start) / 1000).toFixed(1), (cpuSeconds() - cpuStart).toFixed(0)])
  }
  const context = taskContext({
    lakeDir,
    runId,
    params,
    settings: { ...taskContext({ lakeDir, runId }).settings, sqlEngine: 'trino', trinoUrl: trino.url, trino },
    now: () => new Date(),
  })
  await timed('report, server just started', () => report(context))
  context.heard.checks.length = 0
  await timed('report', () => report(context))
  await timed('every column of every table read once', () => readAll(trino))
  process.stdout.write(`${settings.heapMb} MB heap, ${settings.jvm}\n${table.toString()}\n`)
  const slowest = context.heard.checks.toSorted((left, right) => right.durationMs - left.durationMs).slice(0, 25)
  for (const { checkName, durationMs } of slowest)
    process.stdout.write(`${(durationMs / 1000).toFixed(1).padStart(6)} s  ${checkName}\n`)
}

async function readAll(trino: TrinoSettings): Promise<void> {
  const { engine } = await openRunOnTrino({ lakeDir, trino }, runId)
  await using open = engine
  for (const { name, columns } of datasets) {
    const counts = valueCounts(columns.map((column) => column.name)).sql
    await open.query(`SELECT count(*)${counts} FROM ${identifiers(name).sql}`)
  }
}

/** Of the server so far; NaN where the system does not tell. */
function cpuSeconds(): number {
  const file = `/proc/${server.pid}/stat`
  if (!existsSync(file)) return NaN
  const [, fields = ''] = readFileSync(file, 'utf8').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13).map(Number)
  return ((user ?? NaN) + (system ?? NaN)) / 100
}
