/**
 * Measures the Parquet encoder on real rows: speed of encoding, size and full-scan time of its files against those that
 * DuckDB writes (ZSTD) from the same rows. Times are CPU times of one thread, medians of several rounds.
 *
 *     npm run bench -- encode [--columns] [--rounds 7] <file.parquet> …
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import Table from 'cli-table3'
import { Kernel } from '../src/kernel/kernel.ts'
import { ColumnFile } from '../src/parquet/column-file.ts'
import { type Column, ColumnSet } from '../src/parquet/columns.ts'
import { encodeColumn } from '../src/parquet/encode.ts'
import type { ParquetColumn } from '../src/parquet/parquet-column.ts'
import { parquetChunks } from '../src/sql/parquet-files.ts'

/** Rows and bytes at which a row group ends. */
const groupRows = 122_880
const groupBytes = 64 * 1024 * 1024

const kinds: Readonly<Record<string, ParquetColumn['type']>> = {
  BIGINT: 'BIGINT',
  INTEGER: 'INT',
  BOOLEAN: 'BOOLEAN',
  VARCHAR: 'VARCHAR',
}

const kernel = new Kernel()

interface RowGroup {
  readonly rows: number
  readonly columns: readonly Column[]
}

interface Loaded {
  readonly columns: readonly ParquetColumn[]
  readonly groups: readonly RowGroup[]
}

/** Reads a file's rows into column buffers. */
async function load(duckdb: DuckDBConnection, file: string): Promise<Loaded> {
  const result = await duckdb.stream(`SELECT * FROM '${file}'`)
  const columns = result.columnNames().map((name, index): ParquetColumn => {
    const type = kinds[String(result.columnType(index))]
    if (type === undefined) throw new Error(`${file}: column ${name} is of type ${String(result.columnType(index))}`)
    return { name, type, nullable: true }
  })
  const groups: RowGroup[] = []
  let set = new ColumnSet(kernel, columns)
  let rows = 0
  const endGroup = (): void => {
    for (const column of set.columns) column.pad(rows)
    if (rows > 0) groups.push({ rows, columns: set.columns })
    set = new ColumnSet(kernel, columns)
    rows = 0
  }
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const [index, column] of set.columns.entries()) {
      for (const [row, value] of chunk.getColumnValues(index).entries()) if (value !== null) put(column, rows + row, value)
    }
    rows += chunk.rowCount
    if (rows >= groupRows || set.byteLength >= groupBytes) endGroup()
  }
  endGroup()
  return { columns, groups }
}

function put(column: Column, row: number, value: DuckDBValue): void {
  if (column.kind === 'BOOLEAN') column.put(row, value === true)
  else if (column.kind === 'BIGINT') column.put(row, BigInt(String(value)))
  else column.put(row, column.kind === 'INT' ? Number(value) : String(value))
}

/** Milliseconds of CPU of the whole process that a function takes. */
async function cpuMs(run: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN
}

function write(path: string, { columns, groups }: Loaded): void {
  rmSync(path, { force: true })
  const file = ColumnFile.create(path, columns)
  for (const { rows, columns: buffers } of groups) {
    file.appendRowGroup(
      buffers.map((buffer) => encodeColumn(kernel, buffer)),
      rows,
    )
  }
  file.close()
}

/** Touches every value of every column. */
function scanSql(file: string, columns: readonly ParquetColumn[]): string {
  const sums = columns.map(({ name, type }) => {
    if (type === 'VARCHAR') return `sum(strlen("${name}"))`
    return type === 'BOOLEAN' ? `count_if("${name}")` : `sum("${name}")`
  })
  return `SELECT ${sums.join(', ')} FROM '${file}'`
}

interface Measurement {
  readonly name: string
  readonly megabytes: number
  readonly encodeMs: number
  readonly bytes: number
  readonly duckdbBytes: number
  readonly scanMs: number
  readonly duckdbScanMs: number
}

async function measure(duckdb: DuckDBConnection, source: string, directory: string, rounds: number): Promise<Measurement> {
  const theirs = join(directory, `duckdb-${basename(source)}`)
  const ours = join(directory, `ours-${basename(source)}`)
  await duckdb.run(`COPY (SELECT * FROM '${source}') TO '${theirs}' (FORMAT parquet, COMPRESSION zstd)`)
  const loaded = await load(duckdb, source)
  const megabytes = loaded.groups.flatMap(({ columns }) => columns).reduce((sum, { byteLength }) => sum + byteLength, 0) / 1e6
  const encode: number[] = []
  const scans = { ours: [] as number[], theirs: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    encode.push(
      await cpuMs(() => {
        for (const group of loaded.groups) for (const column of group.columns) encodeColumn(kernel, column)
      }),
    )
  }
  write(ours, loaded)
  for (let round = 0; round < rounds; round++) {
    scans.ours.push(await cpuMs(() => duckdb.runAndReadAll(scanSql(ours, loaded.columns))))
    scans.theirs.push(await cpuMs(() => duckdb.runAndReadAll(scanSql(theirs, loaded.columns))))
  }
  return {
    name: basename(source, '.parquet'),
    megabytes,
    encodeMs: median(encode),
    bytes: statSync(ours).size,
    duckdbBytes: statSync(theirs).size,
    scanMs: median(scans.ours),
    duckdbScanMs: median(scans.theirs),
  }
}

/** One line a column: how it was encoded, its bytes in both files, the speed of encoding it. */
async function printColumns(duckdb: DuckDBConnection, source: string, directory: string): Promise<void> {
  const { columns, groups } = await load(duckdb, source)
  const table = new Table({ head: ['column', 'values', 'MB', 'encoding', 'bytes', 'DuckDB', 'ratio', 'encode MB/s', 'ns/value'] })
  const theirs = join(directory, `duckdb-${basename(source)}`)
  for (const [index, { name }] of columns.entries()) {
    const buffers = groups.flatMap((group) => group.columns[index] ?? [])
    const megabytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) / 1e6
    const values = buffers.reduce((sum, column) => sum + column.values, 0)
    const times: number[] = []
    for (let round = 0; round < 5; round++) times.push(await cpuMs(() => buffers.map((buffer) => encodeColumn(kernel, buffer))))
    const encoded = buffers.map((buffer) => encodeColumn(kernel, buffer))
    const bytes = encoded.reduce((sum, { pages }) => sum + pages.length, 0)
    const sum = `SELECT sum(total_compressed_size)::DOUBLE FROM ${parquetChunks([theirs]).sql} WHERE path_in_schema = '${name}'`
    const duckdbBytes = Number((await duckdb.runAndReadAll(sum)).getRows()[0]?.[0])
    const encodings = [...new Set(encoded.map(({ encoding }) => encoding))].join(' ')
    const speed = [(megabytes / median(times)) * 1000, (median(times) * 1e6) / Math.max(values, 1)].map((value) =>
      value.toFixed(0),
    )
    table.push([name, values, megabytes.toFixed(2), encodings, bytes, duckdbBytes, (bytes / duckdbBytes).toFixed(2), ...speed])
  }
  console.log(table.toString())
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { columns: { type: 'boolean', default: false }, rounds: { type: 'string', default: '7' } },
})
const directory = mkdtempSync(join(tmpdir(), 'bench-encode-'))
try {
  const duckdb = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const table = new Table({
    head: ['file', 'MB of columns', 'encode MB/s', 'bytes', 'DuckDB', 'ratio', 'scan ms', 'DuckDB', 'ratio'],
  })
  const all: Measurement[] = []
  const line = (one: Measurement): string[] => [
    one.name,
    one.megabytes.toFixed(1),
    ((one.megabytes / one.encodeMs) * 1000).toFixed(0),
    String(one.bytes),
    String(one.duckdbBytes),
    (one.bytes / one.duckdbBytes).toFixed(3),
    one.scanMs.toFixed(1),
    one.duckdbScanMs.toFixed(1),
    (one.scanMs / one.duckdbScanMs).toFixed(3),
  ]
  for (const file of positionals) {
    const one = await measure(duckdb, file, directory, Number(flags.rounds))
    all.push(one)
    table.push(line(one))
    if (flags.columns) {
      console.log(one.name)
      await printColumns(duckdb, file, directory)
    }
  }
  const sum = (key: Exclude<keyof Measurement, 'name'>): number => all.reduce((total, one) => total + one[key], 0)
  table.push(
    line({
      name: 'all',
      megabytes: sum('megabytes'),
      encodeMs: sum('encodeMs'),
      bytes: sum('bytes'),
      duckdbBytes: sum('duckdbBytes'),
      scanMs: sum('scanMs'),
      duckdbScanMs: sum('duckdbScanMs'),
    }),
  )
  console.log(table.toString())
} finally {
  rmSync(directory, { recursive: true, force: true })
}
