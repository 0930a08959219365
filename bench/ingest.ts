/**
 * Measures ingest as whole processes, in turn with `gzip -dc` of the same dumps: wall, CPU, memory, speed, bytes written, and how
 * fast DuckDB scans what was written, beside DuckDB's own writer and beside sax. Medians of several rounds.
 *
 *     npm run bench -- ingest [--megabytes 400] [--from <directory or file>] [--only releases] [--workers 1,2] [--rounds 3] [--no-sax] [--json]
 *
 * `--megabytes` is the size of the releases dump; the others have about the share of a real month. `--from` amplifies the dumps there
 * (distinct ids, letters permuted) in place of generated ones.
 */
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import Table from 'cli-table3'
import main from '../dags/main.ts'
import { dumpNamed, dumps } from '../src/discogs/catalogue.ts'
import type { DumpName } from '../src/discogs/dataset.ts'
import { stagingDir } from '../src/lake/layout.ts'
import { compile } from '../src/scheduler/plan.ts'
import { dumpPath, makeDumps, month, shares } from './support/dumps.ts'
import { median, runCommand, runGunzip, runNode, type Usage } from './support/measure.ts'

const { values: flags } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '400' },
    from: { type: 'string' },
    only: { type: 'string' },
    workers: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    'no-sax': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const megabytes = Number(flags.megabytes)
const rounds = Number(flags.rounds)
const names: readonly DumpName[] = flags.only === undefined ? dumps.map(({ name }) => name) : [dumpNamed(flags.only).name]
const first = names.includes('releases') ? 'releases' : (names[0] ?? 'releases')
const workers = flags.workers?.split(',').map(Number) ?? Array.from({ length: availableParallelism() }, (_, index) => index + 1)
const runId = `${month}__20260420_060000`
const projectDir = join(import.meta.dirname, '..')
const plan = compile(main, { projectDir })
const saxMegabytes = Math.min(20, megabytes)

interface Line {
  readonly what: string
  readonly wallMs: number
  readonly cpuMs: number
  readonly maxRssMb: number
  readonly megabytes: number
  readonly records: number
  readonly ratio: number
  readonly parquetBytes: number
}

const scratch = mkdtempSync(join(tmpdir(), 'bench-ingest-'))
const cache = join(tmpdir(), 'bench-ingest', 'compile-cache')
const raw = await makeDumps(names, megabytes, flags.from ?? null)
const smallRaw = flags['no-sax'] ? '' : await makeDumps([first], saxMegabytes, flags.from ?? null)
try {
  const measured = new Map<string, Usage[]>()
  const gunzips: { all: number[]; first: number[]; small: number[] } = { all: [], first: [], small: [] }
  const note = (what: string, usage: Usage): void => void measured.set(what, [...(measured.get(what) ?? []), usage])
  for (let round = 0; round < rounds; round++) {
    const alone = await gunzipAll([first])
    gunzips.first.push(alone.wallMs)
    note(`gzip -dc ${first}`, alone)
    for (const count of workers) note(`ingest ${first}, workers ${count}`, await ingest([first], ['--workers', String(count)]))
    if (names.length > 1) {
      const all = await gunzipAll(names)
      gunzips.all.push(all.wallMs)
      note('gzip -dc, one after the other', all)
      note('ingest, all at once', await ingest(names, []))
    }
    note("DuckDB's writer, the same rows", await duckdbWriter())
    if (flags['no-sax']) continue
    const small = dumpPath(smallRaw, first)
    gunzips.small.push((await runGunzip(small)).wallMs)
    note(
      `sax, ${saxMegabytes} MB, writing nothing`,
      await runNode([join(import.meta.dirname, 'support/sax-engine.ts'), first, small]),
    )
  }
  const lines = [...measured].map(([what, usages]) => lineOf(what, usages, gunzips))
  if (flags.json) console.log(JSON.stringify({ lines, scans: await scans() }, null, 2))
  else await print(lines, measured)
} finally {
  rmSync(scratch, { recursive: true })
}

async function gunzipAll(which: readonly DumpName[]): Promise<Usage> {
  const usages: Usage[] = []
  for (const name of which) usages.push(await runGunzip(dumpPath(raw, name)))
  const sum = (key: 'wallMs' | 'cpuMs'): number => usages.reduce((total, usage) => total + usage[key], 0)
  return { wallMs: sum('wallMs'), cpuMs: sum('cpuMs'), maxRssMb: Number.NaN, output: '' }
}

/** The task's command in the plan. */
function commandOf(name: DumpName): string {
  return plan.tasks.find(({ id }) => id === `ingest.${name}`)?.command ?? ''
}

/** The task itself, one process a dump, as the scheduler starts them. */
async function ingest(which: readonly DumpName[], args: readonly string[]): Promise<Usage> {
  rmSync(join(scratch, 'lake'), { recursive: true, force: true })
  const started = performance.now()
  const usages = await Promise.all(
    which.map((name) =>
      runCommand(`${commandOf(name)} ${args.join(' ')}`, {
        RUN_ID: runId,
        DAG_ID: 'main',
        TASK_ID: `ingest.${name}`,
        SESSION: '2026-04-20 06:00:00',
        PARAM_DUMP_MONTH: month,
        DISCOGS_DATA_LAKE: join(scratch, 'lake'),
        DISCOGS_RAW: raw,
        NODE_COMPILE_CACHE: cache,
      }),
    ),
  )
  return {
    wallMs: performance.now() - started,
    cpuMs: usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    maxRssMb: Math.max(...usages.map(({ maxRssMb }) => maxRssMb)),
    output: usages.map(({ output }) => output).join(''),
  }
}

function ours(): string {
  return stagingDir(join(scratch, 'lake'), runId)
}

async function duckdbWriter(): Promise<Usage> {
  rmSync(join(scratch, 'duckdb'), { recursive: true, force: true })
  return runNode([join(import.meta.dirname, 'support/duckdb-writer.ts'), ours(), join(scratch, 'duckdb')])
}

function lineOf(what: string, usages: readonly Usage[], gunzips: Readonly<Record<'all' | 'first' | 'small', number[]>>): Line {
  const wallMs = median(usages.map((usage) => usage.wallMs))
  const isSmall = what.startsWith('sax')
  const isAll = names.length > 1 && (what.includes('all at once') || what.includes('one after') || what.startsWith('DuckDB'))
  const share = isAll ? names.reduce((sum, name) => sum + shares[name], 0) : shares[first]
  const size = isSmall ? saxMegabytes * shares[first] : megabytes * share
  const output = usages.at(-1)?.output ?? ''
  return {
    what,
    wallMs,
    cpuMs: median(usages.map((usage) => usage.cpuMs)),
    maxRssMb: median(usages.map((usage) => usage.maxRssMb)),
    megabytes: size,
    records: Array.from(output.matchAll(/read (\d+) records/g)).reduce((sum, match) => sum + Number(match[1]), 0),
    ratio: wallMs / median(isSmall ? gunzips.small : isAll ? gunzips.all : gunzips.first),
    parquetBytes: Array.from(output.matchAll(/; (\d+) bytes, /g)).reduce((sum, match) => sum + Number(match[1]), 0),
  }
}

interface Scans {
  readonly oursBytes: number
  readonly theirsBytes: number
  readonly oursMs: number
  readonly theirsMs: number
}

/** Bytes of both sets of files, and CPU time of touching every value of them. */
async function scans(): Promise<Scans> {
  const duckdb = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const sets = { ours: globSync(join(ours(), '*/*.parquet')), theirs: globSync(join(scratch, 'duckdb/*.parquet')) }
  const scan = async (files: readonly string[]): Promise<number> => {
    const before = process.cpuUsage()
    for (const file of files) {
      const described = await duckdb.runAndReadAll(`DESCRIBE SELECT * FROM '${file}'`)
      const sums = described.getRows().map(([name, type]) => {
        if (type === 'VARCHAR') return `sum(strlen("${String(name)}"))`
        return type === 'BOOLEAN' ? `count_if("${String(name)}")` : `sum("${String(name)}")`
      })
      await duckdb.run(`SELECT ${sums.join(', ')} FROM '${file}'`)
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  const times = { ours: [] as number[], theirs: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await scan(sets.ours))
    times.theirs.push(await scan(sets.theirs))
  }
  const bytes = (files: readonly string[]): number => files.reduce((sum, file) => sum + statSync(file).size, 0)
  return {
    oursBytes: bytes(sets.ours),
    theirsBytes: bytes(sets.theirs),
    oursMs: median(times.ours),
    theirsMs: median(times.theirs),
  }
}

async function print(lines: readonly Line[], measured: ReadonlyMap<string, readonly Usage[]>): Promise<void> {
  const table = new Table({
    style: { head: [], border: [] },
    head: ['', 'wall s', 'CPU s', 'max RSS MB', 'MB/s', 'records/s', '÷ gzip -dc', 'Parquet MB'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  })
  const shown = (value: number, digits: number): string => (value > 0 ? value.toFixed(digits) : '')
  for (const line of lines) {
    const seconds = line.wallMs / 1000
    table.push([
      line.what,
      seconds.toFixed(2),
      (line.cpuMs / 1000).toFixed(2),
      shown(line.maxRssMb, 0),
      (line.megabytes / seconds).toFixed(0),
      shown(line.records / seconds, 0),
      line.ratio.toFixed(2),
      shown(line.parquetBytes / 1e6, 1),
    ])
  }
  console.log(table.toString())
  const { oursBytes, theirsBytes, oursMs, theirsMs } = await scans()
  console.log(`Parquet bytes ${oursBytes}, DuckDB's ${theirsBytes}: ${(oursBytes / theirsBytes).toFixed(3)}`)
  console.log(
    `full scan in DuckDB ${oursMs.toFixed(0)} ms CPU, of its own files ${theirsMs.toFixed(0)} ms: ${(oursMs / theirsMs).toFixed(3)}`,
  )
  const starts = [...measured].flatMap(([what, usages]) =>
    what.startsWith(`ingest ${first}`) ? usages.flatMap(({ output }) => /first records (\d+) ms/.exec(output)?.[1] ?? []) : [],
  )
  console.log(`first records ${median(starts.map(Number))} ms after the process began (median of ${starts.length})`)
}
